// The contract of RegistryStore, part six: a creation that is asked for twice happens once.
#include <gmock/gmock.h>

#include "base/limits.h"
#include "store/store_contract.h"

namespace podium::store {
namespace {

using ::testing::HasSubstr;

class RegistryKeys : public RegistryContract {
 protected:
  static MutationContext Under(const std::string& key, const std::string& fingerprint = "body") {
    MutationContext context;
    context.idempotency = IdempotencyKey{key, fingerprint};
    return context;
  }
  // The server makes the id, so that a second registration would be another version.
  static RegisterVersion Anonymous(const std::string& version) {
    ModelVersion row = Row("", "iris");
    row.version = version;
    return RegisterVersion{row};
  }
};
INSTANTIATE_TEST_SUITE_P(Stores, RegistryKeys, AllBackends(), BackendName);

TEST_P(RegistryKeys, TheSameRequestAgainIsAnsweredWithTheFirst) {
  const Committed first = registry_.Do(Anonymous("1"), Under("k"));
  EXPECT_FALSE(first.replayed);
  registry_.Activate(first.version->model_id.get());
  const Committed again = registry_.Do(Anonymous("1"), Under("k"));
  EXPECT_TRUE(again.replayed);
  EXPECT_FALSE(again.changed);
  EXPECT_EQ(again.version->model_id, first.version->model_id);
  EXPECT_EQ(again.audit.hash, first.audit.hash);
  EXPECT_EQ(again.revision, first.revision);
  EXPECT_EQ(again.version->status, VersionStatus::kPrimary) << "as it is now";
  EXPECT_EQ(store_->ReadRevision(), Revision(2)) << "nothing was written";
}

TEST_P(RegistryKeys, TheSameKeyForAnotherRequestIsRefused) {
  registry_.Do(Anonymous("1"), Under("k", "one"));
  EXPECT_THAT(registry_.Refuse(ErrorCode::kUnprocessable, Anonymous("2"), Under("k", "two")),
              HasSubstr("used for another request, which made revision 1"));
  registry_.Do(Anonymous("2"), Under("another key", "two"));
}

// What was refused created nothing, so there is nothing to answer with: it is tried again.
TEST_P(RegistryKeys, ARefusalKeepsNoKey) {
  registry_.Do(Anonymous("1"));
  registry_.Refuse(ErrorCode::kConflict, Anonymous("1"), Under("k"));
  registry_.Do(Anonymous("2"), Under("k", "another body"));
}

TEST_P(RegistryKeys, AKeyIsForgottenAfterADay) {
  const WallTime start = clock_.Now();
  registry_.Do(Anonymous("1"), Under("k"));
  clock_.SetWall(start + limits::kIdempotencyTime - std::chrono::microseconds(1));
  EXPECT_TRUE(registry_.Do(Anonymous("1"), Under("k")).replayed);
  clock_.SetWall(start + limits::kIdempotencyTime);
  registry_.Refuse(ErrorCode::kConflict, Anonymous("1"), Under("k"));
  EXPECT_FALSE(registry_.Do(Anonymous("2"), Under("k")).replayed);
}

TEST_P(RegistryKeys, TheDeletedIsStillTheAnswer) {
  const Committed first = registry_.Do(Anonymous("1"), Under("k"));
  registry_.Do(DeleteVersion{first.version->model_id});
  const Committed again = registry_.Do(Anonymous("1"), Under("k"));
  EXPECT_TRUE(again.replayed);
  EXPECT_TRUE(again.version->deleted);
}

// INV-16: at the limit all are known, one past it the oldest is not.
TEST_P(RegistryKeys, TheirNumberHasALimit) {
  const WallTime start = clock_.Now();
  MutationContext context;
  for (int i = 0; i < limits::kMaxIdempotencyKeys; ++i) {
    clock_.SetWall(start + std::chrono::microseconds(i));
    context = Under(std::to_string(i));
    ASSERT_TRUE(store_->Apply(Anonymous(std::to_string(i)), context));
  }
  EXPECT_TRUE(registry_.Do(Anonymous("0"), Under("0")).replayed);
  registry_.Do(Anonymous("one-more"), Under("one more"));
  EXPECT_THAT(registry_.Refuse(ErrorCode::kConflict, Anonymous("0"), Under("0")),
              HasSubstr("has version 0"));
  EXPECT_TRUE(registry_.Do(Anonymous("1"), Under("1")).replayed);
}

}  // namespace
}  // namespace podium::store
