// GET /api/v1/routes/{route}/evaluate: what another split would have earned, by the prediction log.
#include <utility>

#include "control/admin/context.h"
#include "control/admin/evaluate_policy.h"
#include "control/admin/period.h"
#include "control/admin/prediction_json.h"
#include "control/admin/query.h"
#include "domain/off_policy_report.h"

namespace podium::control {
namespace {

constexpr double kWholePercent = 100;

/// The question, but for the policy, which takes the route's versions to be read.
Result<OffPolicyQuestion> ReadEvaluation(const AdminCall& call) {
  const net::RequestHead& head = call.exchange.head();
  PODIUM_TRY(CheckQuery(head, {"since", "until", "reward", "clip", "policy"}));
  OffPolicyQuestion question;
  question.route = std::string(call.captures.Get("route"));
  PODIUM_TRY_ASSIGN(const Period period, ReadPeriod(head, call.context.clock.Now()));
  question.since = period.since;
  question.until = period.until;
  const std::string reward = QueryText(head, "reward").value_or("success");
  const std::optional<RewardKind> kind = ParseRewardKind(reward);
  if (!kind) {
    return Fail(Error{ErrorCode::kInvalidArgument,
                      fmt::format("reward is success, score or label, not \"{}\"", reward),
                      "reward", nullptr});
  }
  question.reward = *kind;
  PODIUM_TRY_ASSIGN(const std::optional<double> clip, QueryNumber(head, "clip"));
  question.clip = clip.value_or(0);
  if (question.clip < 0) {
    return Fail(Error{ErrorCode::kInvalidArgument, "clip is a weight above 0, or 0 for none",
                      "clip", nullptr});
  }
  return question;
}

Json LeftOutJson(const LeftOut& left_out) {
  return {{"overrides", left_out.overrides},
          {"not_randomised", left_out.not_randomised},
          {"refused", left_out.refused},
          {"without_propensity", left_out.without_propensity},
          {"without_reward", left_out.without_reward},
          {"unsupported", left_out.unsupported}};
}

Json LoggedArmsJson(const std::vector<LoggedArm>& arms, const std::vector<ModelVersion>& versions) {
  Json list = Json::array();
  for (const LoggedArm& arm : arms) {
    Json json;
    json["model_id"] = arm.model_id;
    json["version"] = nullptr;
    for (const ModelVersion& version : versions) {
      if (version.model_id.get() == arm.model_id) json["version"] = version.version;
    }
    json["policy_pct"] = kWholePercent * arm.share;
    json["n"] = arm.n;
    json["mean_reward"] = arm.n > 0 ? NumberJson(arm.mean_reward) : Json();
    list.push_back(std::move(json));
  }
  return list;
}

Json EvaluationMethodJson() {
  return {{"level", 0.95},
          {"intervals", "normal, residuals added up by unit"},
          {"reward_model",
           "the mean of each version, cross-fitted in two halves by unit: the index keeps no "
           "features of a request"},
          {"left_out",
           "calls whose version chance did not draw, or that could not have drawn all "
           "versions of the policy"}};
}

Json AnswerJson(const OffPolicyAnswer& answer, const std::vector<ModelVersion>& versions) {
  const OffPolicyReport& report = answer.report;
  const LeftOut& left_out = answer.left_out;
  const auto drawn = static_cast<double>(report.n + left_out.without_propensity);
  Json json;
  json["route"] = answer.question.route;
  json["since"] = FormatUtc(answer.question.since);
  json["until"] = FormatUtc(answer.question.until);
  json["reward"] = NameOf(answer.question.reward);
  json["clip"] = answer.question.clip;
  json["versions"] = LoggedArmsJson(answer.arms, versions);
  json["n"] = report.n;
  json["units"] = report.units;
  json["logged"] = EstimateJson(report.logged);
  json["ips"] = EstimateJson(report.ips);
  json["snips"] = EstimateJson(report.snips);
  json["doubly_robust"] = EstimateJson(report.doubly_robust);
  json["direct"] = NumberJson(report.direct);
  json["ess"] = NumberJson(report.ess);
  json["max_weight"] = NumberJson(report.max_weight);
  json["clipped"] = report.clipped;
  json["share_without_propensity"] = static_cast<double>(left_out.without_propensity) / drawn;
  json["left_out"] = LeftOutJson(left_out);
  json["complete"] = answer.complete;
  json["method"] = EvaluationMethodJson();
  return json;
}

Result<Json> EvaluatedJson(const AdminContext& context, OffPolicyQuestion question,
                           const std::string& policy) {
  PODIUM_TRY_ASSIGN(const store::RouteState state,
                    context.store.ReadRoute(RouteName(question.route)));
  PODIUM_TRY_ASSIGN(question.policy, ReadPolicy(state.versions, policy));
  PODIUM_TRY_ASSIGN(const OffPolicyAnswer answer, context.evaluate(question));
  return AnswerJson(answer, state.versions);
}

AdminReply Evaluate(AdminCall& call) {
  Result<OffPolicyQuestion> question = ReadEvaluation(call);
  if (!question) co_return Fail(std::move(question).error());
  const std::string policy = QueryText(call.exchange.head(), "policy").value_or("");
  auto evaluate = RunOn(call.context.pools.reads,
                        [&] { return EvaluatedJson(call.context, *question, policy); });
  const Result<Json> json = co_await std::move(evaluate);
  if (!json) co_return Fail(json.error());
  co_return JsonResponse(*json);
}

}  // namespace

void AddEvaluateEndpoints(AdminRoutes& routes) {
  routes.Add(net::HttpMethod::kGet, "/api/v1/routes/{route}/evaluate", {Evaluate});
}

}  // namespace podium::control
