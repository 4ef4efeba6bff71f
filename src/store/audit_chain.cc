#include "store/audit_chain.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "base/digest.h"
#include "store/canonical_text.h"

namespace podium::store {
namespace {

void FieldOf(CanonicalText& text, std::string_view name, const std::optional<ModelId>& id) {
  id ? text.Field(name, id->get()) : text.Absent(name);
}

}  // namespace

std::string HashOf(const Promotion& row) {
  CanonicalText text("podium.audit.1");
  text.Field("revision", row.revision.get());
  text.Field("route", row.route.get());
  text.Field("kind", NameOf(row.kind));
  FieldOf(text, "from", row.from);
  FieldOf(text, "to", row.to);
  text.Field("share_before", row.share_before.value());
  text.Field("share_after", row.share_after.value());
  row.undoes ? text.Field("undoes", row.undoes->get()) : text.Absent("undoes");
  text.Field("actor", row.actor);
  text.Field("origin", row.origin);
  text.Field("reason", row.reason);
  text.Field("request_id", row.request_id);
  text.Field("evidence", row.evidence);
  text.Field("at", row.at.time_since_epoch().count());
  text.Field("previous", row.previous_hash);
  return Sha256Hex(text.text());
}

ChainLink LinkOf(const Promotion& row) {
  return {row.revision.get(), row.previous_hash, row.hash, HashOf(row)};
}

void ChainWalk::Break(std::int64_t number, std::string problem) {
  if (!verdict_.intact()) return;
  verdict_.first_broken = Revision(number);
  verdict_.problem = std::move(problem);
}

void ChainWalk::Add(const ChainLink& row) {
  ++verdict_.rows;
  const std::int64_t expected = last_ + 1;
  if (row.number != expected) {
    Break(expected, fmt::format("{} {} is missing", row_, expected));
  }
  if (row.previous_hash != hash_) {
    Break(row.number,
          fmt::format("{} {} does not follow from the row before it", row_, row.number));
  }
  if (row.computed != row.hash) {
    Break(row.number,
          fmt::format("{} {} was edited: its hash does not fit its fields", row_, row.number));
  }
  last_ = row.number;
  hash_ = row.hash;
}

void ChainWalk::AddUnreadable(std::int64_t number, const std::string& problem) {
  ++verdict_.rows;
  Break(number, fmt::format("{} {} cannot be read: {}", row_, number, problem));
  last_ = number;
}

AuditVerdict ChainWalk::Finish(const ChainHead& head) && {
  if (verdict_.rows < head.count) {
    Break(last_ + 1, fmt::format("the last {} {}s are missing", head.count - verdict_.rows, row_));
  }
  if (verdict_.rows > head.count) {
    Break(head.count + 1,
          fmt::format("{} {}s were added behind the head", verdict_.rows - head.count, row_));
  }
  if (hash_ != head.hash)
    Break(last_, fmt::format("the last {} is not the one that the head names", row_));
  return std::move(verdict_);
}

}  // namespace podium::store
