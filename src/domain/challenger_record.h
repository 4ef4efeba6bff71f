// What champion and challenger made of one call: both predictions, how long each took, and whose
// answer was given (requirement D4).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "domain/ids.h"
#include "domain/tensor.h"

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
  kUnknown,  ///< Nobody has waited for its end.
};

/// One of the two. What it points to lives as long as the record is being taken.
struct ChallengerSide {
  ModelId version;
  SideOutcome outcome = SideOutcome::kUnknown;
  std::optional<std::chrono::nanoseconds> latency;
  const std::vector<Tensor>* outputs = nullptr;  ///< Of a model in this process that answered.
  std::string_view answer;                       ///< Of a language model: the body.
};

struct ChallengerRecord {
  RouteName route;
  std::string request_id;
  ChallengerSide champion;
  ChallengerSide challenger;
  ChallengerChoice choice = ChallengerChoice::kChampion;
  double u = 0;
  double weight = 0;
  std::optional<bool> agrees;  ///< Where both answered and can be compared.
  const std::vector<Tensor>* inputs = nullptr;
  std::string_view body;  ///< The request to a language model.
  WallTime at;
};

/// Takes records of calls, exactly one each.
/// Threads: any. Does not block; what it has no room for it drops and counts.
class ChallengerSink {
 public:
  virtual ~ChallengerSink() = default;
  virtual void Take(const ChallengerRecord& record) = 0;
};

}  // namespace podium
