#include "testing/sim/sim_checks.h"

#include <fmt/format.h>

#include <utility>

#include "base/json.h"
#include "routing/choose.h"
#include "store/audit_chain.h"

namespace podium::testing {
namespace {

constexpr int kProbes = 24;               ///< Units whose assignment is followed through all views.
constexpr std::uint64_t kWholeWalk = 64;  ///< Steps between two walks along the whole audit trail.
constexpr int kPage = 100;

const std::vector<std::string>& Probes() {
  static const std::vector<std::string> probes = [] {
    std::vector<std::string> units;
    for (int i = 0; i < kProbes; ++i) units.push_back(fmt::format("user-{}", i));
    return units;
  }();
  return probes;
}

Revision RevisionOf(const view::CoreView& view) {
  return Revision(static_cast<std::int64_t>(view.generation().get()));
}

std::string HeaderOf(const net::Response& response, std::string_view name) {
  return std::string(response.headers.Find(name).value_or(std::string_view()));
}

std::string IdOf(const ModelVersion* row) { return row == nullptr ? "" : row->model_id.get(); }

// "file:3.onnx" is the artifact that answers 3.
std::string ArtifactOf(const ModelVersion& row) {
  return row.artifact_uri.substr(5, row.artifact_uri.find('.') - 5);
}

}  // namespace

void SimChecks::Fail(std::string what) {
  if (failure_.empty()) failure_ = std::move(what);
}

void SimChecks::LifeBegins(std::size_t cores) {
  newest_.assign(cores, {0, 0});
  ready_at_.assign(cores, 0);
  ready_.clear();
  answers_.clear();
  foreign_.clear();
}

void SimChecks::Committed(const store::Committed& committed, const ServerSight* server) {
  if (server != nullptr) return Invariant7CommittedOnlyWhatIsReady(committed, *server);
  // Another process does not wait for our models: this route may lose what answered it.
  foreign_[committed.route.name] = committed.revision;
  std::erase_if(answers_, [&](const auto& key) { return key.second == committed.route.name; });
}

void SimChecks::Published(std::size_t core, const view::CoreView& view) {
  Invariant3GenerationsNeverDecrease(core, view);
  Invariant7ReadyStaysReady(core, view);
  for (const view::RouteView& route : view.routes()) {
    Invariant5SameUnitSameVersion(route, RevisionOf(view));
  }
}

void SimChecks::AfterStep(store::RegistryStore& raw, const ServerSight* server) {
  ++steps_;
  Invariant1OneHolderPerRole();
  Invariant2AuditAndEventsMatch(raw);
  if (steps_ % kWholeWalk == 0) AuditIsIntact(raw);
  if (server == nullptr) return;
  for (std::size_t core = 0; core < server->cells.size(); ++core) {
    Invariant3GenerationsNeverDecrease(core, *server->cells[core].Pin());
  }
  Invariant4OnlyBadRowsAreSetAside(*server);
}

// --- 1 ---

void SimChecks::Invariant1OneHolderPerRole() {
  for (const auto& [name, route] : rows_.now()) {
    if (route->Count(VersionStatus::kPrimary) > 1 || route->Count(VersionStatus::kCanary) > 1) {
      Fail(fmt::format("invariant 1: route {} has {} primaries and {} canaries", name.get(),
                       route->Count(VersionStatus::kPrimary),
                       route->Count(VersionStatus::kCanary)));
    }
  }
}

// --- 2 ---

void SimChecks::Invariant2AuditAndEventsMatch(store::RegistryStore& raw) {
  const Result<Revision> revision = raw.ReadRevision();
  if (!revision || *revision != rows_.revision()) {
    return Fail("invariant 2: the table's revision moved without a commit that was seen");
  }
  if (static_cast<std::int64_t>(audit_.size()) == revision->get()) return;
  store::PromotionQuery newest;
  newest.limit = kPage;
  const auto page = raw.ListPromotions(newest);
  if (!page) return Fail("invariant 2: the audit trail cannot be read");
  for (auto row = page->items.rbegin(); row != page->items.rend(); ++row) {
    if (row->revision.get() > static_cast<std::int64_t>(audit_.size())) Invariant2Link(*row);
  }
  if (static_cast<std::int64_t>(audit_.size()) != revision->get()) {
    Fail(
        fmt::format("invariant 2: revision {}, but {} audit rows", revision->get(), audit_.size()));
  }
  const auto events = raw.ReadOutbox(events_, kPage);
  if (!events) return Fail("invariant 2: the outbox cannot be read");
  for (const store::OutboxEvent& event : *events) {
    ++events_;
    const bool fits =
        event.revision.get() == events_ && events_ <= static_cast<std::int64_t>(audit_.size()) &&
        event.data.find(audit_[static_cast<std::size_t>(events_) - 1].hash) != std::string::npos;
    if (!fits) {
      Fail(fmt::format("invariant 2: event {} does not fit audit row {}", event.revision.get(),
                       events_));
    }
  }
  if (events_ != revision->get()) {
    Fail(fmt::format("invariant 2: revision {}, but {} events", revision->get(), events_));
  }
}

void SimChecks::Invariant2Link(const Promotion& row) {
  const std::string previous = audit_.empty() ? "" : audit_.back().hash;
  const bool in_order = row.revision.get() == static_cast<std::int64_t>(audit_.size()) + 1 &&
                        (audit_.empty() || row.at >= audit_.back().at);
  if (!in_order || row.previous_hash != previous || row.hash != store::HashOf(row)) {
    Fail(fmt::format("invariant 2: audit row {} does not follow row {}", row.revision.get(),
                     audit_.size()));
  }
  audit_.push_back(row);
  // The driver of rollouts answers to no call.
  if (!row.request_id.empty() && !by_request_.emplace(row.request_id, row.revision).second) {
    Fail(fmt::format("invariant 2: call {} was carried out twice", row.request_id));
  }
  if (refused_.contains(row.request_id)) {
    Fail(fmt::format("invariant 2: call {} was refused, yet carried out", row.request_id));
  }
  Invariant2OnlyItsRouteChanged(row);
}

// Wholly or not at all: the rows of the audited route moved with the audit row, no others did.
void SimChecks::Invariant2OnlyItsRouteChanged(const Promotion& row) {
  for (const auto& [name, route] : rows_.At(row.revision)) {
    const bool changed = route->row.revision == row.revision;
    if (changed != (name == row.route)) {
      Fail(fmt::format("invariant 2: audit row {} is about route {}, but route {} {}",
                       row.revision.get(), row.route.get(), name.get(),
                       changed ? "changed" : "did not change"));
    }
  }
}

void SimChecks::AuditIsIntact(store::RegistryStore& raw) {
  const auto verdict = raw.VerifyAudit();
  if (verdict && verdict->intact() && verdict->rows == static_cast<std::int64_t>(audit_.size())) {
    return;
  }
  Fail("invariant 2: the audit trail: " +
       (verdict ? fmt::format("{} rows. {}", verdict->rows, verdict->problem)
                : Describe(verdict.error())));
}

void SimChecks::Answered(const SimVerb& verb, const net::Response& response,
                         const ServerSight& server) {
  const auto row = by_request_.find(verb.request_id);
  if (response.status >= 400 && response.status < 500) {
    refused_.insert(verb.request_id);
    if (row != by_request_.end()) {
      Fail(fmt::format("invariant 2: {} was answered {}, yet carried out", verb.Text(),
                       response.status));
    }
    return;
  }
  if (response.status >= 300) return;  // Wholly or not at all; which, nobody was told.
  const Result<Json> body = ParseJson(response.body);
  if (!body || !body->contains("changed")) return Fail("a verb's answer is not what it should be");
  if (!(*body)["changed"].get<bool>()) return;
  const Revision revision((*body)["change"]["revision"].get<std::int64_t>());
  Invariant2Acknowledged(verb, revision);
  if (!(*body)["replicas"][0]["applied"].get<bool>()) return;
  for (const view::ViewCell& cell : server.cells) {
    if (cell.Pin()->generation() < MakeGeneration(0, revision)) {
      Fail(fmt::format("invariant 3: {} was answered as applied before every core had it",
                       verb.Text()));
    }
  }
}

void SimChecks::Invariant2Acknowledged(const SimVerb& verb, Revision revision) {
  if (revision > rows_.revision()) {
    return Fail("invariant 2: acknowledged, but not there: " + verb.Text());
  }
  // Committed in an earlier step than this, or in this very one: its audit row is read here too.
  const PlainRoute* route = rows_.RouteAt(revision, verb.route);
  const PlainRoute* before = rows_.RouteAt(Revision(revision.get() - 1), verb.route);
  if (route == nullptr) return Fail("invariant 2: no such route after " + verb.Text());
  const auto found = route->versions.find(verb.id);
  const ModelVersion* row = found == route->versions.end() ? nullptr : &found->second;
  const auto is = [&](VersionStatus status) { return row != nullptr && row->status == status; };
  bool there = true;
  switch (verb.kind) {
    case PromotionKind::kRegister:
      there = row != nullptr && row->revision == revision;
      break;
    case PromotionKind::kActivate:
    case PromotionKind::kPromote:
      there = is(VersionStatus::kPrimary);
      break;
    case PromotionKind::kRamp:
      there = is(VersionStatus::kCanary) && row->share == verb.share;
      break;
    case PromotionKind::kAbort:
      there = route->Holder(VersionStatus::kCanary) == nullptr;
      break;
    case PromotionKind::kRetire:
      there = is(VersionStatus::kRetired);
      break;
    case PromotionKind::kDelete:
      there = row == nullptr;
      break;
    case PromotionKind::kArms:
      there = route->row.arms.size() == verb.arms.size();
      break;
    case PromotionKind::kRollback:
    case PromotionKind::kSeed:
    case PromotionKind::kFollow:
    case PromotionKind::kUnfollow:
    case PromotionKind::kFollowResume:
    case PromotionKind::kRollout:
    case PromotionKind::kShadow:
    case PromotionKind::kChallenger:
      break;
  }
  if (!there) Fail("invariant 2: acknowledged, but its effect is not there: " + verb.Text());
  if (!verb.if_match || before == nullptr) return;
  const bool on_route = verb.path.find("/routes/") != std::string::npos;
  const auto subject = before->versions.find(verb.id);
  const bool known = on_route || subject != before->versions.end();
  const Revision seen = on_route || !known ? before->row.revision : subject->second.revision;
  if (known && seen.get() != *verb.if_match) {
    Fail("invariant 2: carried out although its If-Match was out of date: " + verb.Text());
  }
}

// --- 3 ---

void SimChecks::Invariant3GenerationsNeverDecrease(std::size_t core, const view::CoreView& view) {
  auto& [generation, sequence] = newest_[core];
  if (view.generation().get() < generation || view.sequence() < sequence) {
    Fail(fmt::format("invariant 3: core {} went back from generation {} to {}", core, generation,
                     view.generation().get()));
  }
  generation = view.generation().get();
  sequence = view.sequence();
}

// --- 4 ---

void SimChecks::Invariant4OnlyBadRowsAreSetAside(const ServerSight& server) {
  const view::PublishState state = server.publisher.state();
  const PlainTable& table = rows_.At(RevisionOf(*state.view));
  for (const auto& [name, route] : table) {
    if (state.view->Find(name.get()) == nullptr) {
      Fail(fmt::format("invariant 4: route {} of generation {} is not in the view", name.get(),
                       state.view->generation().get()));
    }
    for (const auto& [id, kind] : bad_) {
      const auto row = route->versions.find(id);
      if (row == route->versions.end() || row->second.status == VersionStatus::kRetired) continue;
      bool reported = false;
      for (const routing::CompileFault& fault : state.faults) reported |= fault.row == id.get();
      if (!reported) Fail("invariant 4: nobody is told of the bad row " + id.get());
    }
  }
}

// --- 5 and 6 ---

void SimChecks::Invariant5SameUnitSameVersion(const view::RouteView& route, Revision revision) {
  const routing::CompiledRoute& compiled = *route.route;
  const PlainRoute* plain = rows_.RouteAt(revision, compiled.name);
  if (plain == nullptr) return Fail("invariant 4: a route that no row speaks of");
  std::vector<std::string> assigned;
  assigned.reserve(Probes().size());
  for (const std::string& unit : Probes()) {
    routing::RequestIds ids;
    ids.session = unit;
    const routing::Decision chosen = routing::Choose(compiled, MakeGeneration(0, revision), ids);
    const PlainAssignment wanted = AssignPlainly(*plain, unit, bad_);
    assigned.push_back(
        chosen.version == routing::kNoVersion ? "" : compiled.At(chosen.version).model_id.get());
    if (assigned.back() != IdOf(wanted.version) || chosen.bucket.fine != wanted.bucket) {
      Fail(
          fmt::format("invariant 5: {} of route {} at generation {} is assigned to \"{}\" (bucket "
                      "{}), by the formula to \"{}\" (bucket {})",
                      unit, compiled.name.get(), revision.get(), assigned.back(),
                      chosen.bucket.fine, IdOf(wanted.version), wanted.bucket));
    }
  }
  if (plain->HasBad(bad_)) return;  // The rows are not the table's.
  const auto key = std::pair(compiled.name, revision);
  const auto [known, first] = assigned_.emplace(key, assigned);
  if (!first) {
    if (known->second == assigned) return;
    return Fail(fmt::format("invariant 5: route {} at generation {} assigns otherwise than before",
                            compiled.name.get(), revision.get()));
  }
  if (known == assigned_.begin()) return;
  const auto before = std::prev(known);
  if (before->first.first != compiled.name) return;
  Invariant6RaisingOnlyMovesToTheCanary(*rows_.RouteAt(before->first.second, compiled.name), *plain,
                                        before->second, assigned);
}

void SimChecks::Invariant6RaisingOnlyMovesToTheCanary(
    const PlainRoute& before, const PlainRoute& after,
    const std::vector<std::string>& assigned_before,
    const std::vector<std::string>& assigned_after) {
  const ModelVersion* canary = after.Holder(VersionStatus::kCanary);
  if (canary == nullptr || after.row.policy != RoutePolicy::kFixed) return;
  const std::string& id = canary->model_id.get();
  for (std::size_t i = 0; i < assigned_after.size(); ++i) {
    const bool in = assigned_after[i] == id;
    if ((canary->share.value() == 0 && in) ||
        (canary->share.value() == BasisPoints::kWhole && !in)) {
      Fail(fmt::format("invariant 6: {} is {} a canary of {} basis points", Probes()[i],
                       in ? "in" : "not in", canary->share.value()));
    }
  }
  const ModelVersion* was = before.Holder(VersionStatus::kCanary);
  if (was == nullptr || was->model_id != canary->model_id || was->share > canary->share ||
      before.row.canary_salt != after.row.canary_salt) {
    return;
  }
  for (std::size_t i = 0; i < assigned_after.size(); ++i) {
    if (assigned_before[i] == id && assigned_after[i] != id) {
      Fail(fmt::format("invariant 6: {} left the canary although its share rose from {} to {}",
                       Probes()[i], was->share.value(), canary->share.value()));
    }
  }
}

// --- 7 ---

void SimChecks::Invariant7CommittedOnlyWhatIsReady(const store::Committed& committed,
                                                   const ServerSight& server) {
  const PlainRoute* after = rows_.RouteAt(committed.revision, committed.route.name);
  const PlainRoute* before =
      rows_.RouteAt(Revision(committed.revision.get() - 1), committed.route.name);
  if (after == nullptr) return;
  for (const auto& [id, row] : after->versions) {
    if (!after->IsLive(id) || (before != nullptr && before->IsLive(id))) continue;
    const auto status = server.runtime.StatusOf(id);
    // Draining: the verb holds it until the view does.
    const bool warm =
        status && (status->state == LoadState::kReady || status->state == LoadState::kDraining);
    if (!warm) {
      Fail(fmt::format("invariant 7: {} went live at revision {} ({}), but it is {}", id.get(),
                       committed.revision.get(), NameOf(committed.audit.kind),
                       status ? NameOf(status->state) : "unknown here"));
    }
  }
}

// Within one generation the wanted set is the same: what was ready can only be joined by others.
void SimChecks::Invariant7ReadyStaysReady(std::size_t core, const view::CoreView& view) {
  const bool same_table = ready_at_[core] == view.generation().get();
  ready_at_[core] = view.generation().get();
  for (const view::RouteView& route : view.routes()) {
    std::set<ModelId> ready;
    for (std::size_t i = 0; i < route.serving.size(); ++i) {
      const ModelVersion& row = route.route->versions[i];
      const bool has_role = row.status != VersionStatus::kStandby;
      if (has_role && route.serving[i].ready()) ready.insert(row.model_id);
    }
    std::set<ModelId>& known = ready_[{core, route.route->name}];
    for (const ModelId& id : known) {
      if (same_table && !ready.contains(id)) {
        Fail(fmt::format("invariant 7: {} was ready on core {} and is no more, though no row moved",
                         id.get(), core));
      }
    }
    known = std::move(ready);
  }
}

// --- 3, 5, 7 and 8 by what a caller gets ---

bool SimChecks::IsReadyIn(const view::CoreView& view, const RouteName& route,
                          const ModelId& id) const {
  const view::RouteView* found = view.Find(route.get());
  if (found == nullptr) return false;
  for (std::size_t i = 0; i < found->serving.size(); ++i) {
    if (found->route->versions[i].model_id == id) return found->serving[i].ready();
  }
  return false;
}

// Assigned, else the primary, else the one before it: the first that is ready.
const ModelVersion* SimChecks::ExpectedToServe(const SimPrediction& call, const PlainRoute& route,
                                               const PlainAssignment& assigned) const {
  const ModelVersion* previous = nullptr;
  if (route.row.previous_primary) {
    const auto found = route.versions.find(*route.row.previous_primary);
    if (found != route.versions.end()) previous = &found->second;
  }
  for (const ModelVersion* row :
       {assigned.version, route.Holder(VersionStatus::kPrimary), previous}) {
    if (row == nullptr || bad_.contains(row->model_id)) continue;
    if (IsReadyIn(*call.pinned, call.route, row->model_id)) return row;
  }
  return nullptr;
}

void SimChecks::Answered(const SimPrediction& call, const net::Response& response) {
  const PlainRoute* route = rows_.RouteAt(RevisionOf(*call.pinned), call.route);
  Invariant8StillAnswers(call, response.status);
  if (route == nullptr) {
    if (response.status != 404) Fail("a route that is not in the table was answered");
    return;
  }
  const PlainAssignment assigned = AssignPlainly(*route, call.session, bad_);
  const ModelVersion* expected = ExpectedToServe(call, *route, assigned);
  if ((response.status == 200) != (expected != nullptr)) {
    return Fail(fmt::format("invariant 8: route {} was answered {} although {} was ready",
                            call.route.get(), response.status,
                            expected == nullptr ? "nobody" : expected->model_id.get()));
  }
  if (HeaderOf(response, "x-podium-generation") !=
      fmt::to_string(call.pinned->generation().get())) {
    Fail(fmt::format("invariant 3: a call pinned generation {} and answered from {}",
                     call.pinned->generation().get(), HeaderOf(response, "x-podium-generation")));
  }
  if (expected == nullptr) return;
  Invariant5And7Served(call, response, assigned);
  if (HeaderOf(response, "x-podium-model") != expected->model_id.get()) {
    Fail(fmt::format("invariant 7: {} served where {} was the first that is ready",
                     HeaderOf(response, "x-podium-model"), expected->model_id.get()));
  }
  const Result<Json> body = ParseJson(response.body);
  if (!body || DumpJson((*body)["predictions"]) != "[" + ArtifactOf(*expected) + "]") {
    Fail(fmt::format("invariant 7: {} was answered by another model: {}", expected->model_id.get(),
                     response.body));
  }
}

void SimChecks::Invariant5And7Served(const SimPrediction& call, const net::Response& response,
                                     const PlainAssignment& assigned) {
  const std::string reason = HeaderOf(response, "x-podium-reason");
  if (HeaderOf(response, "x-podium-bucket") != fmt::to_string(assigned.bucket)) {
    Fail(fmt::format("invariant 5: {} of {} is in bucket {}, not {}", call.session,
                     call.route.get(), assigned.bucket, HeaderOf(response, "x-podium-bucket")));
  }
  const bool as_assigned = HeaderOf(response, "x-podium-model") == IdOf(assigned.version);
  const bool says_otherwise = reason == "primary_fallback" || reason == "previous_primary";
  if (as_assigned ? reason != assigned.reason : !says_otherwise) {
    Fail(fmt::format("invariant 5: {} of {} is assigned to {} ({}) and served by {} ({})",
                     call.session, call.route.get(), IdOf(assigned.version), assigned.reason,
                     HeaderOf(response, "x-podium-model"), reason));
  }
}

// --- 8 ---

// Whose primary has answered goes on answering, whatever the registry does: only rows that somebody
// committed without asking this server, or spoiled, can change that.
void SimChecks::Invariant8StillAnswers(const SimPrediction& call, int status) {
  const auto key = std::pair(call.core, call.route);
  const PlainRoute* route = rows_.RouteAt(RevisionOf(*call.pinned), call.route);
  if (route == nullptr || route->HasBad(bad_)) {
    answers_.erase(key);
  } else if (status == 200) {
    const auto foreign = foreign_.find(call.route);
    const bool ours = foreign == foreign_.end() || foreign->second <= RevisionOf(*call.pinned);
    const ModelVersion* primary = route->Holder(VersionStatus::kPrimary);
    const bool sound = primary != nullptr && IsReadyIn(*call.pinned, call.route, primary->model_id);
    if (ours && sound) answers_.insert(key);
  } else if (answers_.contains(key)) {
    Fail(fmt::format("invariant 8: route {} answered on core {} before, and now {}",
                     call.route.get(), call.core, status));
  }
}

}  // namespace podium::testing
