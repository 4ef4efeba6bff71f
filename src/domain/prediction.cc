#include "domain/prediction.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace podium {
namespace {

constexpr std::array<std::string_view, 4> kOutcomeWords = {"ok", "refused", "timeout", "error"};

constexpr int kGatewayTimeout = 504;
constexpr int kRequestTimeout = 408;

}  // namespace

std::string_view NameOf(PredictionOutcome outcome) {
  return kOutcomeWords[static_cast<std::size_t>(outcome)];
}

std::optional<PredictionOutcome> ParsePredictionOutcome(std::string_view name) {
  const auto* found = std::ranges::find(kOutcomeWords, name);
  if (found == kOutcomeWords.end()) return std::nullopt;
  return static_cast<PredictionOutcome>(found - kOutcomeWords.begin());
}

PredictionOutcome OutcomeOfStatus(int status) {
  if (status == kGatewayTimeout || status == kRequestTimeout) return PredictionOutcome::kTimeout;
  if (status >= 500) return PredictionOutcome::kError;
  return status >= 400 ? PredictionOutcome::kRefused : PredictionOutcome::kOk;
}

bool Feedback::SaysTheSame(const Feedback& other) const {
  return route == other.route && request_id == other.request_id && row == other.row &&
         label == other.label && score == other.score && prediction == other.prediction;
}

std::string PredictionIdFloor(WallTime at) {
  const std::int64_t micros = std::max<std::int64_t>(MicrosOf(at), 0);
  return fmt::format("{:014x}", static_cast<std::uint64_t>(micros));
}

std::string PredictionId(WallTime at, std::string_view token) {
  return PredictionIdFloor(at) + std::string(token);
}

std::string ScoresText(const std::vector<double>& scores) {
  std::string text;
  for (const double score : scores) {
    if (!text.empty()) text += ',';
    text += fmt::format("{}", score);
  }
  return text;
}

Result<std::vector<double>> ParseScores(std::string_view text) {
  std::vector<double> scores;
  if (text.empty()) return scores;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (true) {
    double score = 0;
    const auto [stop, failed] = std::from_chars(at, end, score);
    if (failed != std::errc() || (stop != end && *stop != ',')) break;
    scores.push_back(score);
    if (stop == end) return scores;
    at = stop + 1;
  }
  return Fail(ErrorCode::kInvalidArgument, "\"{}\" is no list of scores", text);
}

}  // namespace podium
