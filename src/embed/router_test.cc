// Invariant 8 in the library: no trouble of the registry fails a call that an element of the chain
// may answer.
#include <podium/router.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <podium/registry.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "embed/ports_fixture.h"

namespace podium::v1 {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Error Down(const std::string& who) { return {ErrorCode::kUnavailable, who + " is down", ""}; }

/// Answers unless told otherwise, and remembers whom it was asked to call.
struct Callers {
  std::set<std::string> failing;
  std::set<std::string> refusing;
  std::vector<std::string> asked;

  Router::Caller port() {
    return [this](const Target& target) {
      const std::string& provider = target.upstream.provider;
      asked.push_back(std::string(NameOf(target.source)) + " " + provider + "/" +
                      target.upstream.model);
      if (failing.contains(provider)) return Attempt::Failed(Down(provider));
      if (refusing.contains(provider)) {
        return Attempt::Final({ErrorCode::kInvalidArgument, provider + " refuses", "prompt"});
      }
      return Attempt::Answered();
    };
  }
};

/// `summary` is registered at provider alpha, with the whole chain behind it.
class RouterOf : public ::testing::Test {
 protected:
  RouterOf() {
    RegistryOptions options;
    options.providers = {"alpha", "omega"};
    registry_ = Registry::InMemory(options).value();
    Register("m1", "summary", "alpha", "alpha-large");
    EXPECT_TRUE(registry_->Activate("m1"));
  }

  void Register(const std::string& id, const std::string& name, const std::string& provider,
                const std::string& model) {
    NewVersion version;
    version.name = name;
    version.version = id;
    version.id = id;
    version.provider = provider;
    version.upstream_model = model;
    EXPECT_TRUE(registry_->Register(version));
  }

  static RouterOptions Options() {
    RouterOptions options;
    options.routes = {{"summary", {"beta", "beta-small"}}};
    options.default_provider = "gamma";
    options.providers = {"alpha", "beta", "gamma", "openai"};
    return options;
  }

  Router Healthy(const RouterOptions& options = Options()) {
    return {[this] { return Result<Snapshot>(registry_->Pin()); }, options};
  }

