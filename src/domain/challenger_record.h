// What champion and challenger made of one call: both predictions, how long each took, and whose
// answer was given (requirement D4).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace podium {

/// Of the record's choice: why it is the champion's answer, if it is.
enum class ChallengerChoice : std::uint8_t {
  kChampion,    ///< u < 1 - weight.
  kChallenger,  ///< u >= 1 - weight, and it answered in time.
  kLate,        ///< It would have been the challenger's; its deadline passed.
  kFailed,      ///< The same; it failed.
  kBusy,        ///< The same; it could not be asked: not ready, or no place for it.
};
inline constexpr std::size_t kChallengerChoices = 5;
/// "champion", "challenger", "late", "failed", "busy".
std::string_view NameOf(ChallengerChoice choice);

enum class SideOutcome : std::uint8_t {
  kAnswered,
  kFailed,
  kNotAsked,
  kUnknown,  ///< Its end says nothing, or nobody has waited for it.
};
/// "answered", "failed", "not_asked", "unknown".
std::string_view NameOf(SideOutcome outcome);

/// One of the two.
struct ChallengerSide {
  std::string version;  ///< ModelVersion::model_id.
  SideOutcome outcome = SideOutcome::kUnknown;
  /// Of the model alone, or of the provider: to the whole answer, or a stream's first token.
  std::optional<std::chrono::microseconds> latency;
  std::vector<double> scores;  ///< As PredictionRow::scores.

  bool operator==(const ChallengerSide&) const = default;
};

struct ChallengerRecord {
  ChallengerChoice choice = ChallengerChoice::kChampion;
  double u = 0;
  double weight = 0;
  std::optional<bool> agrees;  ///< Where both answered and can be compared.
  ChallengerSide champion;
  ChallengerSide challenger;

  bool operator==(const ChallengerRecord&) const = default;
};

/// As it stands in the log, the index and the API. Pure, as the next.
Json ChallengerJson(const ChallengerRecord& record);
/// Of ChallengerJson. kUnprocessable when it is none.
Result<ChallengerRecord> ParseChallenger(const Json& json);

}  // namespace podium
