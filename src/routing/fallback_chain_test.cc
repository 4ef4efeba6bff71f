// Invariant 8: no trouble of the registry fails a call that an element of the chain may answer.
#include "routing/fallback_chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace podium::routing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

RegistryElement Row(std::string provider, std::string model = "row-model") {
  return {RegistryAnswer::kVersion, {std::move(provider), std::move(model)}, ModelId("v7")};
}

/// What a tag has, and what is configured.
struct Input : ChainInput, ChainConfig {};
FallbackChain BuildChain(const Input& input) { return BuildChain(input, input); }

Input Full() {
  Input input;
  input.tag = "summary";
  input.registry = Row("alpha");
  input.route_config = {{"summary", {"beta", "config-model"}}, {"other", {"alpha", "x"}}};
  input.default_provider = "gamma";
  input.providers = {"alpha", "beta", "gamma", "openai"};
  return input;
}

/// "registry alpha/row-model", …
std::vector<std::string> Elements(const FallbackChain& chain) {
  std::vector<std::string> lines;
  for (const ChainElement& each : chain.elements) {
    lines.push_back(std::string(NameOf(each.source)) + " " + each.target.provider + "/" +
                    each.target.upstream_model);
  }
  return lines;
}

/// "registry not_set", …
std::vector<std::string> Skipped(const FallbackChain& chain) {
  std::vector<std::string> lines;
  for (const SkippedElement& each : chain.skipped) {
    lines.push_back(std::string(NameOf(each.source)) + " " + std::string(NameOf(each.reason)));
  }
  return lines;
}

/// Answers or fails as told, and remembers who was asked.
struct FakeProvider {
  enum class Mood { kAnswers, kFails, kRefuses };
  Mood mood = Mood::kAnswers;
  std::vector<std::string> asked_for = {};

  AttemptResult Call(const std::string& model) {
    asked_for.push_back(model);
    switch (mood) {
      case Mood::kAnswers:
        return {AttemptOutcome::kAnswered, {}};
      case Mood::kFails:
        return {AttemptOutcome::kFailed,
                {ErrorCode::kUnavailable, model + " is down", "", nullptr}};
      case Mood::kRefuses:
        break;
    }
    return {AttemptOutcome::kFinal, {ErrorCode::kPermissionDenied, "not for you", "", nullptr}};
  }
};

using Providers = std::map<std::string, FakeProvider>;

struct Attempt {
  std::string against;
  AttemptOutcome outcome;
};
struct Outcome {
  ChainStep last;
  std::vector<Attempt> record;  ///< What the journal would hold.
  std::string answered_by = {};
};

/// What the gateway does with a chain, without the network.
Outcome Walk(const FallbackChain& chain, Providers& providers) {
  std::vector<AttemptResult> results;
  Outcome run;
  for (;;) {
    run.last = NextAttempt(chain, results);
    if (run.last.move != ChainMove::kTry) break;
    const ChainElement& element = chain.elements[run.last.element];
    results.push_back(providers[element.target.provider].Call(element.target.upstream_model));
    const std::string against = element.version ? element.version->get() : element.target.provider;
    run.record.push_back({against, results.back().outcome});
  }
  if (run.last.move == ChainMove::kDone) {
    run.answered_by = chain.elements[run.last.element].target.provider;
  }
  return run;
}

TEST(BuildChain, FourSourcesInOrder) {
  const FallbackChain chain = BuildChain(Full());
  EXPECT_THAT(Elements(chain),
              ElementsAre("registry alpha/row-model", "route_config beta/config-model",
                          "default_provider gamma/summary", "openai openai/summary"));
  EXPECT_THAT(chain.skipped, IsEmpty());
  EXPECT_EQ(chain.elements[0].version, ModelId("v7"));
  EXPECT_EQ(chain.elements[1].version, std::nullopt);
}

TEST(BuildChain, NamesWhatItSkips) {
  Input input = Full();
  input.registry = Row("nobody");
  input.default_provider = "";
  input.route_config["summary"].provider = "gone";
  const FallbackChain chain = BuildChain(input);
  EXPECT_THAT(Elements(chain), ElementsAre("openai openai/summary"));
  EXPECT_THAT(Skipped(chain),
              ElementsAre("registry unknown_provider", "route_config unknown_provider",
                          "default_provider not_set"));
  EXPECT_EQ(chain.skipped[0].provider, "nobody");
}

