// Every story of tests/scenarios on every kind of registry: one test for each pair.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "store/store_contract.h"
#include "testing/scenario_parse.h"
#include "testing/scenario_run.h"

namespace podium::testing::scenario {
namespace {

const std::filesystem::path kFolder =
    std::filesystem::path(PODIUM_SOURCE_DIR) / "tests" / "scenarios";

std::vector<std::string> Stories() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() == ".pod") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

using Showing = std::tuple<std::string, store::Backend>;

class Scenarios : public ::testing::TestWithParam<Showing> {};

TEST_P(Scenarios, AreTrue) {
  const auto& [name, backend] = GetParam();
  std::ifstream file(kFolder / (name + ".pod"));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const Result<Scenario> scenario = ParseScenario("scenarios/" + name + ".pod", text);
  ASSERT_TRUE(scenario) << scenario.error().where << ": " << scenario.error().message;
  ASSERT_FALSE(scenario->statements.empty());

  const TempDir folder;
  SimClock clock;
  SeededRng rng(1);
  const Stage stage{backend.name, clock, [&] { return backend.open(clock, rng, folder); },
                    backend.keeps_rows};
  EXPECT_EQ(RunScenario(*scenario, stage), "");
}

std::string NameOfShowing(const ::testing::TestParamInfo<Showing>& info) {
  const auto& [name, backend] = info.param;
  return backend.name + "_" + name;
}

INSTANTIATE_TEST_SUITE_P(Stores, Scenarios,
                         ::testing::Combine(::testing::ValuesIn(Stories()),
                                            ::testing::ValuesIn(store::Backends())),
                         NameOfShowing);

}  // namespace
}  // namespace podium::testing::scenario
