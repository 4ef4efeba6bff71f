#include "store/commit.h"

#include <algorithm>
#include <utility>

#include "base/json.h"

namespace podium::store {
namespace {

constexpr int kTokenLength = 12;

std::string_view EventType(PromotionKind kind) {
  switch (kind) {
    case PromotionKind::kRegister:
      return "podium.version.registered";
    case PromotionKind::kPromote:
      return "podium.version.promoted";
    case PromotionKind::kActivate:
      return "podium.version.activated";
    case PromotionKind::kRollback:
      return "podium.route.rolled_back";
    case PromotionKind::kRamp:
      return "podium.canary.changed";
    case PromotionKind::kAbort:
      return "podium.canary.ended";
    case PromotionKind::kArms:
      return "podium.arms.changed";
    case PromotionKind::kRetire:
      return "podium.version.retired";
    case PromotionKind::kDelete:
      return "podium.version.deleted";
    case PromotionKind::kSeed:
      return "podium.route.seeded";
    case PromotionKind::kFollow:
      return "podium.route.follow_set";
    case PromotionKind::kUnfollow:
      return "podium.route.follow_ended";
    case PromotionKind::kFollowResume:
      return "podium.route.follow_resumed";
    case PromotionKind::kRollout:
      return "podium.rollout.changed";
    case PromotionKind::kShadow:
      return "podium.shadow.changed";
    case PromotionKind::kChallenger:
      return "podium.challenger.changed";
  }
  return "podium.registry.changed";
}

Json IdOrNull(const std::optional<ModelId>& id) { return id ? Json(id->get()) : Json(nullptr); }

Json TextOrNull(const std::string& text) { return text.empty() ? Json() : Json(text); }

// In the units and words of the API, as all that an event says.
Json FollowOfEvent(const Follow& follow) {
  Json json = Json::object();
  json["model"] = follow.model;
  json["champion"] = TextOrNull(follow.champion);
  json["challenger"] = TextOrNull(follow.challenger);
  json["challenger_share"] = follow.challenger_share.percent();
  json["on_champion"] = NameOf(follow.on_champion);
  json["held"] = follow.held;
  json["held_because"] = TextOrNull(follow.held_because);
  json["held_at"] = follow.held ? Json(FormatUtc(follow.held_at)) : Json();
  return json;
}

// Of a route that is told whom to follow, or held: what it follows now, null when it ended.
void AddFollow(const Changes& changes, Json& data) {
  const std::string& evidence = changes.audit.evidence;
  if (evidence.find("\"follow\"") == std::string::npos) return;  // Most need not be parsed.
  if (const Result<Json> said = ParseJson(evidence); !said || !said->contains("follow")) return;
  const std::optional<Follow>& follow = changes.route.follow;
  data["follow"] = follow ? FollowOfEvent(*follow) : Json();
}

Json RolloutOfEvent(const Rollout& rollout) {
  Json json = Json::object();
  json["id"] = rollout.id.get();
  json["candidate"] = rollout.candidate.get();
  json["primary"] = rollout.primary.get();
  json["attempt"] = rollout.attempt;
  json["phase"] = NameOf(rollout.phase);
  json["step"] = rollout.step;
  json["steps"] = rollout.plan.steps.size();
  json["share_pct"] = HasEnded(rollout.phase) ? 0.0 : rollout.share().percent();
  json["said"] = rollout.said;
  return json;
}

// Head and count travel with each event: whoever keeps the events can tell a cut audit table.
std::string EventData(const Changes& changes, const Promotion& audit, const Head& head) {
  Json data = Json::object();
  data["revision"] = audit.revision.get();
  data["route"] = audit.route.get();
  data["kind"] = NameOf(audit.kind);
  data["from"] = IdOrNull(audit.from);
  data["to"] = IdOrNull(audit.to);
  data["traffic_pct_before"] = audit.share_before.percent();
  data["traffic_pct_after"] = audit.share_after.percent();
  data["undoes"] = audit.undoes ? Json(audit.undoes->get()) : Json(nullptr);
  data["actor"] = audit.actor;
  data["origin"] = audit.origin;
  data["reason"] = audit.reason;
  data["request_id"] = audit.request_id;
  data["at"] = FormatUtc(audit.at);
  AddFollow(changes, data);
  if (changes.rollout) data["rollout"] = RolloutOfEvent(*changes.rollout);
  data["head_hash"] = head.chain.hash;
  data["audit_count"] = head.chain.count;
  return DumpJson(data);
}

}  // namespace

Stamp MakeStamp(const Head& head, WallTime clock, Rng& rng) {
  Stamp stamp;
  stamp.revision = Revision(head.revision.get() + 1);
  stamp.now = std::max(clock, head.at);
  // A mutation makes a version or a rollout, never both.
  const std::string token = RandomToken(rng, kTokenLength);
  stamp.fresh_id = ModelId("m" + token);
  stamp.fresh_rollout = RolloutId("r" + token);
  stamp.route_salt = RandomToken(rng, kTokenLength);
  stamp.canary_salt = RandomToken(rng, kTokenLength);
  return stamp;
}

Sealed Seal(const Changes& changes, const Head& head) {
  Sealed sealed;
  sealed.audit = changes.audit;
  sealed.audit.previous_hash = head.chain.hash;
  sealed.audit.hash = HashOf(sealed.audit);
  sealed.head = {head.epoch, sealed.audit.revision,
                 ChainHead{sealed.audit.hash, head.chain.count + 1}, sealed.audit.at};
  sealed.event.revision = sealed.audit.revision;
  sealed.event.type =
      changes.event.empty() ? std::string(EventType(sealed.audit.kind)) : changes.event;
  sealed.event.data = EventData(changes, sealed.audit, sealed.head);
  sealed.event.at = sealed.audit.at;
  return sealed;
}

bool HasLost(const Head& head, const std::string& audit_then, const SeenHistory& seen) {
  if (head.epoch != seen.epoch) return head.epoch < seen.epoch;
  return head.revision < seen.revision || audit_then != seen.audit;
}

RaisedEpoch RaiseAbove(const Head& head, const SeenHistory& seen, const std::string& by,
                       WallTime now) {
  RaisedEpoch raised;
  raised.head = head;
  raised.head.epoch = std::max(head.epoch, seen.epoch) + 1;
  raised.head.at = std::max(now, head.at);
  raised.event.revision = head.revision;
  raised.event.type = "podium.registry.epoch_raised";
  raised.event.at = raised.head.at;
  Json data = Json::object();
  data["epoch"] = raised.head.epoch;
  data["revision"] = head.revision.get();
  data["seen_epoch"] = seen.epoch;
  data["seen_revision"] = seen.revision.get();
  data["noticed_by"] = by;
  data["at"] = FormatUtc(raised.head.at);
  data["head_hash"] = head.chain.hash;
  data["audit_count"] = head.chain.count;
  raised.event.data = DumpJson(data);
  return raised;
}

Committed Answer(Changes changes, const Sealed& sealed) {
  Committed committed;
  committed.revision = sealed.audit.revision;
  committed.audit = sealed.audit;
  committed.route = std::move(changes.route);
  committed.rollout = std::move(changes.rollout);
  committed.version = std::move(changes.subject);
  committed.signatures = std::move(changes.signatures);
  return committed;
}

Committed AnswerUnchanged(Changes changes, const Head& head) {
  Committed committed;
  committed.revision = head.revision;
  committed.route = std::move(changes.route);
  committed.rollout = std::move(changes.rollout);
  committed.version = std::move(changes.subject);
  committed.changed = false;
  return committed;
}

}  // namespace podium::store