TEST(BuildChain, TriesNothingTwice) {
  Input input = Full();
  input.registry = Row("beta", "config-model");
  input.default_provider = "openai";
  const FallbackChain chain = BuildChain(input);
  EXPECT_THAT(Elements(chain),
              ElementsAre("registry beta/config-model", "default_provider openai/summary"));
  EXPECT_THAT(Skipped(chain), ElementsAre("route_config repeated", "openai repeated"));
}

// A tag whose versions all wait is known: it may not become a 404 where unknown ones are denied.
TEST(BuildChain, ATagWithoutAVersionThatServesIsKnown) {
  Input input;
  input.tag = "summary";
  input.default_provider = "gamma";
  input.providers = {"gamma"};
  input.unknown_routes = UnknownRoutes::kDeny;
  input.registry.answer = RegistryAnswer::kNoVersion;
  EXPECT_THAT(Elements(BuildChain(input)), ElementsAre("default_provider gamma/summary"));
  input.registry.answer = RegistryAnswer::kNothing;
  EXPECT_TRUE(BuildChain(input).denied);
}

// A canary's bad day is the primary's call, before configuration is asked.
TEST(BuildChain, OtherVersionsOfTheRouteComeBeforeConfiguration) {
  Input input = Full();
  input.registry_fallbacks = {Row("beta", "steady"), Row("alpha"), Row("nobody")};
  const FallbackChain chain = BuildChain(input);
  EXPECT_THAT(Elements(chain),
              ElementsAre("registry alpha/row-model", "registry beta/steady",
                          "route_config beta/config-model", "default_provider gamma/summary",
                          "openai openai/summary"));
  EXPECT_THAT(Skipped(chain), ElementsAre("registry repeated", "registry unknown_provider"));
}

// The same provider under another model name is another element.
TEST(BuildChain, AnotherModelOfTheSameProviderIsNoRepetition) {
  Input input = Full();
  input.registry = Row("openai", "large");
  input.route_config["summary"] = {"openai", "small"};
  input.default_provider = "openai";
  EXPECT_THAT(Elements(BuildChain(input)),
              ElementsAre("registry openai/large", "route_config openai/small",
                          "default_provider openai/summary"));
}

// Empty, unknown, broken, throwing, a row without a provider that exists: all end in an answer.
TEST(NextAttempt, Invariant8NoTroubleOfTheRegistryFailsACall) {
  // How an adapter turns an exception into a value.
  const auto ask = [](auto&& registry) -> RegistryElement {
    try {
      return registry();
    } catch (const std::exception&) {
      return {RegistryAnswer::kBroken, {}, {}};
    }
  };
  struct Case {
    const char* name;
    RegistryElement registry;
    const char* skipped;
  };
  const Case cases[] = {
      {"empty or unknown", {RegistryAnswer::kNothing, {}, {}}, "registry not_set"},
      {"broken", {RegistryAnswer::kBroken, {}, {}}, "registry registry_broken"},
      {"throwing", ask([]() -> RegistryElement { throw std::runtime_error("locked"); }),
       "registry registry_broken"},
      {"unknown provider", Row("nobody"), "registry unknown_provider"},
      {"no provider at all", Row(""), "registry unknown_provider"},
  };
  for (const Case& c : cases) {
    for (const UnknownRoutes rule : {UnknownRoutes::kAllow, UnknownRoutes::kDeny}) {
      SCOPED_TRACE(c.name);
      Input input = Full();
      input.registry = c.registry;
      input.unknown_routes = rule;  // The configured route knows the tag: nothing to deny.
      const FallbackChain chain = BuildChain(input);
      Providers providers;
      const Outcome run = Walk(chain, providers);
      EXPECT_EQ(run.last.move, ChainMove::kDone);
      EXPECT_EQ(run.answered_by, "beta");
      EXPECT_THAT(Skipped(chain), ElementsAre(c.skipped));
    }
  }
}

