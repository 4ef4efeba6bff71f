// What the settings may say of providers.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "app/finding.h"
#include "app/settings_load.h"
#include "base/limits.h"

namespace podium::app {
namespace {

using ::testing::HasSubstr;

LoadedSettings LoadProviders(std::size_t count) {
  std::string yaml = "providers:\n";
  for (std::size_t i = 0; i < count; ++i) {
    yaml += fmt::format("  p{:03}: {{kind: openai, base_url: https://p{}.example}}\n", i, i);
  }
  SettingsSources sources;
  sources.file = {"podium.yaml", yaml};
  return LoadSettings(sources);
}

TEST(ProviderSettings, AsManyAsTheLimitAndNoMore) {
  EXPECT_TRUE(LoadProviders(limits::kMaxProviders).findings.empty());
  const LoadedSettings loaded = LoadProviders(limits::kMaxProviders + 1);
  ASSERT_EQ(loaded.findings.size(), 1U);
  EXPECT_EQ(loaded.findings[0].severity, Severity::kError);
  EXPECT_THAT(loaded.findings[0].message, HasSubstr("101 providers are named, at most 100"));
}

}  // namespace
}  // namespace podium::app
