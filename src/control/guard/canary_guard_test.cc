#include "control/guard/canary_guard.h"

#include <gtest/gtest.h>

#include "routing/rows_for_test.h"
#include "view/stats_registry.h"

namespace podium::control {
namespace {

// A primary "a" and perhaps a canary "b", in the given states here.
view::ViewPtr ViewOf(bool has_canary, LoadState a, LoadState b) {
  routing::TableCompiler compiler({});
  std::vector<ModelVersion> rows = {routing::Primary("a")};
  if (has_canary) rows.push_back(routing::Canary("b", 500));
  compiler.Absorb({routing::RouteRow()}, std::move(rows));
  auto routes = compiler.Compile(Generation(1));
  view::StatsRegistry stats(1);
  view::RouteView route{routes->routes().front(), {}};
  for (const ModelVersion& version : route.route->versions) {
    view::VersionServing serving;
    serving.stats = stats.Of(version.model_id, version.route, version.version);
    serving.state = version.model_id == ModelId("a") ? a : b;
    route.serving.push_back(std::move(serving));
  }
  return std::make_shared<const view::CoreView>(std::move(routes), std::vector{std::move(route)},
                                                1);
}

TEST(HarmfulCanaries, OnlyACanaryThatHasFailedAndDoneHarm) {
  struct Case {
    const char* name;
    bool has_canary;
    LoadState a;
    LoadState b;
    const char* harmful;  ///< Whose artifact is in quarantine.
    const char* want;
  };
  constexpr LoadState kGood = LoadState::kReady;
  constexpr LoadState kBad = LoadState::kFailed;
  const Case cases[] = {
      {"a canary that did harm", true, kGood, kBad, "b", "b crashed"},
      {"a canary that only fails to load", true, kGood, kBad, "", ""},
      {"one that still serves here", true, kGood, kGood, "b", ""},
      {"a primary is left alone", true, kBad, kGood, "a", ""},
      {"no canary", false, kBad, kBad, "a", ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    std::string got;
    const auto harm_of = [&](const ModelId& id) {
      return id.get() == c.harmful ? std::optional<std::string>("crashed") : std::nullopt;
    };
    for (const auto& [route, id, why] : HarmfulCanaries(*ViewOf(c.has_canary, c.a, c.b), harm_of)) {
      got += id.get() + " " + why;
    }
    EXPECT_EQ(got, c.want);
  }
}

}  // namespace
}  // namespace podium::control
