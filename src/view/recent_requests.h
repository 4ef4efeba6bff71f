// The last requests of this replica, to be found by their id: what was decided, and what came of
// it. Kept in memory only; gone with the process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "domain/ids.h"
#include "domain/traffic.h"
#include "routing/choose.h"
#include "routing/serve_chain.h"
#include "view/version_stats.h"

namespace podium::view {

/// One answered request. Of request id and unit the first limits::kRecentTextBytes are kept.
template <typename Text>
struct RequestFacts {
  Text request_id{};
  Text route{};
  Text unit{};
  UnitKind unit_kind = UnitKind::kRequest;
  bool sticky = true;  ///< False when the unit is an id that Podium made up for this request.
  Generation generation;
  int fine_bucket = 0;
  routing::Reason reason = routing::Reason::kNoPrimary;
  routing::ServeReason serve_reason = routing::ServeReason::kAssigned;
  const VersionStats* assigned = nullptr;  ///< Null when there was nothing to assign.
  const VersionStats* served = nullptr;    ///< Null when none was ready.
  int status = 0;                          ///< HTTP, of the answer.
  WallTime at;
};
using AnsweredRequest = RequestFacts<std::string_view>;

struct RecentRequest : RequestFacts<std::string> {
  bool unit_is_whole = true;  ///< False when the unit was longer than what is kept of it.
};

/// Threads: Record on core `core` only; Find from any thread but the cores'.
class RecentRequests {
 public:
  /// Runs a job on a core; both must go on to run for as long as Find may be called.
  using PostToCore = std::function<void(std::size_t core, std::function<void()> job)>;

  /// Each core keeps its share of `in_all`.
  RecentRequests(std::size_t cores, PostToCore post, std::size_t in_all = limits::kRecentRequests);
  ~RecentRequests();
  RecentRequests(const RecentRequests&) = delete;
  RecentRequests& operator=(const RecentRequests&) = delete;

  /// No lock, no allocation.
  void Record(std::size_t core, const AnsweredRequest& request);

  struct Found {
    std::optional<RecentRequest> request;  ///< The newest of that id.
    std::size_t matches = 0;               ///< How many have it: ids are the callers' affair.
    std::size_t kept = 0;                  ///< Requests kept now.
    std::optional<WallTime> oldest;        ///< Of those kept.
  };
  /// Asks each core for its part and waits for the answers.
  Found Find(std::string_view request_id) const;

  std::size_t per_core() const { return per_core_; }
  std::size_t cores() const { return rings_.size(); }

 private:
  struct Slot;
  struct Ring;
  Found FindOn(const Ring& ring, std::string_view request_id) const;

  const std::size_t per_core_;
  const PostToCore post_;
  std::vector<std::unique_ptr<Ring>> rings_;
};

}  // namespace podium::view
