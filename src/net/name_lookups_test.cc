#include "net/name_lookups.h"

#include <gtest/gtest.h>

#include "net/server_test_fixture.h"

namespace podium::net {
namespace {

using std::chrono::milliseconds;

/// Without threads: what a thread would do, RunNext does.
class NameLookupsTest : public ::testing::Test {
 protected:
  /// The ticket, or 0 when the answer is known.
  std::uint64_t Ask(const std::string& host) {
    const auto asked = lookups_.Ask(host, [this](const Result<Addresses>& found) { Take(found); });
    if (asked.known) Take(*asked.known);
    return asked.ticket;
  }
  void RunAll() {
    while (lookups_.RunNext()) {
    }
  }

  ManualClock clock_;
  std::vector<std::string> looked_up_;
  bool fails_ = false;
  NameLookups lookups_{clock_,
                       [this](const std::string& host) -> Result<Addresses> {
                         looked_up_.push_back(host);
                         if (fails_) return Fail(ErrorCode::kUnavailable, "no such host");
                         return Addresses{boost::asio::ip::make_address("127.0.0.1")};
                       },
                       0};
  int good_ = 0;
  int bad_ = 0;
  int limited_ = 0;

 private:
  void Take(const Result<Addresses>& found) {
    if (found) {
      ++good_;
    } else if (found.error().code == ErrorCode::kLimited) {
      ++limited_;
    } else {
      ++bad_;
    }
  }
};

TEST_F(NameLookupsTest, OneLookupForAllWhoAsk) {
  for (int i = 0; i < 100; ++i) EXPECT_NE(Ask("a.example"), 0u);
  EXPECT_NE(Ask("b.example"), 0u);
  RunAll();
  EXPECT_EQ(looked_up_, (std::vector<std::string>{"a.example", "b.example"}));
  EXPECT_EQ(good_, 101);
}

TEST_F(NameLookupsTest, AnswersAreKnownForAWhile) {
  for (const bool fails : {false, true}) {
    fails_ = fails;
    const std::string host = fails ? "missing.example" : "a.example";
    const std::chrono::nanoseconds kept = fails ? kFailedLookupKept : kLookupKept;
    looked_up_.clear();
    Ask(host);
    RunAll();
    clock_.Advance(kept - milliseconds(1));
    EXPECT_EQ(Ask(host), 0u) << "known";
    clock_.Advance(milliseconds(1));
    EXPECT_NE(Ask(host), 0u) << "asked again";
    RunAll();
    EXPECT_EQ(looked_up_.size(), 2u);
  }
  EXPECT_EQ(good_, 3);
  EXPECT_EQ(bad_, 3);
}

TEST_F(NameLookupsTest, WhoHasGivenUpIsNotCalled) {
  const std::uint64_t one = Ask("a.example");
  const std::uint64_t two = Ask("a.example");
  lookups_.Forget("a.example", one);
  lookups_.Forget("a.example", one);
  RunAll();
  EXPECT_EQ(good_, 1);
  lookups_.Forget("a.example", two);
  // What nobody waits for is not looked up, and hides nothing.
  lookups_.Forget("b.example", Ask("b.example"));
  RunAll();
  EXPECT_EQ(looked_up_.size(), 1u);
  Ask("b.example");
  RunAll();
  EXPECT_EQ(good_, 2);
}

TEST_F(NameLookupsTest, Inv16HostsThatWaitAreBounded) {
  for (std::size_t i = 0; i < kMaxWaitingLookups; ++i) Ask(std::to_string(i) + ".example");
  EXPECT_EQ(limited_, 0);
  EXPECT_EQ(Ask("one-more.example"), 0u);
  EXPECT_EQ(limited_, 1);
  EXPECT_NE(Ask("0.example"), 0u) << "who waits already may be waited for by more";
  EXPECT_TRUE(lookups_.RunNext());
  EXPECT_NE(Ask("one-more.example"), 0u) << "a refusal is not remembered";
  RunAll();
  EXPECT_EQ(good_, static_cast<int>(kMaxWaitingLookups) + 2);
}

TEST_F(NameLookupsTest, Inv16KnownHostsAreBounded) {
  const auto look_up = [this](std::size_t host) {
    Ask(std::to_string(host) + ".example");
    RunAll();
  };
  for (std::size_t i = 0; i < kMaxKeptLookups; ++i) look_up(i);
  EXPECT_EQ(Ask("0.example"), 0u) << "all of them are known";
  look_up(kMaxKeptLookups);
  EXPECT_NE(Ask("0.example"), 0u) << "one more, and none is";
  RunAll();
  // What is too old goes before what is not.
  clock_.Advance(kLookupKept - milliseconds(1));
  look_up(0);
  look_up(1);
  clock_.Advance(milliseconds(1));
  for (std::size_t i = 2; i <= kMaxKeptLookups; ++i) look_up(i);
  EXPECT_EQ(Ask("1.example"), 0u);
}

TEST(LookUpBySystem, KnowsAddressesAndSaysWhatItDoesNotFind) {
  const auto v6 = LookUpBySystem("::1");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->front().to_string(), "::1");
  EXPECT_EQ(LookUpBySystem("127.0.0.9")->front().to_string(), "127.0.0.9");
  const auto nobody = LookUpBySystem(std::string(300, 'a'));  // Longer than a name may be.
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(nobody.error().message.find("cannot find the host aaa"), std::string::npos);
}

}  // namespace
}  // namespace podium::net
