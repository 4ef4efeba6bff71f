// What a verb does when the registry gives an answer that leaves its commit in doubt.
#include "control/admin/verbs.h"

#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/rng.h"
#include "control/admin/admin_api.h"
#include "net/answer_fixture.h"
#include "net/memory_exchange.h"
#include "store/memory_store.h"
#include "testing/faulty_store.h"
#include "testing/silent_model.h"
#include "testing/sim_clock.h"
#include "testing/temp_dir.h"

namespace podium::control {
namespace {

using podium::testing::Moment;
using podium::testing::SilentModel;
using podium::testing::StoreCall;

class SilentLoader final : public runtime::ModelLoader {
 public:
  Result<ModelHandle> Load(const std::filesystem::path&, const std::string&) override {
    return ModelHandle(std::make_shared<SilentModel>());
  }
};

/// How many models, until which revision.
using Kept = std::pair<std::size_t, std::int64_t>;

/// Publishes nothing; remembers what it was asked to keep.
class NotingPublisher final : public view::PublishPort {
 public:
  Status PublishAtLeast(Revision) override { return answer; }
  void KeepUntilRead(std::vector<ModelHandle> warm, Revision revision) override {
    kept.emplace_back(warm.size(), revision.get());
  }
  view::PublishState state() const override {
    view::PublishState state;
    state.view = view::ViewCell().Pin();
    return state;
  }

  Status answer;
  std::vector<Kept> kept;
};

/// Route "r" with the primary r-1, and r-2 on standby, which nobody has loaded.
class Verbs : public ::testing::Test {
 protected:
  Verbs() {
    for (const char* id : {"r-1", "r-2"}) {
      std::ofstream(directory_ / id) << "model";
      ModelVersion row;
      row.model_id = ModelId(id);
      row.route = RouteName("r");
      row.version = id;
      row.provider_key = kLocalProvider;
      row.artifact_uri = std::string("file:") + id;
      row.format = "onnx";
      row.load = LoadPolicy::kLazy;
      EXPECT_TRUE(memory_.Apply(store::RegisterVersion{row}, {}));
    }
    EXPECT_TRUE(memory_.Apply(store::ActivateVersion{ModelId("r-1")}, {}));
  }
  ~Verbs() override { pools_.Stop(); }

  /// The status of POST `target`, and what was kept warm meanwhile.
  int Post(const std::string& target) {
    net::MemoryExchange exchange(net::MemoryExchange::Text("POST", target));
    return net::AnswerOf(api_, exchange).status;
  }
  int Activate() { return Post("/api/v1/versions/r-2/activate"); }

  podium::testing::TempDir directory_;
  podium::testing::SimClock clock_;
  SeededRng rng_{1};
  store::MemoryStore memory_{clock_, rng_};
  podium::testing::FaultyStore store_{memory_};
  NotingPublisher publisher_;

 private:
  view::StatsRegistry stats_{1};
  runtime::ModelRuntime runtime_{{directory_ / "cache",
                                  {directory_.path()},
                                  1,
                                  std::chrono::seconds(5),
                                  std::chrono::seconds(300)},
                                 clock_,
                                 std::make_shared<SilentLoader>(),
                                 {}};
  const auth::Authenticator authenticator_ = auth::Authenticator::LocalOnly();
  ControlPools pools_;
  const view::RecentRequests recent_{1,
                                     [](std::size_t, const std::function<void()>& job) { job(); }};
  AdminContext context_{store_,  runtime_, publisher_, stats_, authenticator_, clock_, rng_, pools_,
                        recent_, {},       {},         {}};
  AdminApi api_{context_};
};

TEST_F(Verbs, NothingIsKeptWhenTheViewHasIt) {
  EXPECT_EQ(Activate(), 200);
  EXPECT_TRUE(publisher_.kept.empty());
}

// INV-8: the poll may find the change hours later, and then it is what serves.
TEST_F(Verbs, Inv8WhatACommitInDoubtMadeLiveIsKeptWarm) {
  for (const Moment moment : {Moment::kBefore, Moment::kAfter}) {
    publisher_.kept.clear();
    store_.Fail(StoreCall::kApply, 1, {ErrorCode::kUnavailable, "the line is dead", "", nullptr},
                moment);
    EXPECT_EQ(Activate(), 503);
    EXPECT_EQ(publisher_.kept, (std::vector<Kept>{{1, 0}}));
  }
}

TEST_F(Verbs, Inv8WhatCouldNotBeReadBackIsKeptWarm) {
  publisher_.answer = Fail(ErrorCode::kUnavailable, "the disk is on fire");
  EXPECT_EQ(Activate(), 202);
  EXPECT_EQ(publisher_.kept, (std::vector<Kept>{{1, 4}}));
}

// Of fifty promotes forty-nine are refused: their models were not wanted by any row.
TEST_F(Verbs, WhatTheRowsRefuseIsNotKept) {
  for (const ErrorCode code : {ErrorCode::kConflict, ErrorCode::kRevisionMismatch,
                               ErrorCode::kNotFound, ErrorCode::kUnprocessable}) {
    store_.Fail(StoreCall::kApply, 1, {code, "no", "", nullptr});
    EXPECT_EQ(Activate(), TraitsOf(code).http_status);
    EXPECT_TRUE(publisher_.kept.empty());
  }
}

// A retirement makes nothing live, so there is nothing to keep.
TEST_F(Verbs, WhatMakesNothingLiveKeepsNothing) {
  store_.Fail(StoreCall::kApply, 1, {ErrorCode::kUnavailable, "the line is dead", "", nullptr});
  EXPECT_EQ(Post("/api/v1/versions/r-2/retire"), 503);
  EXPECT_TRUE(publisher_.kept.empty());
}

// Where the registry cannot be asked who serves, nobody may claim that all of them have it.
TEST(VerbOutcome, IsAppliedByAllThatAreKnownToServe) {
  VerbOutcome outcome;
  outcome.replicas = {{"a", true}};
  EXPECT_TRUE(outcome.applied());
  outcome.replicas_known = false;
  EXPECT_FALSE(outcome.applied());
  outcome.replicas_known = true;
  outcome.replicas.push_back({"b", false});
  EXPECT_FALSE(outcome.applied());
}

}  // namespace
}  // namespace podium::control
