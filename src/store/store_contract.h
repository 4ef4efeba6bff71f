// What the contract tests share: a registry of each kind, verbs in few words, rows as text.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "domain/rollout_json.h"
#include "store/follow_row.h"
#include "store/memory_store.h"
#include "store/postgres/postgres_fixture.h"
#include "store/registry_store.h"
#include "store/route_history.h"
#include "store/row_text.h"
#include "store/shadow_row.h"
#include "store/sqlite_store.h"
#include "testing/sim_clock.h"
#include "testing/temp_dir.h"

namespace podium::store {

/// One kind of registry. Opening twice with the same folder is the same registry, if it has files.
struct Backend {
  std::string name;
  std::function<std::unique_ptr<RegistryStore>(Clock&, Rng&, const testing::TempDir&)> open;
  bool keeps_rows = false;  ///< Whether there are files.
};

inline void PrintTo(const Backend& backend, std::ostream* out) { *out << backend.name; }

inline Backend MemoryBackend() {
  return {"Memory",
          [](Clock& clock, Rng& rng, const testing::TempDir&) {
            return std::make_unique<MemoryStore>(clock, rng);
          },
          /*keeps_rows=*/false};
}

inline Backend SqliteBackend() {
  return {"Sqlite",
          [](Clock& clock, Rng& rng, const testing::TempDir& folder) {
            auto opened = SqliteStore::Open(folder / "registry.db", clock, rng);
            EXPECT_TRUE(opened) << Describe(opened.error());
            return opened ? std::move(*opened) : nullptr;
          },
          /*keeps_rows=*/true};
}

inline Backend PostgresBackend() { return {"Postgres", OpenPostgres, /*keeps_rows=*/true}; }

inline BasisPoints Share(int basis_points) { return *BasisPoints::From(basis_points); }

/// The route of rows, and of verbs that name none.
inline const RouteName kIris("iris");

inline MoveRollout MoveOf(const Rollout& rollout, RolloutMove move) {
  return {rollout.route, rollout.id, move, std::nullopt, std::nullopt, "", {}, {}, {}};
}
/// The next epoch, with that share.
inline MoveRollout EpochOf(const Rollout& rollout, std::uint32_t step, int basis_points) {
  MoveRollout verb = MoveOf(rollout, RolloutMove::kEpoch);
  verb.epoch = RolloutEpoch();
  verb.epoch->step = step;
  verb.epoch->share = Share(basis_points);
  return verb;
}

/// A row to register; `version` is the id unless said otherwise.
inline ModelVersion Row(const std::string& id, const std::string& route = "iris") {
  ModelVersion row;
  row.model_id = ModelId(id);
  row.route = RouteName(route);
  row.version = id;
  return row;
}

/// Every field, for comparing registries.
inline std::string TextOf(const std::optional<ModelId>& id) { return id ? id->get() : "-"; }

inline std::string TextOf(const ModelVersion& row) {
  return fmt::format("{} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {}{}",
                     row.model_id.get(), row.route.get(), row.name, row.version, row.provider_key,
                     row.upstream_model, row.artifact_uri, row.artifact_sha256, row.format,
                     NameOf(row.status), row.stage, row.share.value(), row.signature,
                     MetricsToText(row.metrics), TagsToText(row.tags), row.catalogue_id,
                     row.experiment_id, NameOf(row.load), row.source_run, TextOf(row.parent_id),
                     FormatUtc(row.created_at), FormatUtc(row.updated_at), row.revision.get(),
                     row.deleted ? " deleted" : "");
}

inline std::string TextOf(const Route& route) {
  std::string arms;
  for (const RouteArm& arm : route.arms) {
    arms += fmt::format(" {}:{}={}", arm.slot, arm.model_id.get(), arm.weight.value());
  }
  return fmt::format("{} {} {} {} {} {} [{}] {} {} {} {} {} {} {} {} {}", route.name.get(),
                     route.task_type, NameOf(route.policy), route.sticky_on, route.salt,
                     route.canary_salt, arms, route.primary_since.get(),
                     TextOf(route.previous_primary), FormatUtc(route.created_at),
                     FormatUtc(route.updated_at), route.revision.get(),
                     route.follow ? FollowToText(*route.follow) : "-",
                     route.rollout ? MarkToText(*route.rollout) : "-",
                     route.shadow ? ShadowToText(*route.shadow) : "-",
                     route.challenger ? ChallengerToText(*route.challenger) : "-");
}

/// The hash covers every other field.
inline std::string TextOf(const Promotion& row) {
  return fmt::format("{} {} {}->{} {}", row.revision.get(), NameOf(row.kind), TextOf(row.from),
                     TextOf(row.to), row.hash);
}

inline std::string TextOf(const TableDelta& delta) {
  std::string text = fmt::format("{}.{}", delta.epoch, delta.revision.get());
  for (const Route& route : delta.routes) text += "\n" + TextOf(route);
  for (const ModelVersion& row : delta.versions) text += "\n" + TextOf(row);
  for (const RowFault& fault : delta.faults) text += "\nfault " + fault.key + ": " + fault.problem;
  return text;
}

inline std::string TextOf(const Result<RouteAt>& result) {
  if (!result) return Describe(result.error());
  return fmt::format("{} since {} {} {} {}", result->generation.get(), result->since.get(),
                     FormatUtc(result->since_at), result->by_sql, InputToText(result->input));
}

inline std::string TextOf(const Result<Committed>& result) {
  if (!result) return Describe(result.error());
  return fmt::format("{} {}\n{}\n{}\n{}\n{}", result->revision.get(), result->changed,
                     TextOf(result->audit), TextOf(result->route),
                     result->version ? TextOf(*result->version) : "-",
                     result->rollout ? RolloutToText(*result->rollout) : "-");
}

/// The verbs on one registry, with `iris` as the route where none is named.
class Registry {
 public:
  explicit Registry(RegistryStore& store) : store_(store) {}

