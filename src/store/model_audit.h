// Who changed what in MLflow's registry: append-only rows in a hash chain of their own, numbered
// from 1. These changes take no revision, so they cannot stand among the promotions. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "store/audit_chain.h"
#include "store/commit.h"
#include "store/model_decide.h"

namespace podium::store {

/// A row of `model_audit`.
struct ModelAudit {
  std::int64_t number = 0;   ///< Of the row.
  std::string model;         ///< Its name after the change.
  std::int64_t version = 0;  ///< 0: it was about the model itself, or an import.
  std::string kind;          ///< As its event's type.
  std::string before;        ///< A JSON object of what differs; "{}": it was not there.
  std::string after;
  std::string actor;
  std::string origin;
  std::string request_id;
  WallTime at;
  std::string previous_hash;
  std::string hash;
  bool operator==(const ModelAudit&) const = default;
};

/// SHA-256 in hex over every field of the row but `hash` itself.
std::string HashOf(const ModelAudit& row);
ChainLink LinkOf(const ModelAudit& row);

/// What differs between the rows that were read and those that are to be written.
struct ModelDifference {
  Json before = Json::object();
  Json after = Json::object();
};
ModelDifference DifferenceOf(const ModelSnapshot& state, const ModelChanges& changes);

/// The row that follows on `head`. REQUIRES: something changed.
ModelAudit SealModel(const ModelSnapshot& state, const ModelChanges& changes,
                     const ModelCaller& caller, const ChainHead& head, WallTime now);

/// What goes out with `row`. Head and count of the other trail travel with each event: whoever
/// keeps the events can tell that it was cut. `head` is as it was read; it does not move.
OutboxEvent EventOf(const ModelChanges& changes, const ModelAudit& row, const Head& head);

/// Newest first.
struct ModelAuditQuery {
  std::string model;   ///< Empty: of all.
  int limit = 100;     ///< 1 to limits::kPageMax.
  std::string cursor;  ///< From the page before.
};

}  // namespace podium::store
