#include "control/admin/explain_json.h"

#include <fmt/format.h>

namespace podium::control {
namespace {

using routing::kNoVersion;

Json VersionJson(const routing::CompiledRoute& route, routing::VersionIndex index) {
  if (index == kNoVersion) return {};
  const ModelVersion& version = route.At(index);
  return {{"model_id", version.model_id.get()}, {"version", version.version}};
}

Json VersionJson(const view::VersionName& name) {
  if (name.id.get().empty()) return {};
  return {{"model_id", name.id.get()}, {"version", name.version}};
}

Json BucketsJson(const Replay& replay) {
  Json runs = Json::array();
  const routing::Explanation& said = replay.explanation;
  for (std::size_t i = 0; i < said.runs.size(); ++i) {
    const routing::BucketRun& run = said.runs[i];
    runs.push_back({{"from", run.begin},
                    {"below", run.end},
                    {"reason", NameOf(run.reason)},
                    {"version", VersionJson(*replay.route, run.version)},
                    {"here", i == said.hit}});
  }
  return runs;
}

std::string SaltOf(const Replay& replay) {
  const bool canarys = replay.explanation.input.layer == routing::Layer::kCanary &&
                       !replay.route->canary_salt.empty();
  return canarys ? "canary" : "route";
}

// Text, since JSON's numbers lose what lies above 2^53.
std::string HashText(std::uint64_t hash) { return fmt::format("{:016x}", hash); }

}  // namespace

std::string WhyNoReplay(const view::RecentRequest& request) {
  if (request.reason == routing::Reason::kOverride) {
    return "the caller named the version (X-Podium-Model-Version): nothing was decided";
  }
  if (!request.unit_is_whole) {
    return fmt::format(
        "of its {} only the first {} bytes were kept: use --key with the whole of it",
        NameOf(request.unit_kind), limits::kRecentTextBytes);
  }
  return "";
}

bool Agrees(const RequestAnswer& answer, const Replay& replay) {
  const routing::Decision& decision = replay.explanation.decision;
  const std::string id = decision.version == kNoVersion
                             ? std::string()
                             : replay.route->At(decision.version).model_id.get();
  return decision.bucket.fine == answer.request.fine_bucket &&
         decision.reason == answer.request.reason && id == answer.assigned.id.get();
}

Json ToJson(const Replay& replay) {
  const routing::Explanation& said = replay.explanation;
  const routing::Decision& decision = said.decision;
  Json json;
  json["route"] = replay.route->name.get();
  json["generation"] = decision.generation.get();
  json["in_force_since"] = {{"generation", replay.since.get()}, {"at", FormatUtc(replay.since_at)}};
  json["changed_by_sql"] = replay.by_sql;
  json["policy"] = NameOf(replay.route->policy);
  json["sticky_on"] = NameOf(replay.route->sticky_on);
  json["unit"] = {{"kind", NameOf(said.unit.kind)}, {"value", std::string(said.unit.value)}};
  json["assigned"] = VersionJson(*replay.route, decision.version);
  json["reason"] = NameOf(decision.reason);
  json["keyless"] = decision.keyless;
  json["propensity"] = decision.propensity;
  json["layer"] = said.input.layer == routing::Layer::kArms ? "arms" : "canary";
  json["salt_of"] = SaltOf(replay);
  json["salt"] = std::string(said.input.salt);
  json["hash"] = HashText(decision.bucket.hash);
  json["bucket"] = decision.bucket.coarse;
  json["fine_bucket"] = decision.bucket.fine;
  json["buckets"] = BucketsJson(replay);
  json["traffic_pct"] = replay.route->canary_share.percent();
  json["canary"] = VersionJson(*replay.route, replay.route->canary);
  json["canary_from_pct"] = said.canary_from ? Json(said.canary_from->percent()) : Json();
  json["faults"] = replay.faults;
  return json;
}

Json ToJson(const RequestAnswer& answer, const Replay* replay) {
  const view::RecentRequest& request = answer.request;
  Json facts;
  facts["request_id"] = request.request_id;
  facts["matches"] = answer.matches;
  facts["at"] = FormatUtc(request.at);
  facts["status"] = request.status;
  facts["route"] = request.route;
  facts["generation"] = request.generation.get();
  facts["unit"] = {{"kind", NameOf(request.unit_kind)}, {"value", request.unit}};
  facts["sticky"] = request.sticky;
  facts["fine_bucket"] = request.fine_bucket;
  facts["assigned"] = VersionJson(answer.assigned);
  facts["reason"] = NameOf(request.reason);
  facts["served"] = VersionJson(answer.served);
  facts["serve_reason"] =
      answer.served.id.get().empty() ? Json() : Json(NameOf(request.serve_reason));
  Json json;
  json["request"] = std::move(facts);
  json["agrees"] = replay == nullptr ? Json() : Json(Agrees(answer, *replay));
  json["why_no_replay"] = answer.why_no_replay.empty() ? Json() : Json(answer.why_no_replay);
  json["replay"] = replay == nullptr ? Json() : ToJson(*replay);
  return json;
}

}  // namespace podium::control
