// How each route stood, generation by generation: what any past decision is replayed from.
//
// Only what decides is kept: the route's policy, unit and salts, its arms, and the rows that may be
// assigned (primary, canary, arms). Thousands of versions on standby add nothing to a row of
// history. Pure: the adapters keep the rows, in the transaction of the change itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "store/commit.h"
#include "store/decide.h"
#include "store/registry_store.h"

namespace podium::store {

/// Who changed the route's rows.
enum class HistorySource : std::uint8_t {
  kPodium,  ///< A mutation: exact.
  kSql,     ///< Somebody else in the database; noticed by a trigger.
};

/// One row of `route_history`: in force until the route's next one.
struct HistoryRow {
  Revision revision;
  WallTime at;
  HistorySource source = HistorySource::kPodium;
  std::optional<std::string> input;  ///< Null while nobody has read what was written by SQL.
};

/// The route and those of `rows` that its decisions depend on, in one order.
RouteState RoutingInput(const Route& route, const std::vector<ModelVersion>& rows);
/// The same text for the same input, and back. kUnprocessable for text that is not ours.
std::string InputToText(const RouteState& input);
Result<RouteState> InputFromText(const RouteName& route, std::string_view text);

/// Texts of a route's input around one mutation; `before` is null for a new route.
std::optional<std::string> InputBefore(const RouteSnapshot& state);
std::string InputAfter(const RouteSnapshot& state, const Changes& changes);

/// What one mutation does to the history of its route.
struct HistoryStep {
  std::optional<std::string> fill;  ///< For `newest`, which lacked its input.
  std::optional<std::string> add;   ///< Input of a new row; null when nothing that decides changed.
};
/// `newest` is the route's last row before the mutation.
HistoryStep NextStep(const std::optional<HistoryRow>& newest,
                     const std::optional<std::string>& before, const std::string& after);

/// The generations that can be asked for.
struct HistoryRange {
  std::uint32_t epoch = 0;
  Revision oldest;
  Revision newest;
};
/// `start` is the revision at which the table's history begins.
HistoryRange RangeOf(const Head& head, Revision start);
/// The revision behind a generation; kUnprocessable for one that is not of this registry, or not
/// yet.
Result<Revision> RevisionIn(const Head& head, Generation asked);
/// What the audit trail says, in the form of a row of history.
RouteAt AsRouteAt(const RouteStanding& standing, std::uint32_t epoch, const std::string& sticky_on);

Failure NotYetThere(const RouteName& route, Generation asked, Generation first);
Failure OverwrittenUnread(const RouteName& route, Generation asked);

}  // namespace podium::store
