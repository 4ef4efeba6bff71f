// What the contract tests of ReplicaStore share: a store of each kind, replicas in few words.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/rng.h"
#include "store/memory_replica_store.h"
#include "store/postgres/postgres_fixture.h"
#include "store/sqlite_store.h"
#include "testing/sim_clock.h"
#include "testing/temp_dir.h"

namespace podium::store {

struct ReplicaBackend {
  std::string name;
  std::function<std::unique_ptr<ReplicaStore>(Clock&, Rng&, const testing::TempDir&)> open;
};
inline void PrintTo(const ReplicaBackend& backend, std::ostream* out) { *out << backend.name; }

inline std::vector<ReplicaBackend> ReplicaBackends() {
  return {{"Memory",
           [](Clock& clock, Rng&, const testing::TempDir&) {
             return std::make_unique<MemoryReplicaStore>(clock);
           }},
          {"Sqlite",
           [](Clock& clock, Rng& rng, const testing::TempDir& folder) {
             auto opened = SqliteStore::Open(folder / "registry.db", clock, rng);
             EXPECT_TRUE(opened) << Describe(opened.error());
             return opened ? std::move(*opened) : nullptr;
           }},
          {"Postgres", OpenPostgres}};
}

inline ReplicaIdentity ReplicaOf(const std::string& id, const std::string& incarnation = "first") {
  return {id, incarnation, "127.0.0.1:8080", "test"};
}

inline ReplicaBeat BeatOf(const std::string& id, std::uint64_t applied,
                          std::vector<ReplicaVersion> reported = {},
                          std::vector<ModelId> withdrawn = {}) {
  return {ReplicaOf(id), Generation(applied), std::move(reported), std::move(withdrawn), 0, 0};
}

inline ReplicaVersion ReadyOf(const std::string& id) {
  return {ModelId(id), LoadState::kReady, ""};
}
inline ReplicaVersion FailedOf(const std::string& id, const std::string& error) {
  return {ModelId(id), LoadState::kFailed, error};
}

class ReplicaContract : public ::testing::TestWithParam<ReplicaBackend> {
 protected:
  ReplicaContract() : store_(GetParam().open(clock_, rng_, folder_)) {}

  void Join(const std::string& id, const std::string& incarnation = "first") {
    const Status joined = store_->Join(ReplicaOf(id, incarnation));
    ASSERT_TRUE(joined) << Describe(joined.error());
  }
  bool Beat(const ReplicaBeat& beat) {
    const Result<bool> taken = store_->Beat(beat);
    EXPECT_TRUE(taken) << Describe(taken.error());
    return taken && *taken;
  }
  std::vector<ReplicaRow> Replicas() {
    Result<std::vector<ReplicaRow>> rows = store_->ReadReplicas();
    EXPECT_TRUE(rows) << Describe(rows.error());
    return rows ? std::move(*rows) : std::vector<ReplicaRow>();
  }
  /// "a ready, b failed: why, c absent"
  std::string Readiness(const std::string& model) {
    const Result<std::vector<ReplicaReadiness>> all = store_->ReadReadiness(ModelId(model));
    EXPECT_TRUE(all) << Describe(all.error());
    std::string text;
    for (const ReplicaReadiness& one : all ? *all : std::vector<ReplicaReadiness>()) {
      text += (text.empty() ? "" : ", ") + one.replica.self.id + " ";
      text += one.version ? std::string(NameOf(one.version->state)) : "absent";
      if (one.version && !one.version->error.empty()) text += ": " + one.version->error;
    }
    return text;
  }

  testing::TempDir folder_;
  testing::SimClock clock_;
  SeededRng rng_{1};
  std::unique_ptr<ReplicaStore> store_;
};

}  // namespace podium::store
