#include "app/cli_verify.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "app/cli_serve.h"
#include "app/cli_upload.h"
#include "app/guard_options.h"
#include "base/clock.h"
#include "base/json.h"
#include "runtime/guard.h"
#include "runtime/model_process.h"

namespace podium::app {
namespace {

namespace fs = std::filesystem;

// The declared signature: the file that was named, else the one beside the model, else none.
Result<std::string> SignatureOf(const VerifyArgs& args) {
  std::string path = args.signature;
  std::error_code error;
  if (path.empty()) {
    path = fs::path(args.file).replace_extension(".signature.json").string();
    if (!fs::exists(path, error)) return std::string();
  }
  return ReadSmallFile(path, limits::kMaxAdminBodyBytes);
}

double MicrosPerRow(const runtime::ReadyNote& note) {
  return std::chrono::duration<double, std::micro>(note.time_per_row).count();
}

Json ToJson(const runtime::ReadyNote& note) {
  return {{"verdict", "ok"},
          {"time_per_row_us", MicrosPerRow(note)},
          {"warning", note.warning.empty() ? Json() : Json(note.warning)}};
}

Json ToJson(const runtime::Harm& harm) {
  return {{"verdict", runtime::NameOf(harm.kind)}, {"reason", Describe(harm.error)}};
}

}  // namespace

ExitCode RunVerify(const VerifyArgs& args, const Environment& environment, Console& console,
                   OutputFormat format) {
  const CliResult<Settings> settings = SettingsFor({args.config, {}}, environment, console);
  if (!settings) {
    console.err << Render(settings.error());
    return settings.error().exit;
  }
  const Result<std::string> signature = SignatureOf(args);
  if (!signature) {
    console.err << Render(CliError{ExitCode::kUsage, signature.error().message, "", "", ""});
    return ExitCode::kUsage;
  }
  const SystemClock clock;
  runtime::Quarantine nothing_kept({}, clock);
  runtime::Guard guard(GuardOptionsOf(*settings), clock, nothing_kept, nullptr);
  runtime::ReadyNote note;
  const auto child = guard.Verify({fs::absolute(args.file), *signature}, note);
  if (format == OutputFormat::kJson) {
    console.out << DumpJsonPretty(child ? ToJson(note) : ToJson(child.error())) << '\n';
    return child ? ExitCode::kDone : ExitCode::kFailed;
  }
  if (!child) {
    const bool says_it = child.error().kind == runtime::HarmKind::kRefused ||
                         child.error().kind == runtime::HarmKind::kNotStarted;
    console.err << fmt::format("error: {}: {}{}\n", args.file, says_it ? "" : "it ",
                               Describe(child.error().error));
    return ExitCode::kFailed;
  }
  console.out << fmt::format("{}: loads and answers, {:.1f} us per row\n", args.file,
                             MicrosPerRow(note));
  if (!note.warning.empty()) console.out << fmt::format("warning: it {}\n", note.warning);
  return ExitCode::kDone;
}

}  // namespace podium::app
