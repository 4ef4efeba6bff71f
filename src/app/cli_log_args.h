// What `podium log`, `podium feedback` and `podium compare` were asked for.
#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace podium::app {

enum class LogVerb : std::uint8_t { kList, kGet, kTail, kExport, kReplay };

/// Empty members do not filter.
struct LogArgs {
  LogVerb verb = LogVerb::kList;
  std::string route;
  std::string version;  ///< An id, ROUTE@VERSION, or a version of `route`.
  std::string outcome;
  std::string unit;
  std::string request;
  std::string since;  ///< A time in UTC, or an age: "24h".
  std::string until;
  std::size_t most = 0;           ///< 0: as usual for the verb.
  std::string id;                 ///< Of kGet; empty for kReplay: as filtered.
  std::string format = "ndjson";  ///< Of kExport: or "csv".
};

struct FeedbackArgs {
  std::string route;
  std::string request;
  std::optional<std::int64_t> row;
  std::optional<double> label;
  std::optional<double> score;
  std::optional<double> prediction;
  std::string file;  ///< NDJSON instead of the above; "-" is standard input.
};

struct CompareArgs {
  std::string route;
  std::string since = "24h";
  std::string until;
  std::optional<double> threshold;
};

/// `podium log evaluate`.
struct EvaluateArgs {
  std::string route;
  std::string policy;  ///< "2=100", or "1=50,2=50": versions or ids, in percent.
  std::string reward = "success";
  std::string since = "24h";
  std::string until;
  std::optional<double> clip;
};

/// `args` outlive the verb. `usual`: what the help says of --limit.
void AddLogFilters(CLI::App& verb, LogArgs& args, std::size_t usual, std::size_t most);
void AddFeedbackOptions(CLI::App& verb, FeedbackArgs& args);
void AddCompareOptions(CLI::App& verb, CompareArgs& args);
void AddEvaluateOptions(CLI::App& verb, EvaluateArgs& args);

}  // namespace podium::app
