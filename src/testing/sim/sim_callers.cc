// Who asks what of a simulated server: callers, administrators, and another process.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "testing/sim/sim_world.h"

namespace podium::testing {
namespace {

constexpr int kRoutes = 3;
constexpr int kUsers = 40;
constexpr std::size_t kMostVersions = 9;  ///< Of a route: more would only be more of the same.

RouteName RouteAt(std::size_t index) { return RouteName(fmt::format("r{}", index)); }

}  // namespace

std::string SimVerb::Text() const {
  std::string text = fmt::format("{}: {} {} {}", request_id, NameOf(kind), route.get(), id.get());
  if (kind == PromotionKind::kRamp) text += fmt::format(" {} bp", share.value());
  if (if_match) text += fmt::format(" if {}", *if_match);
  return text;
}

// --- predictions --------------------------------------------------------------------------------

void SimWorld::Predict() {
  if (!process_) return;
  SimPrediction call;
  call.core = dice_.Below(cores_);
  call.route = RouteAt(dice_.Below(kRoutes));
  call.session = fmt::format("user-{}", dice_.Below(kUsers));
  net::MemoryExchange::Peer peer;
  peer.core = call.core;
  peer.received = clock_.SteadyNow();
  const std::string headers =
      fmt::format("Content-Type: application/json\r\nX-Session-Id: {}\r\n", call.session);
  auto exchange = std::make_shared<net::MemoryExchange>(
      net::MemoryExchange::Text("POST", "/predict/" + call.route.get(), R"({"rows": [[1.5]]})",
                                headers),
      peer);
  call.pinned = process_->cells[call.core].Pin();
  net::Response response;
  if (process_->gateway.TryHandle(*exchange, response)) {
    AnswerPrediction(call, response);
  } else {
    process_->calls.Spawn(CarryPrediction(std::move(exchange), std::move(call)));
  }
}

Task<void> SimWorld::CarryPrediction(std::shared_ptr<net::MemoryExchange> exchange,
                                     SimPrediction call) {
  call.pinned = process_->cells[call.core].Pin();
  auto handle = process_->gateway.Handle(*exchange);
  const net::Response response = co_await std::move(handle);
  if (!dead_) AnswerPrediction(call, response);
}

void SimWorld::AnswerPrediction(const SimPrediction& call, const net::Response& response) {
  if (response.status == 200) ++report_.answered;
  for (const view::ViewCell& cell : process_->cells) {
    if (cell.Pin()->generation() > call.pinned->generation()) {
      ++faults_[SimFault::kCoreBehind];
      break;
    }
  }
  trace_.Add(fmt::format("core {}: {} of {} gets {} from {} ({})", call.core, call.session,
                         call.route.get(), response.status,
                         response.headers.Find("x-podium-model").value_or("nobody"),
                         response.headers.Find("x-podium-reason").value_or("-")));
  checks_.Answered(call, response);
}

// --- verbs --------------------------------------------------------------------------------------

void SimWorld::StartVerb() {
  if (!process_) return;
  SimVerb verb = DrawVerb();
  std::string headers =
      fmt::format("Content-Type: application/json\r\nX-Request-Id: {}\r\n", verb.request_id);
  if (!verb.actor.empty()) headers += fmt::format("X-Podium-Actor: {}\r\n", verb.actor);
  if (verb.if_match) headers += fmt::format("If-Match: \"{}\"\r\n", *verb.if_match);
  auto exchange = std::make_shared<net::MemoryExchange>(
      net::MemoryExchange::Text(verb.method, verb.path, verb.body, headers));
  trace_.Add("asked: " + verb.Text());
  process_->calls.Spawn(CarryVerb(std::move(exchange), std::move(verb)));
}

Task<void> SimWorld::CarryVerb(std::shared_ptr<net::MemoryExchange> exchange, SimVerb verb) {
  auto handle = process_->admin.Handle(*exchange);
  const net::Response response = co_await std::move(handle);
  if (dead_) co_return;
  if (response.status == 504) ++faults_[SimFault::kLoadTooLate];
  trace_.Add(fmt::format("answered {}: {}", response.status, verb.Text()));
  const ServerSight sight = process_->sight();
  checks_.Answered(verb, response, sight);
}

SimVerb SimWorld::DrawVerb() {
  const RouteName name = RouteAt(dice_.Below(kRoutes));
  const auto found = rows_.now().find(name);
  SimVerb verb;
  if (found == rows_.now().end()) {
    verb = DrawRegistration(name);
  } else {
    const PlainRoute& route = *found->second;
    switch (dice_.Weighted(verb_weights_)) {
      case 0:
        verb = route.versions.size() < kMostVersions ? DrawRegistration(name)
                                                     : OnVersion(PromotionKind::kDelete, route, "");
        break;
      case 1:
        verb = OnVersion(PromotionKind::kActivate, route, "/activate");
        break;
      case 2:
        verb = DrawCanary(route);
        break;
      case 3:
        verb = OnRoute(PromotionKind::kAbort, name, "DELETE", "/canary");
        break;
      case 4:
        verb = OnVersion(PromotionKind::kPromote, route, "/promote");
        break;
      case 5:
        verb = OnRoute(PromotionKind::kRollback, name, "POST", "/rollback");
        break;
      case 6:
        verb = OnVersion(PromotionKind::kRetire, route, "/retire");
        break;
      case 7:
        verb = OnVersion(PromotionKind::kDelete, route, "");
        break;
      case 8:
        verb = DrawRollout(route);
        break;
      default:
        verb = DrawArms(route);
        break;
    }
    DrawIfMatch(verb, route);
  }
  verb.request_id = fmt::format("q{}", ++next_name_);
  return verb;
}

SimVerb SimWorld::DrawRegistration(const RouteName& route) {
  SimVerb verb;
  verb.route = route;
  const int number = ++next_name_;
  verb.id = ModelId(fmt::format("{}-v{}", route.get(), number));
  verb.method = "POST";
  verb.path = "/api/v1/versions";
  Json body = Json::object();
  body["model_id"] = verb.id.get();
  body["route"] = route.get();
  body["version"] = fmt::to_string(number);
  body["artifact_uri"] = fmt::format("file:{}.onnx", dice_.Below(kArtifacts));
  if (dice_.Percent(8)) body["artifact_uri"] = "file:corrupt.onnx";
  if (dice_.Percent(5)) body["sha256"] = std::string(64, 'a');
  if (dice_.Percent(50)) body["status"] = "shadow";
  if (dice_.Percent(40)) body["load"] = "lazy";
  verb.body = DumpJson(body);
  return verb;
}

ModelId SimWorld::AnyVersion(const PlainRoute& route) {
  if (route.versions.empty() || dice_.Percent(3)) return ModelId("nobody");
  auto row = route.versions.begin();
  std::advance(row, static_cast<std::ptrdiff_t>(dice_.Below(route.versions.size())));
  return row->first;
}

// One that may begin to take traffic, mostly: who asks has looked at the list before.
ModelId SimWorld::Candidate(const PlainRoute& route) {
  std::vector<ModelId> fit;
  for (const auto& [id, row] : route.versions) {
    if (row.status == VersionStatus::kStandby || row.status == VersionStatus::kShadow) {
      fit.push_back(id);
    }
  }
  return fit.empty() || dice_.Percent(15) ? AnyVersion(route) : dice_.Pick(fit);
}

SimVerb SimWorld::OnVersion(PromotionKind kind, const PlainRoute& route, std::string_view verb) {
  SimVerb drawn;
  drawn.kind = kind;
  drawn.route = route.row.name;
  drawn.id = AnyVersion(route);
  // A promote is for a canary, more often than not.
  const ModelVersion* canary = route.Holder(VersionStatus::kCanary);
  if (kind == PromotionKind::kPromote && canary != nullptr && dice_.Percent(60)) {
    drawn.id = canary->model_id;
  } else if (kind == PromotionKind::kActivate && dice_.Percent(60)) {
    drawn.id = Candidate(route);
  }
  drawn.method = kind == PromotionKind::kDelete ? "DELETE" : "POST";
  drawn.path = fmt::format("/api/v1/versions/{}{}", drawn.id.get(), verb);
  drawn.body = "{}";
  return drawn;
}

SimVerb SimWorld::OnRoute(PromotionKind kind, const RouteName& route, std::string_view method,
                          std::string_view what) {
  SimVerb drawn;
  drawn.kind = kind;
  drawn.route = route;
  drawn.method = method;
  drawn.path = fmt::format("/api/v1/routes/{}{}", route.get(), what);
  drawn.body = "{}";
  return drawn;
}

SimVerb SimWorld::DrawCanary(const PlainRoute& route) {
  SimVerb verb = OnRoute(PromotionKind::kRamp, route.row.name, "PUT", "/canary");
  verb.id = Candidate(route);
  const ModelVersion* canary = route.Holder(VersionStatus::kCanary);
  if (canary != nullptr && dice_.Percent(70)) verb.id = canary->model_id;
  constexpr std::array<int, 7> kShares = {0, 25, 500, 2500, 5000, 9000, 10'000};
  int share = kShares[dice_.Below(kShares.size())];
  if (canary != nullptr && dice_.Percent(60)) {  // A ramp, step by step.
    share = std::min(10'000, canary->share.value() + dice_.Between(0, 3000));
  }
  verb.share = *BasisPoints::From(share);
  verb.body = DumpJson(Json{{"model_id", verb.id.get()}, {"traffic_pct", verb.share.percent()}});
  return verb;
}

SimVerb SimWorld::DrawArms(const PlainRoute& route) {
  SimVerb verb = OnRoute(PromotionKind::kArms, route.row.name, "PUT", "/arms");
  Json list = Json::array();
  int left = BasisPoints::kWhole;
  const std::size_t count = dice_.Percent(35) ? 0 : 1 + dice_.Below(4);
  for (const auto& [id, row] : route.versions) {
    const bool fit = row.status == VersionStatus::kStandby ||
                     row.status == VersionStatus::kShadow || row.status == VersionStatus::kArm;
    if (!fit || verb.arms.size() == count || dice_.Percent(30)) continue;
    const int weight = dice_.Percent(15)
                           ? 0
                           : static_cast<int>(dice_.Below(static_cast<std::size_t>(left / 2) + 1));
    left -= weight;
    verb.arms.push_back({id, static_cast<int>(verb.arms.size()), *BasisPoints::From(weight)});
    list.push_back({{"model_id", id.get()}, {"weight", weight / 10'000.0}});
  }
  Json body = Json::object();
  body["arms"] = std::move(list);
  verb.body = DumpJson(body);
  return verb;
}

// Mostly none; else what is so, what was so at some time, or what never was.
void SimWorld::DrawIfMatch(SimVerb& verb, const PlainRoute& route) {
  if (verb.kind == PromotionKind::kRegister || !dice_.Percent(30)) return;
  if (verb.path.find("/rollouts/") != std::string::npos) return;  // They have revisions too.
  if (dice_.Percent(20)) {
    verb.if_match = 999'999;
    return;
  }
  const PlainRoute* then = &route;
  if (dice_.Percent(40)) {
    const auto at = static_cast<std::int64_t>(
        dice_.Below(static_cast<std::size_t>(rows_.revision().get()) + 1));
    const PlainRoute* earlier = rows_.RouteAt(Revision(at), verb.route);
    if (earlier != nullptr) then = earlier;
  }
  const auto row = then->versions.find(verb.id);
  const bool on_version = verb.path.find("/versions/") != std::string::npos;
  if (on_version && row == then->versions.end()) return;
  verb.if_match = (on_version ? row->second.revision : then->row.revision).get();
}

// Straight into the store, as a second server or a tool on the same file would: it does not ask
// whether our models are ready, and nobody tells us.
void SimWorld::WriteAsAnotherProcess() {
  const auto found = rows_.now().find(RouteAt(dice_.Below(kRoutes)));
  if (found == rows_.now().end()) return;
  const PlainRoute& route = *found->second;
  store::MutationContext context;
  context.actor = "outsider";
  context.request_id = fmt::format("f{}", ++next_name_);
  store::Mutation mutation;
  switch (dice_.Below(4)) {
    case 0:
      mutation = store::ActivateVersion{AnyVersion(route)};
      break;
    case 1:
      mutation = store::PromoteVersion{AnyVersion(route)};
      break;
    case 2:
      mutation = store::SetCanary{route.row.name, AnyVersion(route),
                                  *BasisPoints::From(dice_.Between(0, BasisPoints::kWhole))};
      break;
    default:
      mutation = store::RollBackRoute{route.row.name};
      break;
  }
  const Result<store::Committed> done = raw_->Apply(mutation, context);
  if (!done || !done->changed) return;
  ++faults_[SimFault::kForeignWrite];
  CommitSeen(mutation, *done, /*by_verb=*/false);
}

}  // namespace podium::testing
