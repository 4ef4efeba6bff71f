#include "app/finding.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "app/cli_console.h"

namespace podium::app {
namespace {

using ::testing::ElementsAre;

// INV-15: what a finding shows of a file is never a credential, however the file is written.
TEST(Finding, Inv15ListsBelowASecretsKeyAreMaskedAtAnyIndent) {
  EXPECT_THAT(MaskedLines("telemetry:\n  otlp_headers:\n  - \"authorization=Bearer sk-1\"\n  - b\n"
                          "  service: x"),
              ElementsAre("telemetry:", "  otlp_headers:", "***", "***", "  service: x"));
  EXPECT_THAT(MaskedLines("admin_token:\n  long\n  words\nlisten: a"),
              ElementsAre("admin_token:", "***", "***", "listen: a"));
}

TEST(Finding, Inv15CredentialsWithinUrlsAreMasked) {
  struct Case {
    const char* line;
    const char* shown;
  };
  const Case cases[] = {
      {"base_url: https://user:hunter2@a.example/v1", "base_url: https://***@a.example/v1"},
      {"base_url: \"https://a.example/v1?api-key=sk-1\"", "base_url: \"https://a.example/v1?***\""},
      {"x: http://u@a, http://v:w@b", "x: http://***@a, http://***@b"},
      {"base_url: https://a.example/v1", "base_url: https://a.example/v1"},
      {"mail: me@a.example", "mail: me@a.example"},
      {"base_url: https://u:hun/ter2@a.example", "base_url: https://***@a.example"},
      {"base_url: https://u:hun?ter2@a.example/v1", "base_url: https://***@a.example/v1"},
      {"base_url: https://u:hun@ter2@a.example?x=y", "base_url: https://***@a.example?***"},
  };
  for (const Case& c : cases) EXPECT_EQ(MaskSecrets(c.line), c.shown);
}

TEST(Finding, Inv15SecretSettingsAreMaskedWhateverTheirForm) {
  struct Case {
    const char* line;
    const char* shown;
  };
  const Case cases[] = {
      {"  url: host=db user=ann password=hunter2", "  url: ***"},
      {"  direct_url: 'postgresql://ann:hun ter2@db/podium'", "  direct_url: ***"},
      {"database: {url: \"password=hunter2\"}", "database: {url: ***"},
      {"  url: ${env:REGISTRY}", "  url: ${env:REGISTRY}"},
  };
  for (const Case& c : cases) EXPECT_EQ(MaskSecrets(c.line), c.shown);
}

// What a server says steers no terminal: there are controls above the ASCII ones.
TEST(Printable, MakesEveryControlVisible) {
  EXPECT_EQ(Printable("a\x1b[2Jb"), "a?[2Jb");
  EXPECT_EQ(Printable("a\xC2\x9B"
                      "2Jb"),
            "a<U+009B>2Jb");
  EXPECT_EQ(Printable("a\xE2\x80\xAE"
                      "b"),
            "a<U+202E>b");
  EXPECT_EQ(Printable("a\nb"), "a?b");
}

}  // namespace
}  // namespace podium::app