  /// The mutation must be accepted, or the test fails.
  Committed Do(const Mutation& mutation, const MutationContext& context = {}) {
    Result<Committed> done = store_.Apply(mutation, context);
    if (done) return std::move(*done);
    ADD_FAILURE() << Describe(done.error());
    return {};
  }
  /// The mutation must be refused with this code; returns the message.
  std::string Refuse(ErrorCode code, const Mutation& mutation,
                     const MutationContext& context = {}) {
    const Result<Committed> done = store_.Apply(mutation, context);
    if (done) {
      ADD_FAILURE() << "accepted: " << TextOf(done);
      return "";
    }
    EXPECT_EQ(TraitsOf(done.error().code).slug, TraitsOf(code).slug) << Describe(done.error());
    return done.error().message;
  }

  void Add(const std::string& id, VersionStatus status = VersionStatus::kStandby,
           const std::string& route = "iris") {
    ModelVersion row = Row(id, route);
    row.status = status;
    Do(RegisterVersion{row});
  }
  Committed Activate(const std::string& id) { return Do(ActivateVersion{ModelId(id)}); }
  Committed Promote(const std::string& id) { return Do(PromoteVersion{ModelId(id)}); }
  /// A rollout of DefaultPlan; the row as it was written.
  Rollout Start(const std::string& id) {
    const Committed done = Do(StartRollout{kIris, ModelId(id), DefaultPlan(), {}});
    EXPECT_TRUE(done.rollout);
    return done.rollout.value_or(Rollout());
  }
  Rollout NewestRollout() {
    auto* rollouts = dynamic_cast<RolloutStore*>(&store_);
    const Result<Page<Rollout>> page = rollouts->ListRollouts({std::nullopt, false, 1, ""});
    EXPECT_TRUE(page) << Describe(page.error());
    return page && !page->items.empty() ? page->items.front() : Rollout();
  }
  Committed RollBack() { return Do(RollBackRoute{RouteName("iris")}); }
  Committed Canary(const std::string& id, int basis_points) {
    return Do(SetCanary{RouteName("iris"), ModelId(id), Share(basis_points)});
  }
  Committed Split(const std::vector<std::pair<std::string, int>>& arms) {
    SetArms verb{RouteName("iris"), {}};
    for (const auto& [id, weight] : arms) verb.arms.push_back({ModelId(id), 0, Share(weight)});
    return Do(verb);
  }

  /// "a=primary b=canary@500 c=standby": the live rows by id.
  std::string Roles(const std::string& route = "iris") {
    const Result<RouteState> state = store_.ReadRoute(RouteName(route));
    if (!state) return Describe(state.error());
    std::map<std::string, std::string> roles;
    for (const ModelVersion& row : state->versions) {
      std::string role(NameOf(row.status));
      if (row.status == VersionStatus::kCanary) role += fmt::format("@{}", row.share.value());
      roles[row.model_id.get()] = role;
    }
    std::string text;
    for (const auto& [id, role] : roles) {
      text += fmt::format("{}{}={}", text.empty() ? "" : " ", id, role);
    }
    return text;
  }
  Route TheRoute(const std::string& route = "iris") {
    const Result<RouteState> state = store_.ReadRoute(RouteName(route));
    EXPECT_TRUE(state) << Describe(state.error());
    return state ? state->route : Route();
  }
  /// The first 500 rows, oldest first.
  std::vector<Promotion> Audit() {
    const Result<Page<Promotion>> page = store_.ListPromotions({std::nullopt, 500, ""});
    EXPECT_TRUE(page) << Describe(page.error());
    return page ? std::vector<Promotion>(page->items.rbegin(), page->items.rend())
                : std::vector<Promotion>();
  }
  std::vector<OutboxEvent> Events() {
    const Result<std::vector<OutboxEvent>> events = store_.ReadOutbox(0, 500);
    EXPECT_TRUE(events) << Describe(events.error());
    return events ? *events : std::vector<OutboxEvent>();
  }

 private:
  RegistryStore& store_;
};

/// Runs each test on every kind of registry.
class RegistryContract : public ::testing::TestWithParam<Backend> {
 protected:
  RegistryContract() : store_(GetParam().open(clock_, rng_, folder_)), registry_(*store_) {}

  testing::TempDir folder_;
  testing::SimClock clock_;
  SeededRng rng_{1};
  std::unique_ptr<RegistryStore> store_;
  Registry registry_;
};

/// Every kind of registry: the contract's tests and the scenarios run on each.
inline std::vector<Backend> Backends() {
  return {MemoryBackend(), SqliteBackend(), PostgresBackend()};
}
inline auto AllBackends() { return ::testing::ValuesIn(Backends()); }
inline std::string BackendName(const ::testing::TestParamInfo<Backend>& info) {
  return info.param.name;
}

}  // namespace podium::store
