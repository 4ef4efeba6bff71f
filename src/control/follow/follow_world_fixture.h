// A registry with a route that may follow, its registered model and its artifacts, in memory and on
// a temporary disk: for the tests of what reads and changes them.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/rng.h"
#include "control/follow/follow_judge.h"
#include "routing/table.h"
#include "runtime/artifact_tree.h"
#include "store/memory_model_store.h"
#include "store/memory_store.h"
#include "testing/silent_model.h"
#include "testing/sim_clock.h"
#include "testing/temp_dir.h"
#include "view/publish_port.h"
#include "view/stats_registry.h"

namespace podium::control {

/// Shows the table as it is at every look.
class LivePublisher final : public view::PublishPort {
 public:
  explicit LivePublisher(store::RegistryStore& store) : store_(store) {}

  Status PublishAtLeast(Revision) override { return {}; }
  void KeepUntilRead(std::vector<ModelHandle>, Revision) override {}
  view::PublishState state() const override {
    const auto delta = store_.ReadTable(Revision(0));
    routing::TableCompiler compiler({});
    compiler.Absorb(delta->routes, delta->versions);
    auto routes = compiler.Compile(MakeGeneration(1, delta->revision));
    std::vector<view::RouteView> views;
    for (const auto& route : routes->routes()) {
      view::RouteView& built = views.emplace_back(view::RouteView{route, {}});
      for (const ModelVersion& version : route->versions) {
        view::VersionServing serving;
        serving.stats = stats_.Of(version.model_id, version.route, version.version);
        built.serving.push_back(std::move(serving));
      }
    }
    view::PublishState state;
    state.view = std::make_shared<const view::CoreView>(std::move(routes), std::move(views), 1);
    return state;
  }

 private:
  store::RegistryStore& store_;
  mutable view::StatsRegistry stats_{1};
};

class FollowWorld : public ::testing::Test {
 protected:
  static constexpr const char* kModel = "ranker";
  inline static const RouteName kRoute{"ads"};

  FollowWorld() { Model(store::CreateModel{kModel, std::nullopt, {}}); }

  store::ModelCommitted Model(const store::ModelMutation& mutation) {
    auto done = models_.ApplyModel(mutation, {"carol", "mlflow", "request"});
    EXPECT_TRUE(done) << done.error().message;
    return done.value_or(store::ModelCommitted());
  }
  /// A version whose file is in the store of artifacts; its bytes are its number.
  std::int64_t NewVersion(const TagMap& tags = {}) {
    const std::string number = std::to_string(++made_);
    Put({"m" + number + ".onnx"}, number);
    RegisteredVersion version;
    version.name = kModel;
    version.source = "mlflow-artifacts:/m" + number + ".onnx";
    version.tags = tags;
    return Model(store::CreateVersion{version}).version->number;
  }
  void Put(const runtime::ArtifactPath& path, const std::string& bytes) {
    const auto upload = tree_.NewUpload("t");
    ASSERT_TRUE(upload->Append(bytes));
    ASSERT_TRUE(tree_.Publish(*upload, path));
  }
  /// What the file of a version declares, beside it.
  void Declare(std::int64_t number, const std::string& signature) {
    Put({"m" + std::to_string(number) + ".signature.json"}, signature);
  }
  void Champion(std::int64_t number) { Model(store::SetAlias{kModel, "champion", number}); }
  void Challenger(std::int64_t number) { Model(store::SetAlias{kModel, "challenger", number}); }

  Result<store::Committed> Apply(const store::Mutation& mutation) {
    return store_.Apply(mutation, {});
  }
  void FollowIt(const std::string& champion = "", const std::string& challenger = "") {
    Follow follow;
    follow.model = kModel;
    follow.champion = champion;
    follow.challenger = challenger;
    const auto done = Apply(store::SetFollow{kRoute, follow});
    ASSERT_TRUE(done) << done.error().message;
  }
  /// "3 | 4:5": who is primary, and who canary with how many percent.
  std::string Serving() {
    const auto state = store_.ReadRoute(kRoute);
    if (!state) return "none";
    std::string primary;
    std::string canary;
    for (const ModelVersion& row : state->versions) {
      if (row.status == VersionStatus::kPrimary) primary = row.version;
      if (row.status == VersionStatus::kCanary) {
        canary = row.version + ":" + FormatPercent(row.share);
      }
    }
    return primary + " | " + canary;
  }

  /// As the runtime tells: ready unless `states_` says otherwise.
  std::optional<runtime::ModelStatus> StatusOf(const ModelId& id) const {
    runtime::ModelStatus status;
    status.id = id;
    const auto row = const_cast<store::MemoryStore&>(store_).FindVersion(id);
    const auto said = row ? states_.find(row->version) : states_.end();
    status.state = said == states_.end() ? LoadState::kReady : said->second;
    if (status.state == LoadState::kFailed) status.error = "it crashed";
    if (status.state == LoadState::kReady) status.model = model_;
    return status;
  }

  podium::testing::TempDir folder_;
  podium::testing::SimClock clock_;
  SeededRng rng_{7};
  store::MemoryStore store_{clock_, rng_};
  store::MemoryModelStore models_{clock_};
  runtime::ArtifactTree tree_{folder_ / "mlflow"};
  LivePublisher publisher_{store_};
  std::map<std::string, LoadState> states_;  ///< By the version's label.
  ModelHandle model_;                        ///< Null: what is ready has only what it declared.

 private:
  int made_ = 0;
};

}  // namespace podium::control
