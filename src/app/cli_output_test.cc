// What scripts and people read: exit codes, tables, prompts.

#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "app/cli_console.h"
#include "app/cli_exit.h"
#include "app/cli_predict.h"
#include "app/cli_table.h"
#include "app/cli_upload.h"
#include "app/cli_versions.h"

namespace podium::app {
namespace {

// Scripts branch on these numbers: one row per code that a server can answer with.
TEST(CliExit, EveryErrorCodeHasItsExitCode) {
  const std::map<ErrorCode, int> want = {
      {ErrorCode::kInvalidArgument, 1},  {ErrorCode::kUnauthenticated, 4},
      {ErrorCode::kPermissionDenied, 4}, {ErrorCode::kNotFound, 5},
      {ErrorCode::kMethodNotAllowed, 1}, {ErrorCode::kConflict, 6},
      {ErrorCode::kRevisionMismatch, 6}, {ErrorCode::kTooLarge, 1},
      {ErrorCode::kUnsupportedMedia, 1}, {ErrorCode::kUnprocessable, 1},
      {ErrorCode::kTimeout, 1},          {ErrorCode::kLimited, 1},
      {ErrorCode::kUnavailable, 1},      {ErrorCode::kDeadline, 8},
      {ErrorCode::kNotImplemented, 1},   {ErrorCode::kInternal, 1},
  };
  ASSERT_EQ(want.size(), static_cast<std::size_t>(kErrorCodeCount));
  for (const auto& [code, exit] : want) {
    EXPECT_EQ(static_cast<int>(ExitCodeOf(code)), exit) << TraitsOf(code).slug;
  }
}

TEST(CliExit, EveryStatusHasItsExitCode) {
  const std::map<int, int> want = {{400, 1}, {401, 4}, {403, 4}, {404, 5}, {409, 6},
                                   {412, 6}, {413, 1}, {418, 1}, {422, 1}, {429, 1},
                                   {500, 1}, {502, 1}, {503, 1}, {504, 8}};
  for (const auto& [status, exit] : want) {
    EXPECT_EQ(static_cast<int>(ExitCodeOf(CodeOfStatus(status))), exit) << status;
  }
}

TEST(CliExit, ErrorsAreRenderedInTheirParts) {
  EXPECT_EQ(Render(CliError{ExitCode::kFailed, "e", "c", "f", "r"}),
            "error: e\ncause: c\nfix: f\nrequest id: r\n");
  EXPECT_EQ(Render(CliError{ExitCode::kFailed, "e", "", "", ""}), "error: e\n");
}

TEST(CliTable, ColumnsAreAsWideAsTheyNeedToBe) {
  Table table({{"NAME"}, {"COUNT", Table::Align::kRight}, {"LAST"}});
  table.Add({"a", "1,204", ""});
  table.Add({"größer", "7", "x"});
  EXPECT_EQ(table.Render(),
            "NAME    COUNT  LAST\n"
            "a       1,204  -\n"
            "größer      7  x\n");
}

TEST(CliTable, NumbersAsPeopleWriteThem) {
  EXPECT_EQ(WithThousands(0), "0");
  EXPECT_EQ(WithThousands(999), "999");
  EXPECT_EQ(WithThousands(1000), "1,000");
  EXPECT_EQ(WithThousands(1234567), "1,234,567");
  EXPECT_EQ(ShowPercent(100), "100 %");
  EXPECT_EQ(ShowPercent(0), "0 %");
  EXPECT_EQ(ShowPercent(0.25), "0.25 %");
  EXPECT_EQ(ShowPercent(2.5), "2.5 %");
  EXPECT_EQ(AsPercent(0.0512), "5.12 %");
  EXPECT_EQ(ShowMilliseconds(0.1214), "0.121");
  EXPECT_EQ(ShowMilliseconds(1.234), "1.23");
  EXPECT_EQ(ShowMilliseconds(12.34), "12.3");
  EXPECT_EQ(ShowMilliseconds(1234), "1234");
}

// A name from the registry must not steer the terminal of whoever lists it.
TEST(CliConsole, ControlCharactersAreNotPrinted) {
  EXPECT_EQ(Printable("a\x1b[31mb\nc\x7f\td"), "a?[31mb?c??d");
  EXPECT_EQ(Printable("größer →"), "größer →");
}

struct Asked {
  ExitCode exit = ExitCode::kDone;
  std::string shown;
};

Asked Ask(const std::string& typed, bool terminal, bool yes, Unattended unattended) {
  std::ostringstream out;
  std::ostringstream err;
  std::istringstream in(typed);
  Console console{out, err, in, terminal, terminal, terminal};
  const CliStatus status = Confirm(console, "EFFECT", yes, unattended);
  EXPECT_EQ(out.str(), "");  // Questions never go where the data goes.
  return {status ? ExitCode::kDone : status.error().exit, err.str()};
}

TEST(CliConsole, AsksOnATerminalOnly) {
  using enum Unattended;
  for (const char* typed : {"y\n", "Y\n", "yes\n"}) {
    EXPECT_EQ(Ask(typed, true, false, kGoesOn).exit, ExitCode::kDone) << typed;
  }
  for (const char* typed : {"n\n", "\n", "", "nay\n", " y\n"}) {
    EXPECT_EQ(Ask(typed, true, false, kGoesOn).exit, ExitCode::kDeclined) << typed;
  }
  EXPECT_EQ(Ask("", true, false, kGoesOn).shown, "EFFECT\nGo on? [y/N] ");
  EXPECT_EQ(Ask("", true, true, kNeedsYes).shown, "");
  EXPECT_EQ(Ask("", false, false, kGoesOn).exit, ExitCode::kDone);
  EXPECT_EQ(Ask("y\n", false, false, kNeedsYes).exit, ExitCode::kUsage);
  EXPECT_EQ(Ask("", false, true, kNeedsYes).exit, ExitCode::kDone);
}

TEST(CliUpload, ProgressBar) {
  EXPECT_EQ(ProgressBar(0, 1 << 20), "[                              ]   0 % of 1.0 MiB");
  EXPECT_EQ(ProgressBar(1 << 19, 1 << 20), "[===============               ]  50 % of 1.0 MiB");
  EXPECT_EQ(ProgressBar(1 << 20, 1 << 20), "[==============================] 100 % of 1.0 MiB");
}

TEST(CliVersions, TheSignatureLiesBesideTheModel) {
  EXPECT_EQ(SignaturePath("models/a.b.onnx"), "models/a.b.signature.json");
  EXPECT_EQ(SignaturePath("a"), "a.signature.json");
}

TEST(CliPredict, RowsAreWrappedAsTyped) {
  const auto body = [](const char* text) {
    const auto made = PredictBody(text);
    return made ? DumpJson(*made) : "error: " + made.error().error;
  };
  EXPECT_EQ(body(R"({"rows":[[1]]})"), R"({"rows":[[1]]})");
  EXPECT_EQ(body("[[1,2],[3,4]]"), R"({"rows":[[1,2],[3,4]]})");
  EXPECT_EQ(body("[1,2]"), R"({"rows":[[1,2]]})");
  EXPECT_EQ(body(R"([{"a":1}])"), R"({"rows":[{"a":1}]})");
  EXPECT_EQ(body(R"({"a":1})"), R"({"rows":[{"a":1}]})");
  for (const char* text : {"", "[", "1", "\"x\"", "[]", "null"}) {
    EXPECT_TRUE(body(text).starts_with("error: ")) << text;
  }
}

}  // namespace
}  // namespace podium::app
