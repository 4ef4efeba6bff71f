// An MLflow server that models are read from: its pages, asked for again when it is busy, and its
// refusals as what a person can do about them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "app/cli_exit.h"
#include "app/cli_versions.h"
#include "app/mlflow_rows.h"
#include "base/json.h"
#include "base/result.h"

namespace podium::app {

/// What came back of one GET.
struct SourceReply {
  int status = 0;
  std::string body;
  std::string location = {};     ///< Where a redirect leads.
  std::string retry_after = {};  ///< As the server wrote it.
};
/// Path and query in; a connection of its own, or a fake in tests. Errors as net::Upstream has
/// them, and kTooLarge for the answer.
using SourceTransport = std::function<Result<SourceReply>(const std::string& target)>;

/// Threads: one. Blocks.
class MlflowSource {
 public:
  struct Options {
    std::string shown;  ///< "http://host:5000", for messages.
    std::string path;   ///< Before those of the API; perhaps empty.
  };
  /// `pause` is false when somebody pressed Ctrl-C.
  MlflowSource(Options options, SourceTransport transport, CommandPause pause);

  const std::string& shown() const { return options_.shown; }

  // Errors: kUnreachable when it answers no more, kNotAllowed, kTimedOut, kInterrupted; kFailed for
  // what is no answer of MLflow's, and for one that stays a server's error.

  CliResult<SourcePage<RegisteredModel>> ModelsPage(const std::string& token);
  /// Prompts, which the other search leaves out. None where the server knows no search by tags.
  CliResult<SourcePage<RegisteredModel>> PromptsPage(const std::string& token);
  CliResult<SourcePage<RegisteredModel>> OneModel(const std::string& name);  ///< kNotFound too.
  /// By their numbers, so that what is added meanwhile comes last.
  CliResult<SourcePage<RegisteredVersion>> VersionsPage(const RegisteredModel& model,
                                                        const std::string& token);
  /// Where the files of a version are, if it says so; else empty.
  CliResult<std::string> DownloadUri(const RegisteredVersion& version);

 private:
  struct Answer {
    int status = 0;
    Json body;
  };
  CliResult<Answer> Ask(const std::string& path);
  CliResult<SourceReply> Reach(const std::string& target);
  CliResult<Json> Get(const std::string& path);
  CliFailure Refusal(const Answer& answer) const;
  CliFailure NoMlflow(std::string cause) const;

  const Options options_;
  const SourceTransport transport_;
  const CommandPause pause_;
  bool answered_ = false;  // Once: from then on it is worth to ask again.
};

/// `name = 'x'` as MLflow reads it; kUnprocessable for a name with quotes of both kinds.
Result<std::string> NameFilter(const std::string& name);

}  // namespace podium::app
