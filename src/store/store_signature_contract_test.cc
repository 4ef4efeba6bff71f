// The contract of RegistryStore, part four: the signature gate. Callers of a route keep working
// whoever changes its versions, on every database and through every verb.
#include <gmock/gmock.h>

#include "store/store_contract.h"

namespace podium::store {
namespace {

using ::testing::HasSubstr;

constexpr const char* kFour = R"({"inputs":[{"name":"x","datatype":"FP32","shape":[-1,4]}],)"
                              R"("outputs":[{"name":"y","datatype":"FP32","shape":[-1]}]})";
constexpr const char* kFive = R"({"inputs":[{"name":"x","datatype":"FP32","shape":[-1,5]}],)"
                              R"("outputs":[{"name":"y","datatype":"FP32","shape":[-1]}]})";

class SignatureGate : public RegistryContract {
 protected:
  SignatureGate() {
    Add("four", kFour);
    Add("other_four", kFour);
    Add("five", kFive);
    Add("silent", "");
    registry_.Activate("four");
  }
  void Add(const std::string& id, const std::string& signature) {
    ModelVersion row = Row(id);
    row.status = VersionStatus::kShadow;
    row.signature = signature;
    registry_.Do(RegisterVersion{row});
  }
  static MutationContext Forced(bool named) {
    MutationContext context;
    context.actor = named ? "local:alice" : "local";
    context.force = true;
    context.named_person = named;
    return context;
  }
  const RouteName iris_{"iris"};
};
INSTANTIATE_TEST_SUITE_P(Stores, SignatureGate, AllBackends(), BackendName);

TEST_P(SignatureGate, RefusesWhatDoesNotFitAndChangesNothing) {
  const Revision before = *store_->ReadRevision();
  const ModelId five("five");
  const Mutation verbs[] = {SetCanary{iris_, five, Share(500)}, SetCanary{iris_, five, Share(0)},
                            ActivateVersion{five}, SetArms{iris_, {{five, 0, Share(500)}}}};
  for (const Mutation& verb : verbs) {
    const std::string said = registry_.Refuse(ErrorCode::kConflict, verb);
    EXPECT_THAT(said, HasSubstr("version five does not fit the callers of route iris, whose "
                                "primary is four: input \"x\" has shape [-1, 5] instead of"));
    EXPECT_THAT(said, HasSubstr("force it as a named person"));
  }
  EXPECT_EQ(*store_->ReadRevision(), before);
}

TEST_P(SignatureGate, PassesWhatFitsAndSaysWhatIsNotKnown) {
  const Committed fits = registry_.Canary("other_four", 500);
  ASSERT_EQ(fits.signatures.size(), 1u);
  EXPECT_EQ(fits.signatures.front().fit.fit, Fit::kCompatible);
  EXPECT_EQ(fits.signatures.front().primary, ModelId("four"));
  registry_.Do(EndCanary{iris_});
  const Committed silent = registry_.Canary("silent", 500);
  EXPECT_EQ(silent.signatures.front().fit.fit, Fit::kUnknown);
  EXPECT_TRUE(registry_.Activate("four").signatures.empty()) << "with itself nothing is compared";
}

TEST_P(SignatureGate, OnlyANamedPersonForcesIt) {
  const SetCanary canary{iris_, ModelId("five"), Share(500)};
  EXPECT_THAT(registry_.Refuse(ErrorCode::kConflict, canary, Forced(false)),
              HasSubstr("needs a named person, \"local\" is none"));
  const Committed forced = registry_.Do(canary, Forced(true));
  EXPECT_TRUE(forced.signatures.front().forced);
  EXPECT_THAT(forced.audit.evidence, HasSubstr("\"forced\":[{\"model_id\":\"five\""));
  EXPECT_THAT(forced.audit.evidence, HasSubstr("canary_salt")) << "what was there stays";
  EXPECT_EQ(forced.audit.actor, "local:alice");
  // It has been let in: a larger share asks nothing anew, being the primary does.
  EXPECT_TRUE(registry_.Canary("five", 2500).signatures.empty());
  registry_.Refuse(ErrorCode::kConflict, PromoteVersion{ModelId("five")});
  EXPECT_TRUE(registry_.Do(PromoteVersion{ModelId("five")}, Forced(true)).signatures[0].forced);
  EXPECT_TRUE(store_->VerifyAudit()->intact());
}

// A share of nothing is no traffic: what gets one later is looked at then.
TEST_P(SignatureGate, ACanaryWithoutAShareIsLookedAtAgain) {
  registry_.Do(SetCanary{iris_, ModelId("five"), Share(0)}, Forced(true));
  registry_.Refuse(ErrorCode::kConflict, SetCanary{iris_, ModelId("five"), Share(1)});
}

TEST_P(SignatureGate, ARollbackIsNeverAsked) {
  registry_.Do(ActivateVersion{ModelId("five")}, Forced(true));
  EXPECT_EQ(registry_.RollBack().route.name, iris_);
  EXPECT_THAT(registry_.Roles(), HasSubstr("four=primary"));
}

// What is forced without need is not called forced afterwards.
TEST_P(SignatureGate, ForceWhereNothingStandsInTheWayIsNoForce) {
  const Committed done =
      registry_.Do(SetCanary{iris_, ModelId("other_four"), Share(500)}, Forced(false));
  EXPECT_FALSE(done.signatures.front().forced);
  EXPECT_THAT(done.audit.evidence, ::testing::Not(HasSubstr("forced")));
}

TEST_P(SignatureGate, WhatIsLoadedCountsForMoreThanWhatWasDeclared) {
  MutationContext context;
  context.loaded_signatures[ModelId("silent")] =
      Signature{{{"x", DataType::kFp32, {-1, 5}}}, {{"y", DataType::kFp32, {-1}}}, {}};
  registry_.Refuse(ErrorCode::kConflict, SetCanary{iris_, ModelId("silent"), Share(500)}, context);
  registry_.Do(SetCanary{iris_, ModelId("silent"), Share(500)});
}

}  // namespace
}  // namespace podium::store