  std::optional<Registry> registry_;
  Callers callers_;
};

std::string WhyOf(const Answer& answer, Source source) {
  for (const Skipped& skipped : answer.skipped) {
    if (skipped.source == source) return skipped.why;
  }
  return "";
}

TEST_F(RouterOf, TheRegistryAnswersFirst) {
  const Answer answer = Healthy().Call("summary", {"s", {}, {}}, callers_.port()).value();
  EXPECT_THAT(callers_.asked, ElementsAre("registry alpha/alpha-large"));
  ASSERT_EQ(answer.tried.size(), 1U);
  EXPECT_EQ(answer.tried[0].version_id, "m1");
}

TEST_F(RouterOf, EachElementIsTriedInTurnAndPutOnRecord) {
  callers_.failing = {"alpha", "beta", "gamma"};
  const Answer answer = Healthy().Call("summary", {"s", {}, {}}, callers_.port()).value();
  EXPECT_THAT(callers_.asked,
              ElementsAre("registry alpha/alpha-large", "route_config beta/beta-small",
                          "default_provider gamma/summary", "openai openai/summary"));
  ASSERT_EQ(answer.tried.size(), 4U);
  EXPECT_EQ(answer.tried[0].version_id, "m1") << "the failure is the version's that failed";
  EXPECT_EQ(answer.tried[0].attempt.error.message, "alpha is down");
  EXPECT_EQ(answer.tried[3].version_id, "");
  EXPECT_EQ(answer.tried[3].attempt.outcome, AttemptOutcome::kAnswered);
}

TEST_F(RouterOf, WhenNobodyAnswersTheErrorSaysWhoWasAsked) {
  callers_.failing = {"alpha", "beta", "gamma", "openai"};
  const auto answer = Healthy().Call("summary", {"s", {}, {}}, callers_.port());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(answer.error().message,
              ::testing::AllOf(HasSubstr("alpha, beta, gamma, openai"), HasSubstr("is down")));
}

TEST_F(RouterOf, ARefusalIsFinalAndTheCallersOwn) {
  callers_.refusing = {"alpha"};
  const auto answer = Healthy().Call("summary", {"s", {}, {}}, callers_.port());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(answer.error().message, "alpha refuses");
  EXPECT_EQ(answer.error().where, "prompt");
  EXPECT_EQ(callers_.asked.size(), 1U);
}

TEST_F(RouterOf, Invariant8NoTroubleOfTheRegistryFailsTheCall) {
  struct Case {
    const char* name;
    Router::Registry registry;
    const char* why;
  };
  const Case cases[] = {
      {"broken", [] { return Result<Snapshot>(tl::unexpected<Error>(Down("registry"))); },
       "registry_broken"},
      {"throws", []() -> Result<Snapshot> { throw std::runtime_error("no disk"); },
       "registry_broken"},
      {"throws anything", []() -> Result<Snapshot> { throw 42; }, "registry_broken"},
      {"absent", nullptr, "registry_broken"},
      {"empty", [] { return Result<Snapshot>(Snapshot()); }, "not_set"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    callers_.asked.clear();
    const Router router(c.registry, Options());
    const auto answer = router.Call("summary", {"s", {}, {}}, callers_.port());
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(WhyOf(*answer, Source::kRegistry), c.why);
    EXPECT_THAT(callers_.asked, ElementsAre("route_config beta/beta-small"));
  }
}

TEST_F(RouterOf, Invariant8AnUnknownTagGoesDownTheChain) {
  ASSERT_TRUE(Healthy().Call("absent", {"s", {}, {}}, callers_.port()));
  EXPECT_THAT(callers_.asked, ElementsAre("default_provider gamma/absent"));
}

TEST_F(RouterOf, Invariant8AProviderThatNobodyConfiguredIsPassedOver) {
  Register("m2", "summary", "omega", "omega-1");
  ASSERT_TRUE(registry_->Activate("m2"));
  const Answer answer = Healthy().Call("summary", {"s", {}, {}}, callers_.port()).value();
  EXPECT_EQ(WhyOf(answer, Source::kRegistry), "unknown_provider");
  EXPECT_THAT(callers_.asked, ElementsAre("route_config beta/beta-small"));
}

TEST_F(RouterOf, UnknownTagsMayBeDenied) {
  RouterOptions options = Options();
  options.deny_unknown = true;
  const auto denied = Healthy(options).Call("absent", {"s", {}, {}}, callers_.port());
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(callers_.asked, IsEmpty());

  // The registry knows this one, though nothing of it may serve.
  Register("x1", "waiting", "alpha", "");
  ASSERT_TRUE(Healthy(options).Call("waiting", {"s", {}, {}}, callers_.port()));
  EXPECT_THAT(callers_.asked, ElementsAre("default_provider gamma/waiting"));
}

TEST_F(RouterOf, ALocalVersionNeedsNoProvider) {
  Register("l1", "local-one", "", "");
  ASSERT_TRUE(registry_->Activate("l1"));
  const ModelVersion* seen = nullptr;
  const auto answer = Healthy().Call("local-one", {"s", {}, {}}, [&](const Target& target) {
    EXPECT_EQ(target.upstream.provider, "local");
    seen = target.decision->version;
    EXPECT_EQ(seen->id, "l1");
    return Attempt::Answered();
  });
  EXPECT_TRUE(answer);
  EXPECT_NE(seen, nullptr);
}

TEST_F(RouterOf, AnOverrideIsNeverAnsweredByAnother) {
  Register("m2", "summary", "alpha", "alpha-small");
  Register("m3", "summary", "omega", "omega-1");
  const Router router = Healthy();
  ASSERT_TRUE(router.CallVersion("summary", {"s", {}, {}}, "m2", callers_.port()));
  EXPECT_THAT(callers_.asked, ElementsAre("registry alpha/alpha-small"));

  const auto code = [&](const Router& asked, const char* wanted) {
    const auto answer = asked.CallVersion("summary", {"s", {}, {}}, wanted, callers_.port());
    return answer ? ErrorCode::kInternal : answer.error().code;
  };
  EXPECT_EQ(code(router, "absent"), ErrorCode::kNotFound);
  EXPECT_EQ(code(router, "m3"), ErrorCode::kUnavailable) << "omega is not configured here";
  const Router broken([]() -> Result<Snapshot> { throw std::runtime_error("no disk"); }, Options());
  EXPECT_EQ(code(broken, "m2"), ErrorCode::kUnavailable);
  EXPECT_EQ(callers_.asked.size(), 1U) << "nobody else was asked";
  callers_.failing = {"alpha"};
  EXPECT_EQ(code(router, "m2"), ErrorCode::kUnavailable);
  callers_.refusing = {"alpha"};
  callers_.failing.clear();
  EXPECT_EQ(code(router, "m2"), ErrorCode::kInvalidArgument);
}

TEST_F(RouterOf, ExceptionsOfTheCallerAreItsOwn) {
  const Router router = Healthy();
  EXPECT_THROW(static_cast<void>(router.Call("summary", {"s", {}, {}},
                                             [](const Target&) -> Attempt {
                                               throw std::runtime_error("cut in mid-answer");
                                             })),
               std::runtime_error);
}

}  // namespace
}  // namespace podium::v1
