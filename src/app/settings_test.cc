// The settings: every mistake is found where it stands, and good files raise no alarm.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "app/finding.h"
#include "app/setting_table.h"
#include "app/setting_text.h"
#include "app/settings_file.h"
#include "app/settings_load.h"
#include "base/suggest.h"

namespace podium::app {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""us;

constexpr const char* kToken = "correct-horse-battery";

Result<std::string> ReadFake(const std::string& path) {
  if (path == "/run/secrets/token") return std::string("from-a-mounted-file\n");
  if (path == "/run/secrets/short") return std::string("short\n");
  return Fail(ErrorCode::kNotFound, "cannot read {}: no such file", path);
}

LoadedSettings Load(const std::string& yaml, Environment environment = {},
                    std::vector<FlagValue> flags = {}) {
  SettingsSources sources;
  sources.file = {"podium.yaml", yaml};
  sources.environment = std::move(environment);
  sources.flags = std::move(flags);
  sources.read_file = ReadFake;
  return LoadSettings(sources);
}

std::string AllText(const LoadedSettings& loaded) {
  std::string text;
  for (const Finding& finding : loaded.findings) text += Render(finding);
  return text;
}

// A mistake that is reported on the wrong line costs more time than one that is not reported.
TEST(Settings, SeededMistakesAreFoundWhereTheyStand) {
  struct Case {
    const char* yaml;
    std::size_t line;
    std::size_t column;
    const char* message;  ///< A part of it: what is wrong, and the fix where there is one.
  };
  const Case cases[] = {
      {"serve:\n  listen: 127.0.0.1:0\n", 1, 1, "unknown key \"serve\" (did you mean \"server\"?)"},
      {"server:\n  lisen: 127.0.0.1:0\n", 2, 3, "did you mean \"listen\"?"},
      {"server:\n  Listen: 127.0.0.1:0\n", 2, 3, "did you mean \"listen\"?"},
      {"listen: 127.0.0.1:0\n", 1, 1, "did you mean server.listen?"},
      {"server: { inference_threads: 2 }\n", 1, 11, "did you mean serving.inference_threads?"},
      {"zebra: 1\n", 1, 1, "known: data_dir, server, auth, registry, replica, serving, costs, log"},
      {"registry:\n  cache-ttl: 30s\n", 2, 3, "did you mean \"cache_ttl\"?"},
      {"server:\n  cores: 2\n  cores: 4\n", 3, 3, "server.cores is given twice, first on line 2"},
      {"log:\n  level: info\nlog:\n  level: error\n", 3, 1, "log is given twice, first on line 1"},
      {"server: 8080\n", 1, 9, "server is a section: its keys (listen, cores, drain_timeout)"},
      {"server: [listen]\n", 1, 9, "server is a section"},
      {"- server\n", 1, 1, "the settings are a map of sections"},
      {"just text\n", 1, 1, "the settings are a map of sections"},
      {"server:\n  listen:\n", 2, 3, "no value: leave the line out for the default, 127.0.0.1:80"},
      {"server:\n  listen: 8080\n", 2, 11, "only a port (did you mean \"127.0.0.1:8080\"?)"},
      {"server:\n  listen: localhost\n", 2, 11, "is not HOST:PORT"},
      {"server:\n  listen: 127.0.0.1:70000\n", 2, 11, "is not HOST:PORT"},
      {"server:\n  listen: \"a b:80\"\n", 2, 11, "has no valid host"},
      {"server:\n  listen: {host: a}\n", 2, 11, "server.listen must be one value (address)"},
      {"server:\n  listen: 0.0.0.0:8080\n", 2, 11, "is not a loopback address"},
      {"server:\n  listen: \"[::]:8080\"\n", 2, 11, "fix: PODIUM_ADMIN_TOKEN=$(openssl rand"},
      {"server:\n  cores: many\n", 2, 10, "\"many\" is not a whole number"},
      {"server:\n  cores: 2.5\n", 2, 10, "\"2.5\" is not a whole number"},
      {"server:\n  cores: 9999\n", 2, 10, "server.cores is 9999, must be within 0..1024"},
      {"server:\n  cores: -1\n", 2, 10, "must be within 0..1024"},
      {"server:\n  drain_timeout: 30\n", 2, 18, "has no unit (did you mean \"30s\"?)"},
      {"server:\n  drain_timeout: soon\n", 2, 18, "is not a duration"},
      {"server:\n  drain_timeout: 1.5s\n", 2, 18, "is not a duration"},
      {"server:\n  drain_timeout: 2 days\n", 2, 18, "is not a duration"},
      {"server:\n  drain_timeout: 2h\n", 2, 18, "must be within 0..1h"},
      {"server:\n  drain_timeout: 1us\n", 2, 18, "must be a multiple of 1ms"},
      {"registry:\n  cache_ttl: 500ms\n", 2, 14, "must be within 1s..1h"},
      {"registry: { revision_poll: 0s }\n", 1, 28, "must be within 1ms..1m"},
      {"serving:\n  inference_threads: 0\n", 2, 22, "must be within 1..256"},
      {"serving:\n  load_timeout: 1500ms\n", 2, 17, "must be a multiple of 1s"},
      {"serving:\n  max_body_bytes: 8MB\n", 2, 19, "did you mean \"8MiB\"?"},
      {"serving:\n  max_body_bytes: big\n", 2, 19, "is not a size"},
      {"serving:\n  max_body_bytes: 12B\n", 2, 19, "must be within 1KiB..1GiB"},
      {"serving:\n  max_artifact_bytes: 99999999999999999999GiB\n", 2, 23, "is not a size"},
      {"serving:\n  artifact_roots: models\n", 2, 19, "must be a list, as in [first, second]"},
      {"serving:\n  artifact_roots:\n    - [a]\n", 3, 7, "an item of serving.artifact_roots"},
      {"serving:\n  artifact_roots: ['']\n", 2, 20, "serving.artifact_roots has no value"},
      {"log:\n  level: verbose\n", 2, 10, "must be one of debug, info, warning, error"},
      {"log:\n  level: warn\n", 2, 10, "did you mean \"warning\"?"},
      {"log:\n  format: xml\n", 2, 11, "must be one of json, text"},
      {"auth:\n  admin_token: ${env:NOT_THERE}\n", 2, 16, "NOT_THERE is not set"},
      {"auth:\n  admin_token: ${file:/nowhere}\n", 2, 16, "cannot read /nowhere"},
      {"auth:\n  admin_token: ${file:/run/secrets/short}\n", 2, 16, "it needs 16 to 1024"},
      {"auth:\n  admin_token: ${vault:x}\n", 2, 16, "is no reference: write ${env:NAME}"},
      {"auth:\n  admin_token: ${env:X\n", 2, 16, "is not closed"},
      {"auth:\n  admin_token: ${env:A-B}\n", 2, 16, "names no variable"},
      {"data_dir: ''\n", 1, 11, "data_dir has no value"},
      {"data_dir: !secret x\n", 1, 11, "the tag !secret is not read"},
      {"server:\n  <<: {cores: 2}\n", 2, 3, "merge keys (<<) are not read"},
      {"? [a, b]\n: c\n", 1, 3, "a key must be a name"},
      {"log: {level: info}\n---\nlog: {}\n", 2, 1, "a second document"},
      {",", 1, 1, "belongs to nothing before it"},
      {"log: {level: info}\n]\n", 2, 1, "not valid YAML"},
      {"log: {level: info} }\n", 1, 20, "not valid YAML"},
      {"server:\n\tcores: 2\n", 2, 1, "the line starts with a tab"},
      {"server:\n  cores: [1, 2\nlog: {}\n", 3, 4, "not valid YAML"},
      {"log: {level: 'info\n", 2, 1, "not valid YAML"},
  };
  static_assert(std::size(cases) >= 40);
  for (const Case& c : cases) {
    SCOPED_TRACE(c.yaml);
    const LoadedSettings loaded = Load(c.yaml);
    std::vector<Finding> errors;
    for (const Finding& f : loaded.findings) {
      if (f.severity == Severity::kError) errors.push_back(f);
    }
    ASSERT_EQ(errors.size(), 1U) << AllText(loaded);
    EXPECT_EQ(errors[0].place.line, c.line) << AllText(loaded);
    EXPECT_EQ(errors[0].place.column, c.column) << AllText(loaded);
    EXPECT_NE(errors[0].message.find(c.message), std::string::npos) << AllText(loaded);
  }
}

TEST(Settings, GoodFilesRaiseNoAlarm) {
  const char* const files[] = {
      "",
      "\n\n",
      "# nothing but a comment\n",
      "---\nserver: {}\n",
      "server:\n",
      "server:\n  listen: 127.0.0.1:8080\n",  // banned: fixed port (only parsed)
      "server: { listen: localhost:0 }\n",
      "server: { listen: \"[::1]:0\" }\n",
      "server: { listen: :0 }\n",
      "server:\n  cores: 0\n  drain_timeout: 0\n",
      "server:\n  drain_timeout: 500ms\n",
      "registry: { cache_ttl: 1s, revision_poll: 1m }\n",
      "registry:\n  cache_ttl: \"30 s\"\n",
      "serving:\n  artifact_roots: []\n",
      "serving:\n  artifact_roots: [/srv/models, relative/models]\n",
      "serving:\n  artifact_roots:\n    - /srv/models\n",
      "serving: { max_body_bytes: 1048576, max_artifact_bytes: 64GiB }\n",
      "serving: { inline_limit: 200us, load_timeout: 60s, inference_queue: 1 }\n",
      "log: { format: text, level: warning }\n",
      "auth: { admin_token: \"${file:/run/secrets/token}\" }\n",
      "auth: { admin_token: \"${env:TOKEN_SOMEWHERE}\" }\n",
      "server: { listen: 0.0.0.0:0 }\nauth: { admin_token: \"${env:TOKEN_SOMEWHERE}\" }\n",
      "data_dir: \"${env:STATE:-/var/lib/podium}\"\n",
      "server: { cores: &n 2 }\nserving: { inference_threads: *n }\n",
      "\xEF\xBB\xBFlog: { level: info }\n",
      "log:\r\n  level: info\r\n",
  };
  static_assert(std::size(files) >= 20);
  for (const char* file : files) {
    SCOPED_TRACE(file);
    const LoadedSettings loaded = Load(file, {{"TOKEN_SOMEWHERE", kToken}});
    EXPECT_TRUE(loaded.findings.empty()) << AllText(loaded);
  }
}

TEST(Settings, ValuesArriveInTheirFields) {
  const LoadedSettings loaded = Load(
      "data_dir: /srv/podium\n"
      "server: { listen: \"[::1]:9000\", cores: 3, drain_timeout: 2m }\n"  // banned: fixed port
                                                                           // (only parsed)
      "auth: { admin_token: \"${file:/run/secrets/token}\" }\n"
      "registry: { cache_ttl: 5s, revision_poll: 50ms }\n"
      "serving:\n"
      "  artifact_roots: [/a, /b]\n"
      "  onnxruntime: /opt/ort.so\n"
      "  inline_limit: 1ms\n"
      "  inference_threads: 7\n"
      "  inference_queue: 8\n"
      "  load_timeout: 9s\n"
      "  max_body_bytes: 2MiB\n"
      "  max_artifact_bytes: 3GiB\n"
      "log: { format: text, level: debug }\n");
  ASSERT_TRUE(loaded.findings.empty()) << AllText(loaded);
  const Settings& s = loaded.settings;
  EXPECT_EQ(s.data_dir, "/srv/podium");
  EXPECT_EQ(s.listen, (net::HostPort{"::1", 9000}));
  EXPECT_EQ(s.cores, 3U);
  EXPECT_EQ(s.drain_timeout, 120s);
  EXPECT_EQ(s.admin_token.Reveal(), "from-a-mounted-file");
  EXPECT_EQ(s.cache_ttl, 5s);
  EXPECT_EQ(s.revision_poll, 50ms);
  EXPECT_EQ(s.artifact_roots, (std::vector<std::filesystem::path>{"/a", "/b"}));
  EXPECT_EQ(s.onnxruntime, "/opt/ort.so");
  EXPECT_EQ(s.inline_limit, 1ms);
  EXPECT_EQ(s.inference_threads, 7);
  EXPECT_EQ(s.inference_queue, 8U);
  EXPECT_EQ(s.load_timeout, 9s);
  EXPECT_EQ(s.max_predict_bytes, 2U * 1024 * 1024);
  EXPECT_EQ(s.max_artifact_bytes, 3ULL << 30);
  EXPECT_EQ(s.log_format, LogFormat::kText);
  EXPECT_EQ(s.log_level, ErrorLog::kDebug);
}

TEST(Settings, FlagWinsOverEnvironmentOverFileOverDefault) {
  const std::string file = "server: { cores: 2 }\n";
  const Environment environment = {{"PODIUM_SERVER_CORES", "3"}};
  EXPECT_EQ(Load("").settings.cores, 0U);
  EXPECT_EQ(Load(file).settings.cores, 2U);
  EXPECT_EQ(Load(file, environment).settings.cores, 3U);
  EXPECT_EQ(Load(file, environment, {{"--cores", "server.cores", "4"}}).settings.cores, 4U);
}

// One name per setting: a variable that the documentation promises must be read.
TEST(Settings, EveryRowIsReadFromItsVariable) {
  for (const SettingRow& row : SettingTable()) {
    SCOPED_TRACE(row.env);
    if (row.is_secret || row.is_named()) continue;
    const LoadedSettings loaded = Load("", {{row.env, "\x01"}});
    const bool takes_anything = row.type == "path" || row.type == "list of paths";
    // Other programs read OpenTelemetry's variables too: a mistake there stops nothing here.
    const bool is_ours = row.env.starts_with("PODIUM_");
    EXPECT_EQ(HasErrors(loaded.findings), !takes_anything && is_ours) << AllText(loaded);
    if (takes_anything) {
      EXPECT_EQ(row.show(loaded.settings), "\x01");
    } else {
      ASSERT_EQ(loaded.findings.size(), 1U);
      EXPECT_EQ(loaded.findings.at(0).place.origin, "env " + row.env);
    }
  }
}

TEST(Settings, EnvironmentMistakesNameTheVariable) {
  struct Case {
    Environment environment;
    const char* origin;
    Severity severity;
    const char* message;
  };
  const Case cases[] = {
      {{{"PODIUM_SERVER_LISTN", "x"}},
       "env PODIUM_SERVER_LISTN",
       Severity::kWarning,
       "did you mean \"PODIUM_SERVER_LISTEN\"?"},
      {{{"PODIUM_ADMIN_TOKE", kToken}},
       "env PODIUM_ADMIN_TOKE",
       Severity::kWarning,
       "did you mean \"PODIUM_ADMIN_TOKEN\"?"},
      {{{"PODIUM_AUTH_ADMIN_TOKEN", kToken}},
       "env PODIUM_AUTH_ADMIN_TOKEN",
       Severity::kWarning,
       "did you mean \"PODIUM_ADMIN_TOKEN\"?"},
      {{{"PODIUM_SERVER_CORES", "x"}},
       "env PODIUM_SERVER_CORES",
       Severity::kError,
       "\"x\" is not a whole number"},
      {{{"PODIUM_SERVER_CORES", ""}}, "env PODIUM_SERVER_CORES", Severity::kError, "has no value"},
      {{{"PODIUM_ADMIN_TOKEN", "short"}},
       "env PODIUM_ADMIN_TOKEN",
       Severity::kError,
       "it needs 16 to 1024"},
      // Empty is not "no token": whoever sets the variable wants to be protected.
      {{{"PODIUM_ADMIN_TOKEN", ""}}, "env PODIUM_ADMIN_TOKEN", Severity::kError, "has no value"},
      {{{"PODIUM_ADMIN_TOKEN_FILE", "/nowhere"}},
       "env PODIUM_ADMIN_TOKEN_FILE",
       Severity::kError,
       "cannot read /nowhere"},
      {{{"PODIUM_ADMIN_TOKEN", kToken}, {"PODIUM_ADMIN_TOKEN_FILE", "/run/secrets/token"}},
       "env PODIUM_ADMIN_TOKEN_FILE",
       Severity::kError,
       "unset one of them"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.origin);
    const LoadedSettings loaded = Load("", c.environment);
    ASSERT_EQ(loaded.findings.size(), 1U) << AllText(loaded);
    EXPECT_EQ(loaded.findings[0].place.origin, c.origin);
    EXPECT_EQ(loaded.findings[0].severity, c.severity);
    EXPECT_NE(loaded.findings[0].message.find(c.message), std::string::npos) << AllText(loaded);
  }
}

TEST(Settings, TheCommandLinesOwnVariablesAreKnown) {
  EXPECT_TRUE(Load("", {{"PODIUM_ADDR", "x"},
                        {"PODIUM_TOKEN", "x"},
                        {"PODIUM_OUTPUT", "x"},
                        {"PODIUM_CONFIG", "x"},
                        {"OTHER", "x"}})
                  .findings.empty());
}

TEST(Settings, TokenComesFromAFileToo) {
  const auto loaded = Load("", {{"PODIUM_ADMIN_TOKEN_FILE", "/run/secrets/token"}});
  ASSERT_TRUE(loaded.findings.empty()) << AllText(loaded);
  EXPECT_EQ(loaded.settings.admin_token.Reveal(), "from-a-mounted-file");
}

// Off loopback without a token, everybody could move the traffic: refused whoever said so.
TEST(Settings, OutsideAddressNeedsAToken) {
  const std::vector<FlagValue> flags = {{"--listen", "server.listen", "192.0.2.1:0"}};
  const LoadedSettings refused = Load("", {}, flags);
  ASSERT_EQ(refused.findings.size(), 1U);
  EXPECT_EQ(refused.findings[0].place.origin, "flag --listen");
  EXPECT_NE(refused.findings[0].message.find("podium serve --listen 192.0.2.1:0"),
            std::string::npos);
  EXPECT_TRUE(Load("", {{"PODIUM_ADMIN_TOKEN", kToken}}, flags).findings.empty());
  // A token that is itself wrong is one mistake, not two.
  EXPECT_EQ(Load("", {{"PODIUM_ADMIN_TOKEN", "short"}}, flags).findings.size(), 1U);
}

// Invariant 15: not even a mistake beside it brings a secret to the screen.
TEST(Settings, SecretsAreNeverShown) {
  const char* const files[] = {
      "auth: { admin_token: hunter2 }\n",
      "auth: { admin_token: hunter2-hunter2-hunter2 }\n",
      "auth: { admin_tokn: hunter2 }\n",
      "auth:\n  password: hunter2\n",
      "auth:\n  admin_token: |\n    hunter2\n    more hunter2\n",
      "auth:\n  admin_token: 'hunter2\n    hunter2\nlog: {}\n",
      "auth: { admin_token: [hunter2] }\n",
      "auth: { 'admin_token' : hunter2, admin_token: hunter2 }\n",
      "auth:\n\tadmin_token: hunter2\n",
      "admin_token: hunter2\n",
  };
  for (const char* file : files) {
    SCOPED_TRACE(file);
    const LoadedSettings loaded = Load(file);
    EXPECT_FALSE(loaded.findings.empty());
    EXPECT_EQ(AllText(loaded).find("hunter2"), std::string::npos) << AllText(loaded);
  }
  EXPECT_EQ(AllText(Load("", {{"PODIUM_ADMIN_TOKEN", "hunter2"}})).find("hunter2"),
            std::string::npos);
}

TEST(Settings, LiteralSecretIsAWarning) {
  const LoadedSettings loaded = Load("auth: { admin_token: correct-horse-battery }\n");
  ASSERT_EQ(loaded.findings.size(), 1U);
  EXPECT_FALSE(HasErrors(loaded.findings));
  EXPECT_EQ(loaded.settings.admin_token.Reveal(), kToken);
}

// All at once: who corrects a file wants to do it in one go.
TEST(Settings, EveryMistakeIsReportedInCompilerForm) {
  const LoadedSettings loaded = Load("server:\n  cores: 9999\n  lisen: :0\nlog: { level: loud }\n",
                                     {{"PODIUM_SERVER_CORES", "x"}, {"PODIUM_SERVER_LISTN", "x"}});
  EXPECT_EQ(AllText(loaded),
            "podium.yaml:2:10: error: server.cores is 9999, must be within 0..1024\n"
            "    2 |   cores: 9999\n"
            "      |          ^~~~\n"
            "podium.yaml:3:3: error: unknown key \"lisen\" in server (did you mean \"listen\"?)\n"
            "    3 |   lisen: :0\n"
            "      |   ^~~~~\n"
            "podium.yaml:4:15: error: log.level is \"loud\", must be one of debug, info, warning, "
            "error\n"
            "    4 | log: { level: loud }\n"
            "      |               ^~~~\n"
            "env PODIUM_SERVER_CORES: error: server.cores is wrong: \"x\" is not a whole number\n"
            "env PODIUM_SERVER_LISTN: warning: nothing reads this variable (did you mean "
            "\"PODIUM_SERVER_LISTEN\"?)\n");
  EXPECT_EQ(Summary(loaded.findings), "3 errors in podium.yaml, 1 in the environment, 1 warning");
}

TEST(Settings, SummaryCounts) {
  EXPECT_EQ(Summary({}), "no mistakes");
  EXPECT_EQ(Summary(Load("", {{"PODIUM_X", ""}, {"PODIUM_Y", ""}}).findings), "2 warnings");
  EXPECT_EQ(Summary(Load("x: 1\n").findings), "1 error in podium.yaml");
}

TEST(Settings, FileLargerThanTheLimitIsRefused) {
  const std::string comment(kMaxSettingsBytes - 1, '#');
  EXPECT_TRUE(Load(comment + "\n").findings.empty());
  const LoadedSettings loaded = Load(comment + "#\n");
  ASSERT_EQ(loaded.findings.size(), 1U);
  EXPECT_NE(loaded.findings[0].message.find("at most 1048576"), std::string::npos);
}

TEST(Settings, DeepNestingIsAMistakeAndNoCrash) {
  EXPECT_TRUE(HasErrors(Load("log: " + std::string(100'000, '[')).findings));
  EXPECT_TRUE(HasErrors(Load(std::string(10'000, '{')).findings));
}

TEST(References, AreReplaced) {
  const Environment environment = {{"A", "one"}, {"EMPTY", ""}};
  const auto expand = [&](const char* text) {
    const auto result = ExpandReferences(text, environment, ReadFake);
    return result ? *result : "error: " + result.error().message;
  };
  EXPECT_EQ(expand("plain"), "plain");
  EXPECT_EQ(expand("${env:A}/${env:A}"), "one/one");
  EXPECT_EQ(expand("${env:B:-two}"), "two");
  EXPECT_EQ(expand("${env:EMPTY:-two}"), "two");
  EXPECT_EQ(expand("${env:B:-}"), "");
  EXPECT_EQ(expand("x${file:/run/secrets/token}y"), "xfrom-a-mounted-filey");
  EXPECT_EQ(expand("$${env:A}"), "${env:A}");
  EXPECT_EQ(expand("cost $5"), "cost $5");
  EXPECT_TRUE(expand("${env:EMPTY}").starts_with("error: the environment variable EMPTY"));
  EXPECT_TRUE(expand("${file:}").starts_with("error: "));
}

TEST(SettingText, DurationsAndSizesReadBack) {
  for (const char* text : {"0", "1us", "200us", "500ms", "30s", "90s", "2m", "1h"}) {
    const auto value = ParseDuration(text);
    ASSERT_TRUE(value) << text;
    EXPECT_EQ(FormatDuration(*value), text);
  }
  EXPECT_EQ(ParseDuration("1500ms").value(), 1500ms);
  EXPECT_EQ(FormatDuration(1500ms), "1500ms");
  EXPECT_EQ(FormatDuration(120s), "2m");
  for (const char* text : {"0", "1B", "1KiB", "8MiB", "3GiB", "1023B"}) {
    const auto value = ParseSize(text);
    ASSERT_TRUE(value) << text;
    EXPECT_EQ(FormatSize(*value), text);
  }
  EXPECT_EQ(ParseSize("4096").value(), 4096U);
  for (const char* text : {"", " ", "s", "-1s", "1", "1ss", "1s ", "1 S", "99999999999h", "0x1s"}) {
    EXPECT_FALSE(ParseDuration(text)) << text;
  }
  for (const char* text : {"", "-1", "1kib", "1.5MiB", "18446744073709551615GiB", "1 0"}) {
    EXPECT_FALSE(ParseSize(text)) << text;
  }
}

TEST(Suggest, NearNamesOnly) {
  const std::vector<std::string_view> names = {"serve", "status", "promote", "predict"};
  EXPECT_EQ(Nearest("sevre", names), "serve");
  EXPECT_EQ(Nearest("STATUS", names), "status");
  EXPECT_EQ(Nearest("promot", names), "promote");
  EXPECT_EQ(Nearest("pred", names), "predict");
  EXPECT_EQ(Nearest("pr", names), "");  // Too little to tell which.
  EXPECT_EQ(Nearest("zebra", names), "");
  EXPECT_EQ(Nearest("", names), "");
  EXPECT_EQ(Nearest(std::string(65, 'a'), names), "");
}

// The help is the documentation: a setting without a line in it would be found by nobody.
TEST(Settings, HelpNamesEverySetting) {
  const std::string help = SettingsHelp();
  for (const SettingRow& row : SettingTable()) {
    EXPECT_NE(help.find(std::string(row.path)), std::string::npos) << row.path;
    EXPECT_NE(help.find(row.env), std::string::npos) << row.env;
    EXPECT_FALSE(row.help.empty()) << row.path;
  }
}

}  // namespace
}  // namespace podium::app
