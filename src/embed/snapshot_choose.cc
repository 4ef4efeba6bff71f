// Choose, in the types of libpodium. A file of its own, so that a test can look at its object for
// what must not be called here: nothing below locks or allocates.
#include <podium/snapshot.h>

#include <algorithm>
#include <cstddef>

#include "embed/snapshot_table.h"
#include "routing/choose.h"
#include "routing/serve_chain.h"

namespace podium::v1 {
namespace {

Reason PublicReason(routing::Reason reason) {
  switch (reason) {
    case routing::Reason::kPrimary:
      return Reason::kPrimary;
    case routing::Reason::kCanary:
      return Reason::kCanary;
    case routing::Reason::kArm:
      return Reason::kArm;
    case routing::Reason::kOverride:
      return Reason::kOverride;
    case routing::Reason::kNoPrimary:
      break;
  }
  return Reason::kNoPrimary;
}

UnitKind PublicUnit(podium::UnitKind kind) {
  switch (kind) {
    case podium::UnitKind::kSession:
      return UnitKind::kSession;
    case podium::UnitKind::kUser:
      return UnitKind::kUser;
    case podium::UnitKind::kRequest:
      break;
  }
  return UnitKind::kRequest;
}

std::array<char, 16> HexOf(std::uint64_t number) {
  std::array<char, 16> digits{};
  for (char& digit : digits) {
    digit = "0123456789abcdef"[number >> 60U];
    number <<= 4U;
  }
  return digits;
}

/// The ids as Choose wants them. Without one that this route goes by, all such requests would share
/// a bucket: one is drawn into `decision`.
routing::RequestIds IdsOf(const RouteEntry& entry, const Ids& ids, Rng& rng, Decision& decision) {
  routing::RequestIds made{ids.session, ids.user, ids.request, false};
  if (!routing::UnitOf(*entry.route, made).value.empty()) return made;
  decision.drawn_id = HexOf(rng.Next64());
  made.request = {decision.drawn_id.data(), decision.drawn_id.size()};
  made.request_made_here = true;
  return made;
}

void Fill(const RouteEntry& entry, const routing::Decision& chosen, Decision& decision) {
  decision.reason = PublicReason(chosen.reason);
  decision.bucket = chosen.bucket.fine;
  decision.propensity = chosen.propensity;
  decision.unit = PublicUnit(chosen.unit_kind);
  decision.sticky = chosen.sticky;
  if (chosen.version != routing::kNoVersion) {
    const podium::ModelVersion& row = entry.route->At(chosen.version);
    decision.version = &entry.versions[chosen.version];
    decision.provider = row.provider_key;
    decision.upstream_model = row.upstream_model;
  }
  for (const routing::ServeStep& step : routing::ChainOf(chosen)) {
    decision.candidates.versions[decision.candidates.count++] = &entry.versions[step.version];
  }
}

}  // namespace

std::string_view NameOf(Reason reason) {
  switch (reason) {
    case Reason::kPrimary:
      return "primary";
    case Reason::kCanary:
      return "canary";
    case Reason::kArm:
      return "arm";
    case Reason::kOverride:
      return "override";
    case Reason::kNoPrimary:
      return "no_primary";
    case Reason::kUnknownName:
      return "unknown_name";
    case Reason::kUnknownVersion:
      return "unknown_version";
  }
  return "unknown_name";
}

Decision Snapshot::Choose(std::string_view name, const Ids& ids) const {
  Decision decision;
  decision.generation = generation();
  const RouteEntry* entry = table_->Find(name);
  if (entry == nullptr) return decision;
  const routing::RequestIds request = IdsOf(*entry, ids, table_->rng(), decision);
  Fill(*entry, routing::Choose(*entry->route, Generation(decision.generation), request), decision);
  return decision;
}

Decision Snapshot::ChooseVersion(std::string_view name, const Ids& ids,
                                 std::string_view wanted) const {
  Decision decision;
  decision.generation = generation();
  const RouteEntry* entry = table_->Find(name);
  if (entry == nullptr) return decision;
  const routing::VersionIndex version = routing::FindOverride(*entry->route, wanted);
  if (version == routing::kNoVersion) {
    decision.reason = Reason::kUnknownVersion;
    return decision;
  }
  const routing::RequestIds request = IdsOf(*entry, ids, table_->rng(), decision);
  Fill(*entry,
       routing::ChooseOverride(*entry->route, Generation(decision.generation), request, version),
       decision);
  return decision;
}

}  // namespace podium::v1
