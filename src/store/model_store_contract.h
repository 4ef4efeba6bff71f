// What the contract tests of ModelStore share: a store of each kind, mutations in few words.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/rng.h"
#include "store/memory_model_store.h"
#include "store/model_store.h"
#include "store/postgres/postgres_fixture.h"
#include "store/sqlite_store.h"
#include "testing/sim_clock.h"
#include "testing/temp_dir.h"

namespace podium::store {

/// A store, and how its outbox reads: type and data of each event, oldest first.
struct OpenModelStore {
  std::shared_ptr<ModelStore> store;
  std::function<std::vector<std::pair<std::string, std::string>>()> events;
};

inline std::vector<std::pair<std::string, std::string>> EventsOf(RegistryStore& store) {
  std::vector<std::pair<std::string, std::string>> all;
  const Result<std::vector<OutboxEvent>> events = store.ReadOutbox(0, limits::kPageMax);
  EXPECT_TRUE(events);
  for (const OutboxEvent& event : *events) all.emplace_back(event.type, event.data);
  return all;
}

struct ModelBackend {
  std::string name;
  std::function<OpenModelStore(Clock&, Rng&, const testing::TempDir&)> open;
};
inline void PrintTo(const ModelBackend& backend, std::ostream* out) { *out << backend.name; }

inline ModelBackend MemoryModelBackend() {
  return {"Memory", [](Clock& clock, Rng&, const testing::TempDir&) {
            auto store = std::make_shared<MemoryModelStore>(clock);
            return OpenModelStore{store, [store] { return store->events(); }};
          }};
}
inline ModelBackend SqliteModelBackend() {
  return {"Sqlite", [](Clock& clock, Rng& rng, const testing::TempDir& folder) {
            auto opened = SqliteStore::Open(folder / "registry.db", clock, rng);
            EXPECT_TRUE(opened) << Describe(opened.error());
            std::shared_ptr<SqliteStore> store = opened ? std::move(*opened) : nullptr;
            return OpenModelStore{store, [store] { return EventsOf(*store); }};
          }};
}
inline ModelBackend PostgresModelBackend() {
  return {"Postgres", [](Clock& clock, Rng& rng, const testing::TempDir& folder) {
            const std::shared_ptr<SqlStore> store = OpenPostgres(clock, rng, folder);
            return OpenModelStore{store, [store] { return EventsOf(*store); }};
          }};
}
inline std::vector<ModelBackend> ModelBackends() {
  return {MemoryModelBackend(), SqliteModelBackend(), PostgresModelBackend()};
}

class ModelContract : public ::testing::TestWithParam<ModelBackend> {
 protected:
  ModelContract() : opened_(GetParam().open(clock_, rng_, folder_)) {}
  ModelStore& store() { return *opened_.store; }

  ModelCommitted Do(const ModelMutation& mutation) {
    clock_.Advance(std::chrono::seconds(1));
    Result<ModelCommitted> done = store().ApplyModel(mutation, {"ann", "mlflow", "r-1"});
    EXPECT_TRUE(done) << Describe(done.error());
    return done ? std::move(*done) : ModelCommitted();
  }
  /// Must be refused and leave no event; "code: message".
  std::string Refuse(const ModelMutation& mutation) {
    const std::size_t events = opened_.events().size();
    const Result<ModelCommitted> done = store().ApplyModel(mutation, {"ann", "mlflow", "r-1"});
    EXPECT_EQ(opened_.events().size(), events);
    if (done) return "accepted";
    return std::string(TraitsOf(done.error().code).slug) + ": " + done.error().message;
  }
  void Model(const std::string& name, const TagMap& tags = {}) {
    Do(CreateModel{name, std::nullopt, tags});
  }
  std::int64_t Version(const std::string& name, const std::string& source = "s3://bucket/x") {
    RegisteredVersion version;
    version.name = name;
    version.source = source;
    const ModelCommitted done = Do(CreateVersion{version});
    return done.version ? done.version->number : 0;
  }
  /// "1=None 2=Production@champion": what a reader sees of the numbers up to 9.
  std::string Versions(const std::string& name) {
    std::string text;
    for (std::int64_t number = 1; number < 10; ++number) {
      const Result<RegisteredVersion> row = store().ReadModelVersion(name, number);
      if (!row) continue;
      text += fmt::format("{}{}={}", text.empty() ? "" : " ", number, NameOf(row->stage));
      for (const std::string& alias : row->aliases) text += "@" + alias;
    }
    return text;
  }
  /// Names or "name/number" of one page.
  std::string Models(const std::string& filter, const std::vector<std::string>& order = {}) {
    const Result<Page<ModelListing>> page =
        store().SearchModels({*ParseModelFilter(filter), *ParseModelOrder(order), 100, ""});
    if (!page) return Describe(page.error());
    std::string text;
    for (const ModelListing& row : page->items) text += (text.empty() ? "" : " ") + row.model.name;
    return text;
  }
  std::string Found(const std::string& filter, const std::vector<std::string>& order = {}) {
    const Result<Page<RegisteredVersion>> page = store().SearchModelVersions(
        {*ParseVersionFilter(filter), *ParseVersionOrder(order), 100, ""});
    if (!page) return Describe(page.error());
    std::string text;
    for (const RegisteredVersion& row : page->items) {
      text += fmt::format("{}{}/{}", text.empty() ? "" : " ", row.name, row.number);
    }
    return text;
  }

  testing::TempDir folder_;
  testing::SimClock clock_;
  SeededRng rng_{1};
  OpenModelStore opened_;
};

}  // namespace podium::store