TEST(NextAttempt, Invariant8AnyOneElementThatAnswersIsEnough) {
  const std::string names[] = {"alpha", "beta", "gamma", "openai"};
  for (std::size_t healthy = 0; healthy < std::size(names); ++healthy) {
    SCOPED_TRACE(names[healthy]);
    Providers providers;
    for (const std::string& name : names) providers[name].mood = FakeProvider::Mood::kFails;
    providers[names[healthy]].mood = FakeProvider::Mood::kAnswers;
    const Outcome run = Walk(BuildChain(Full()), providers);
    EXPECT_EQ(run.answered_by, names[healthy]);
    EXPECT_EQ(run.record.size(), healthy + 1);
    for (std::size_t i = 0; i < std::size(names); ++i) {
      EXPECT_EQ(providers[names[i]].asked_for.size(), i <= healthy ? 1U : 0U);
    }
  }
}

// The bill and the breaker of the version that failed, not of the one that helped out.
TEST(NextAttempt, EachAttemptIsRecordedAgainstTheOneThatMadeIt) {
  Providers providers;
  providers["alpha"].mood = FakeProvider::Mood::kFails;
  const Outcome run = Walk(BuildChain(Full()), providers);
  ASSERT_EQ(run.record.size(), 2U);
  EXPECT_EQ(run.record[0].against, "v7");
  EXPECT_EQ(run.record[0].outcome, AttemptOutcome::kFailed);
  EXPECT_EQ(run.record[1].against, "beta");
  EXPECT_EQ(run.record[1].outcome, AttemptOutcome::kAnswered);
}

TEST(NextAttempt, WhenAllFailTheCallerHearsWhoWasTried) {
  Providers providers;
  for (const char* name : {"alpha", "beta", "gamma", "openai"}) {
    providers[name].mood = FakeProvider::Mood::kFails;
  }
  const Outcome run = Walk(BuildChain(Full()), providers);
  EXPECT_EQ(run.last.move, ChainMove::kGiveUp);
  EXPECT_EQ(run.last.error.code, ErrorCode::kUnavailable);
  EXPECT_THAT(run.last.error.message, HasSubstr("alpha, beta, gamma, openai"));
  ASSERT_NE(run.last.error.cause, nullptr);
  EXPECT_EQ(run.last.error.cause->message, "summary is down");
}

// A refusal is no trouble to work around: nobody else is asked.
TEST(NextAttempt, ARefusalEndsTheChain) {
  Providers providers;
  providers["alpha"].mood = FakeProvider::Mood::kRefuses;
  const Outcome run = Walk(BuildChain(Full()), providers);
  EXPECT_EQ(run.last.move, ChainMove::kGiveUp);
  EXPECT_EQ(run.last.error.code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(run.record.size(), 1U);
}

TEST(NextAttempt, UnknownTags) {
  struct Case {
    const char* name;
    RegistryAnswer registry;
    UnknownRoutes rule;
    std::set<std::string, std::less<>> providers;
    ChainMove move;
    ErrorCode code;
  };
  const Case cases[] = {
      {"allowed: tried on the default",
       RegistryAnswer::kNothing,
       UnknownRoutes::kAllow,
       {"gamma"},
       ChainMove::kDone,
       {}},
      {"denied",
       RegistryAnswer::kNothing,
       UnknownRoutes::kDeny,
       {"gamma", "openai"},
       ChainMove::kGiveUp,
       ErrorCode::kNotFound},
      {"a broken registry may know it",
       RegistryAnswer::kBroken,
       UnknownRoutes::kDeny,
       {"gamma"},
       ChainMove::kDone,
       {}},
      {"allowed, but nobody is configured",
       RegistryAnswer::kNothing,
       UnknownRoutes::kAllow,
       {},
       ChainMove::kGiveUp,
       ErrorCode::kNotFound},
      {"broken and nobody is configured",
       RegistryAnswer::kBroken,
       UnknownRoutes::kAllow,
       {},
       ChainMove::kGiveUp,
       ErrorCode::kUnavailable},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Input input = Full();
    input.tag = "never-heard-of";
    input.registry = {c.registry, {}, {}};
    input.unknown_routes = c.rule;
    input.providers = c.providers;
    Providers providers;
    const Outcome run = Walk(BuildChain(input), providers);
    EXPECT_EQ(run.last.move, c.move);
    if (c.move == ChainMove::kGiveUp) {
      EXPECT_EQ(run.last.error.code, c.code);
      EXPECT_THAT(run.last.error.message, HasSubstr("never-heard-of"));
      EXPECT_THAT(run.record, IsEmpty());
    }
  }
}

}  // namespace
}  // namespace podium::routing
