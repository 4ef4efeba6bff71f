// /api/v1/routes/{route}/shadow and /challenger: who watches a route's traffic, and who is asked
// beside its primary.
#include <charconv>
#include <cmath>
#include <utility>

#include "control/admin/artifact_checksum.h"
#include "control/admin/context.h"
#include "control/admin/fields.h"
#include "control/admin/shadow_json.h"
#include "control/admin/verbs.h"
#include "domain/names.h"

namespace podium::control {
namespace {

RouteName WatchedRoute(const AdminCall& call) {
  return RouteName(std::string(call.captures.Get("route")));
}

// 0.0 to 1.0 in steps of 0.0001.
Result<BasisPoints> ReadRate(double rate, const char* field) {
  Result<BasisPoints> share = BasisPoints::FromPercent(rate * 100.0);
  if (share) return share;
  return Fail(Error{ErrorCode::kInvalidArgument,
                    fmt::format("\"{}\" is 0.0 to 1.0 in steps of 0.0001, not {}", field, rate),
                    fmt::format("/{}", field), nullptr});
}

Result<NanoUsd> ReadCap(double dollars) {
  if (std::isfinite(dollars) && dollars >= 0 && dollars <= 1e6) {
    return NanoUsd{std::llround(dollars * static_cast<double>(kNanosPerUsd))};
  }
  return Fail(Error{ErrorCode::kInvalidArgument, "a daily cap is 0 to 1,000,000 dollars",
                    "/daily_cost_cap_usd", nullptr});
}

/// A shadow by what it is, for one that may not be registered yet.
ModelVersion ReadDescribed(const RouteName& route, Fields& fields) {
  ModelVersion row;
  row.route = route;
  row.name = fields.Text("name", limits::kMaxNameBytes);
  if (row.name.empty()) row.name = route.get();
  row.provider_key = fields.Text("provider", limits::kMaxNameBytes);
  row.upstream_model = fields.Text("upstream_model", limits::kMaxModelNameBytes);
  row.artifact_uri = fields.Text("artifact_uri", limits::kMaxUriBytes);
  row.artifact_sha256 = fields.Text("artifact_sha256", limits::kMaxNameBytes);
  row.format = fields.Text("format", limits::kMaxNameBytes);
  if (row.provider_key.empty()) row.provider_key = kLocalProvider;
  if (row.format.empty() && row.provider_key == kLocalProvider) row.format = "onnx";
  row.version = fields.Text("version", limits::kMaxNameBytes);
  if (row.version.empty()) {
    row.version = NameFrom(row.upstream_model.empty() ? row.artifact_uri : row.upstream_model);
  }
  row.status = VersionStatus::kShadow;
  return row;
}

/// One of "versions": an id, or what may have to be registered first.
struct NamedShadow {
  ModelId id;
  std::optional<ModelVersion> described;
};

Result<std::vector<NamedShadow>> ReadVersions(const RouteName& route, const Json* list) {
  std::vector<NamedShadow> named;
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    const Json& item = (*list)[i];
    const std::string place = fmt::format("/versions/{}", i);
    if (item.is_string()) {
      named.push_back({ModelId(item.get<std::string>()), std::nullopt});
      continue;
    }
    if (!item.is_object()) {
      return Fail(Error{ErrorCode::kInvalidArgument,
                        "a version is its id, or {\"provider\", \"upstream_model\"}, or "
                        "{\"artifact_uri\"}",
                        place, nullptr});
    }
    Fields fields(item);
    ModelVersion row = ReadDescribed(route, fields);
    if (Status fit = fields.Finish(); !fit) {
      return Fail(Error(fit.error()).At(place + fit.error().where));
    }
    named.push_back({{}, std::move(row)});
  }
  return named;
}

// The row that has the place which `wanted` asks for; nullopt when there is none yet.
Result<std::optional<ModelVersion>> FindPlace(store::RegistryStore& store,
                                              const ModelVersion& wanted) {
  Result<store::RouteState> state = store.ReadRoute(wanted.route);
  if (!state) {
    if (state.error().code == ErrorCode::kNotFound) return std::optional<ModelVersion>();
    return Fail(std::move(state).error());
  }
  for (ModelVersion& row : state->versions) {
    if (row.name == wanted.name && row.version == wanted.version) return std::move(row);
  }
  return std::optional<ModelVersion>();
}

// D2: registered once, however often it is named; a row that is there stays as it is.
Task<Result<ModelId>> Registered(AdminCall& call, ModelVersion wanted) {
  const AdminContext& c = call.context;
  for (int turn = 0; turn < 2; ++turn) {
    auto look = RunOn(c.pools.reads, [&] { return FindPlace(c.store, wanted); });
    Result<std::optional<ModelVersion>> found = co_await std::move(look);
    if (!found) co_return Fail(std::move(found).error());
    if (*found) co_return (*found)->model_id;
    auto fix = FixChecksum(c, wanted);
    if (Status fixed = co_await std::move(fix); !fixed) co_return Fail(std::move(fixed).error());
    Result<store::MutationContext> context = ContextOf(call, "named as a shadow", false);
    if (!context) co_return Fail(std::move(context).error());
    context->if_match.reset();  // It is about the route.
    auto carry_out = CarryOutAs(c, store::RegisterVersion{wanted}, std::move(*context));
    Result<VerbOutcome> outcome = co_await std::move(carry_out);
    if (outcome) co_return outcome->committed.version->model_id;
    // Somebody else was quicker: their row is looked up.
    if (outcome.error().code != ErrorCode::kConflict) co_return Fail(std::move(outcome).error());
  }
  co_return Fail(ErrorCode::kConflict,
                 "version {} of route {} is registered and deleted by others at the same time: try "
                 "again",
                 wanted.version, wanted.route.get());
}

// {"rate", "daily_cost_cap_usd", "tolerance", "versions"}, and why.
AdminReply SetShadow(AdminCall& call) {
  Fields fields(call.body);
  const std::optional<double> rate = fields.Number("rate");
  if (!rate) fields.Complain("rate", "\"rate\" is required, 0.0 to 1.0");
  const std::optional<double> cap = fields.Number("daily_cost_cap_usd");
  const std::optional<double> tolerance = fields.Number("tolerance");
  const Json* list = fields.Array("versions");
  std::string reason = fields.Text("reason", limits::kMaxReasonBytes);
  if (Status fit = fields.Finish(); !fit) co_return Fail(std::move(fit).error());
  ShadowPlan plan;
  const Result<BasisPoints> share = ReadRate(*rate, "rate");
  if (!share) co_return Fail(share.error());
  plan.rate = *share;
  if (cap) {
    const Result<NanoUsd> amount = ReadCap(*cap);
    if (!amount) co_return Fail(amount.error());
    plan.daily_cap = *amount;
  }
  if (tolerance) plan.tolerance = *tolerance;
  Result<std::vector<NamedShadow>> named = ReadVersions(WatchedRoute(call), list);
  if (!named) co_return Fail(std::move(named).error());
  for (NamedShadow& one : *named) {
    if (one.described) {
      auto register_it = Registered(call, std::move(*one.described));
      Result<ModelId> id = co_await std::move(register_it);
      if (!id) co_return Fail(std::move(id).error());
      one.id = *std::move(id);
    }
    plan.versions.push_back(std::move(one.id));
  }
  auto verb =
      CarryOut(call, store::SetShadow{WatchedRoute(call), std::move(plan)}, std::move(reason));
  Result<VerbOutcome> outcome = co_await std::move(verb);
  if (!outcome) co_return Fail(std::move(outcome).error());
  co_return VerbResponse(call, *outcome);
}

AdminReply EndShadow(AdminCall& call) {
  return CarryOutPlain(call, store::SetShadow{WatchedRoute(call), std::nullopt});
}

Result<std::chrono::milliseconds> ReadDeadline(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const bool known = failed == std::errc() && number >= 0 && number <= 600'000;
  if (text.empty()) return std::chrono::milliseconds(0);
  if (known && unit == "ms") return std::chrono::milliseconds(number);
  if (known && unit == "s") return std::chrono::milliseconds(std::chrono::seconds(number));
  return Fail(Error{ErrorCode::kInvalidArgument,
                    fmt::format("\"{}\" is no deadline: write it as \"200ms\" or \"2s\"", text),
                    "/deadline", nullptr});
}

// {"challenger", "testing", "weight", "sticky", "deadline"}, and why.
AdminReply SetChallenger(AdminCall& call) {
  Fields fields(call.body);
  ChallengerPlan plan;
  plan.challenger = ModelId(fields.RequiredText("challenger", limits::kMaxNameBytes));
  if (fields.Value("testing") == nullptr) {
    fields.Complain("testing",
                    "\"testing\" is required: true, or false to keep it loaded uncalled");
  }
  plan.testing = fields.Flag("testing");
  const std::optional<double> weight = fields.Number("weight");
  plan.sticky = fields.Flag("sticky");
  const std::string deadline = fields.Text("deadline", limits::kMaxNameBytes);
  std::string reason = fields.Text("reason", limits::kMaxReasonBytes);
  const bool force = fields.Flag("force");
  if (Status fit = fields.Finish(); !fit) co_return Fail(std::move(fit).error());
  if (weight) {
    const Result<BasisPoints> share = ReadRate(*weight, "weight");
    if (!share) co_return Fail(share.error());
    plan.weight = *share;
  }
  const Result<std::chrono::milliseconds> patience = ReadDeadline(deadline);
  if (!patience) co_return Fail(patience.error());
  plan.deadline = *patience;
  auto verb = CarryOut(call, store::SetChallenger{WatchedRoute(call), std::move(plan)},
                       std::move(reason), force);
  Result<VerbOutcome> outcome = co_await std::move(verb);
  if (!outcome) co_return Fail(std::move(outcome).error());
  co_return VerbResponse(call, *outcome);
}

AdminReply EndChallenger(AdminCall& call) {
  return CarryOutPlain(call, store::SetChallenger{WatchedRoute(call), std::nullopt});
}

using Show = Json (*)(const AdminContext&, const view::RouteView&);

AdminReply ShowWatched(AdminCall& call, Show show) {
  const view::PublishState state = call.context.publisher.state();
  const view::RouteView* route = state.view->Find(WatchedRoute(call).get());
  if (route == nullptr) {
    co_return Fail(ErrorCode::kNotFound, "there is no route {}", WatchedRoute(call).get());
  }
  net::Response response = JsonResponse(show(call.context, *route));
  response.headers.Add("ETag", fmt::format("\"{}\"", route->route->revision.get()));
  co_return response;
}

AdminReply GetShadow(AdminCall& call) { return ShowWatched(call, ShadowStandingJson); }
AdminReply GetChallenger(AdminCall& call) { return ShowWatched(call, ChallengerStandingJson); }

}  // namespace

void AddShadowEndpoints(AdminRoutes& routes) {
  using enum net::HttpMethod;
  constexpr auto kAdmin = Endpoint::Access::kAdmin;
  constexpr auto kJson = Endpoint::Body::kJson;
  routes.Add(kGet, "/api/v1/routes/{route}/shadow", {GetShadow});
  routes.Add(kPut, "/api/v1/routes/{route}/shadow", {SetShadow, kAdmin, kJson});
  routes.Add(kDelete, "/api/v1/routes/{route}/shadow", {EndShadow, kAdmin, kJson});
  routes.Add(kGet, "/api/v1/routes/{route}/challenger", {GetChallenger});
  routes.Add(kPut, "/api/v1/routes/{route}/challenger", {SetChallenger, kAdmin, kJson});
  routes.Add(kDelete, "/api/v1/routes/{route}/challenger", {EndChallenger, kAdmin, kJson});
}

}  // namespace podium::control
