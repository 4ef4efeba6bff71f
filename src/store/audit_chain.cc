#include "store/audit_chain.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "base/digest.h"

namespace podium::store {
namespace {

// name:length:text, so that no two rows ever give the same bytes whatever their fields hold.
class Canonical {
 public:
  void Field(std::string_view name, std::string_view text) {
    text_ += fmt::format("{}:{}:{}\n", name, text.size(), text);
  }
  void Field(std::string_view name, std::int64_t number) { Field(name, fmt::format("{}", number)); }
  void Absent(std::string_view name) { text_ += fmt::format("{}:-\n", name); }
  const std::string& text() const { return text_; }

 private:
  // Names the layout: a later one gets another first line and old rows stay verifiable.
  std::string text_ = "podium.audit.1\n";
};

void FieldOf(Canonical& text, std::string_view name, const std::optional<ModelId>& id) {
  id ? text.Field(name, id->get()) : text.Absent(name);
}

}  // namespace

std::string HashOf(const Promotion& row) {
  Canonical text;
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

void ChainWalk::Break(Revision revision, std::string problem) {
  if (!verdict_.intact()) return;
  verdict_.first_broken = revision;
  verdict_.problem = std::move(problem);
}

void ChainWalk::Add(const Promotion& row) {
  ++verdict_.rows;
  const std::int64_t expected = last_.get() + 1;
  if (row.revision.get() != expected) {
    Break(Revision(expected), fmt::format("audit row {} is missing", expected));
  }
  if (row.previous_hash != hash_) {
    Break(row.revision,
          fmt::format("audit row {} does not follow from the row before it", row.revision.get()));
  }
  if (HashOf(row) != row.hash) {
    Break(row.revision, fmt::format("audit row {} was edited: its hash does not fit its fields",
                                    row.revision.get()));
  }
  last_ = row.revision;
  hash_ = row.hash;
}

void ChainWalk::AddUnreadable(Revision revision, const std::string& problem) {
  ++verdict_.rows;
  Break(revision, fmt::format("audit row {} cannot be read: {}", revision.get(), problem));
  last_ = revision;
}

AuditVerdict ChainWalk::Finish(const ChainHead& head) && {
  if (verdict_.rows < head.count) {
    Break(Revision(last_.get() + 1),
          fmt::format("the last {} audit rows are missing", head.count - verdict_.rows));
  }
  if (verdict_.rows > head.count) {
    Break(Revision(head.count + 1),
          fmt::format("{} audit rows were added behind the head", verdict_.rows - head.count));
  }
  if (hash_ != head.hash) Break(last_, "the last audit row is not the one that the head names");
  return std::move(verdict_);
}

}  // namespace podium::store
