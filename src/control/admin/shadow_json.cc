#include "control/admin/shadow_json.h"

#include <array>
#include <string_view>
#include <utility>

#include "control/admin/shadow_verdict.h"

namespace podium::control {
namespace {

constexpr std::array<std::string_view, view::kShadowSheds> kShedNames = {"full", "late", "size",
                                                                         "cost"};

double Dollars(NanoUsd amount) { return static_cast<double>(amount.value) / kNanosPerUsd; }

double RateOf(BasisPoints share) {
  return share.value() / static_cast<double>(BasisPoints::kWhole);
}

bool IsTarget(const view::RouteView& route, std::size_t version) {
  if (route.shadows == nullptr) return false;
  for (const view::ShadowTarget& target : route.shadows->targets) {
    if (target.version == version) return true;
  }
  return false;
}

Json ShedJson(const view::ShadowCounts& counts) {
  Json json = Json::object();
  for (std::size_t i = 0; i < kShedNames.size(); ++i) json[kShedNames[i]] = counts.shed[i];
  return json;
}

/// What one shadow is labelled with in a scrape.
struct ShadowSeries {
  std::string route;
  std::string version;
  view::ShadowCounts counts;
};

std::vector<ShadowSeries> CollectShadows(const AdminContext& c, const view::CoreView& view) {
  std::vector<ShadowSeries> all;
  for (const view::TalliedShadow& one : c.shadows->All()) {
    const view::RouteView* route = view.Find(one.route.get());
    if (route == nullptr) continue;
    for (const ModelVersion& row : route->route->versions) {
      if (row.model_id != one.version) continue;
      all.push_back({one.route.get(), row.version, one.tally->Counts()});
    }
  }
  return all;
}

}  // namespace

Json ShadowPlanJson(const std::optional<ShadowPlan>& plan) {
  if (!plan) return {};
  Json json;
  json["rate"] = RateOf(plan->rate);
  json["daily_cost_cap_usd"] = Dollars(plan->daily_cap);
  json["tolerance"] = plan->tolerance;
  json["versions"] = Json::array();
  for (const ModelId& id : plan->versions) json["versions"].push_back(id.get());
  return json;
}

Json ChallengerPlanJson(const std::optional<ChallengerPlan>& plan) {
  if (!plan) return {};
  Json json;
  json["challenger"] = plan->challenger.get();
  json["testing"] = plan->testing;
  json["weight"] = RateOf(plan->weight);
  json["sticky"] = plan->sticky;
  json["deadline"] =
      plan->deadline.count() == 0 ? Json() : Json(fmt::format("{}ms", plan->deadline.count()));
  return json;
}

Json ShadowStandingJson(const AdminContext& c, const view::RouteView& route) {
  const routing::CompiledRoute& compiled = *route.route;
  Json json;
  json["route"] = compiled.name.get();
  json["shadow"] = ShadowPlanJson(compiled.shadow);
  json["spent_today_usd"] = Dollars(c.shadows->BudgetOf(compiled.name)->spent_today(c.clock.Now()));
  json["shadows"] = Json::array();
  for (std::size_t i = 0; i < compiled.versions.size(); ++i) {
    const ModelVersion& row = compiled.versions[i];
    if (row.status != VersionStatus::kShadow) continue;
    const view::ShadowCounts counts = c.shadows->Of(compiled.name, row.model_id)->Counts();
    Json shadow = PairsJson(counts, "the shadow");
    shadow["model_id"] = row.model_id.get();
    shadow["version"] = row.version;
    shadow["load_state"] = NameOf(route.serving[i].state);
    shadow["gets_copies"] = IsTarget(route, i);
    shadow["shed"] = counts.shed_total();
    shadow["shed_by_reason"] = ShedJson(counts);
    shadow["cost_usd"] = Dollars(counts.cost);
    json["shadows"].push_back(std::move(shadow));
  }
  json["revision"] = compiled.revision.get();
  return json;
}

Json ChallengerStandingJson(const AdminContext& c, const view::RouteView& route) {
  const routing::CompiledRoute& compiled = *route.route;
  Json json;
  json["route"] = compiled.name.get();
  json["challenger"] = ChallengerPlanJson(compiled.challenger);
  json["revision"] = compiled.revision.get();
  if (!compiled.challenger) return json;
  const auto tally = c.shadows->ChallengerOf(compiled.name, compiled.challenger->challenger);
  json["ready"] = route.challenger != nullptr && route.challenger->version != routing::kNoVersion;
  json["choices"] = Json::object();
  for (std::size_t i = 0; i < kChallengerChoices; ++i) {
    const auto choice = static_cast<ChallengerChoice>(i);
    json["choices"][NameOf(choice)] = tally->Of(choice);
  }
  json["compared"] = PairsJson(tally->pairs.Counts(), "the challenger");
  return json;
}

void WriteShadowMetrics(Exposition& out, const AdminContext& c, const view::CoreView& view) {
  if (c.shadows == nullptr) return;
  const std::vector<ShadowSeries> all = CollectShadows(c, view);
  const auto family = [&](std::string_view name, std::string_view help, auto value) {
    out.Family(name, "counter", help);
    for (const ShadowSeries& one : all) {
      out.Sample({{"route", one.route}, {"model_version", one.version}}, value(one.counts));
    }
  };
  using Counts = view::ShadowCounts;
  const auto number = [](std::uint64_t value) { return static_cast<double>(value); };
  family("podium_shadow_requests_total", "Calls of the primary that could be copied.",
         [&](const Counts& counts) { return number(counts.total_requests); });
  family("podium_shadow_sampled_total", "Of these, in the shadow's sample.",
         [&](const Counts& counts) { return number(counts.sampled_requests); });
  family("podium_shadow_errors_total", "Copies that the shadow failed on.",
         [&](const Counts& counts) { return number(counts.challenger_errors); });
  family("podium_shadow_pairs_total", "Copies of which both ends are known.",
         [&](const Counts& counts) { return number(counts.pairs); });
  family("podium_shadow_cost_usd_total", "What copies to providers have cost.",
         [](const Counts& counts) { return Dollars(counts.cost); });
  out.Family("podium_shadow_shed_total", "counter", "Copies that were thrown away, by reason.");
  for (const ShadowSeries& one : all) {
    for (std::size_t i = 0; i < kShedNames.size(); ++i) {
      out.Sample({{"route", one.route}, {"model_version", one.version}, {"reason", kShedNames[i]}},
                 number(one.counts.shed[i]));
    }
  }
  out.Family("podium_shadow_answers_total", "counter",
             "Answers that agreed with the primary's, did not, or were too large to be compared.");
  for (const ShadowSeries& one : all) {
    const auto sample = [&](std::string_view agrees, std::uint64_t count) {
      out.Sample({{"route", one.route}, {"model_version", one.version}, {"agrees", agrees}},
                 number(count));
    };
    sample("true", one.counts.agreed);
    sample("false", one.counts.disagreed);
    sample("too_large", one.counts.too_large);
  }
}

}  // namespace podium::control
