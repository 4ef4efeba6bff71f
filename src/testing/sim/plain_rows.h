// The simulation's oracle: what the rows say, kept for every revision, and who is assigned by the
// published formula. Written for plainness and apart from routing/, which it judges.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "domain/route.h"
#include "domain/version.h"
#include "store/registry_store.h"

namespace podium::testing {

/// What is wrong with a row that reaches the process otherwise than the database holds it.
enum class BadRow : std::uint8_t { kUnreadable, kUnknownProvider };
using BadRows = std::map<ModelId, BadRow>;

/// One route's rows at one revision.
struct PlainRoute {
  Route row;
  std::map<ModelId, ModelVersion> versions;  ///< Not the deleted ones.
  /// Index into row.arms by fine bucket, -1 where none has it; empty without arms.
  std::vector<int> arm_of_bucket;

  /// The first row of that status; nullptr without one.
  const ModelVersion* Holder(VersionStatus status) const;
  int Count(VersionStatus status) const;
  /// Takes traffic by its role: primary, canary above 0, arm above 0.
  bool IsLive(const ModelId& id) const;
  bool HasBad(const BadRows& bad) const;
};
using PlainTable = std::map<RouteName, std::shared_ptr<const PlainRoute>>;

struct PlainAssignment {
  const ModelVersion* version = nullptr;  ///< Null when nobody is assigned.
  std::string reason;                     ///< As x-podium-reason says it.
  int bucket = 0;                         ///< Fine.
};
/// `unit` is a session. Bad rows count as absent.
PlainAssignment AssignPlainly(const PlainRoute& route, const std::string& unit, const BadRows& bad);

/// Threads: one at a time.
class RowHistory {
 public:
  /// REQUIRES: read since revision(), and at most one commit after it.
  void Absorb(const store::TableDelta& delta);
  Revision revision() const { return Revision(static_cast<std::int64_t>(tables_.size()) - 1); }
  const PlainTable& At(Revision revision) const {
    return tables_.at(static_cast<std::size_t>(revision.get()));
  }
  const PlainTable& now() const { return tables_.back(); }
  /// nullptr when the table had no such route then.
  const PlainRoute* RouteAt(Revision revision, const RouteName& route) const;
  const PlainRoute* RouteOf(const ModelId& id) const;  ///< Now.

 private:
  std::vector<PlainTable> tables_{1};
};

}  // namespace podium::testing
