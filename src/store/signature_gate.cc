#include "store/signature_gate.h"

#include <algorithm>
#include <utility>

#include "store/evidence_text.h"

namespace podium::store {
namespace {

const ModelVersion* FindRow(const RouteSnapshot& state, const ModelId& id) {
  const auto row = std::find_if(state.versions.begin(), state.versions.end(),
                                [&](const ModelVersion& v) { return v.model_id == id; });
  return row == state.versions.end() ? nullptr : &*row;
}

const ModelVersion* PrimaryOf(const RouteSnapshot& state) {
  const auto row =
      std::find_if(state.versions.begin(), state.versions.end(),
                   [](const ModelVersion& v) { return v.status == VersionStatus::kPrimary; });
  return row == state.versions.end() ? nullptr : &*row;
}

bool HasWeight(const Route& route, const ModelId& id) {
  return std::any_of(route.arms.begin(), route.arms.end(), [&](const RouteArm& arm) {
    return arm.model_id == id && arm.weight > BasisPoints();
  });
}

// As a canary with a share it was looked at when it got that share, against this same primary:
// nothing can be promoted past it.
bool IsLiveCanary(const RouteSnapshot& state, const ModelId& id) {
  const ModelVersion* row = FindRow(state, id);
  return row != nullptr && row->status == VersionStatus::kCanary && row->share > BasisPoints();
}

std::vector<ModelId> CandidatesOf(const RouteSnapshot& state, const Mutation& mutation) {
  std::vector<ModelId> ids;
  const auto of_arms = [&](const SetArms& verb) {
    for (const RouteArm& arm : verb.arms) {
      const bool gains = arm.weight > BasisPoints() && !HasWeight(*state.route, arm.model_id);
      if (gains) ids.push_back(arm.model_id);
    }
  };
  const auto of_canary = [&](const SetCanary& verb) {
    if (!IsLiveCanary(state, verb.id)) ids.push_back(verb.id);
  };
  const auto of_challenger = [&](const SetChallenger& verb) {
    const bool answers = verb.plan && verb.plan->testing && verb.plan->weight > BasisPoints();
    if (answers) ids.push_back(verb.plan->challenger);
  };
  const auto of_promote = [&](const PromoteVersion& verb) { ids.push_back(verb.id); };
  const auto of_activate = [&](const ActivateVersion& verb) { ids.push_back(verb.id); };
  const auto of_start = [&](const StartRollout& verb) {
    if (!IsLiveCanary(state, verb.candidate)) ids.push_back(verb.candidate);
  };
  const auto of_move = [&](const MoveRollout& verb) {
    const bool raises =
        verb.move == RolloutMove::kPromote || (verb.epoch && verb.epoch->share > BasisPoints());
    const ModelId candidate = state.named_rollout ? state.named_rollout->candidate : ModelId();
    if (raises && !IsLiveCanary(state, candidate)) ids.push_back(candidate);
  };
  const auto of_others = [](const auto&) {};
  std::visit(Overloaded{of_arms, of_canary, of_promote, of_activate, of_start, of_move,
                        of_challenger, of_others},
             mutation);
  return ids;
}

DeclaredSignature SignatureOf(const ModelVersion& row, const MutationContext& context) {
  const auto loaded = context.loaded_signatures.find(row.model_id);
  return KnownSignature(row.signature,
                        loaded == context.loaded_signatures.end() ? nullptr : &loaded->second);
}

Status Refuse(const SignatureFinding& finding, const RouteName& route,
              const MutationContext& context) {
  if (finding.fit.fit != Fit::kIncompatible) return {};
  if (!context.force) {
    return Fail(ErrorCode::kConflict,
                "version {} does not fit the callers of route {}, whose primary is {}: {}. "
                "Register one that does, or force it as a named person",
                finding.candidate.get(), route.get(), finding.primary.get(),
                fmt::join(finding.fit.differences, "; "));
  }
  if (context.named_person) return {};
  return Fail(ErrorCode::kConflict,
              "forcing version {} past its signature needs a named person, \"{}\" is none: say who "
              "you are (--as NAME, X-Podium-Actor)",
              finding.candidate.get(), context.actor);
}

}  // namespace

Result<std::vector<SignatureFinding>> CheckSignatures(const RouteSnapshot& state,
                                                      const Mutation& mutation,
                                                      const MutationContext& context) {
  std::vector<SignatureFinding> findings;
  const ModelVersion* primary = PrimaryOf(state);
  if (!state.route || primary == nullptr) return findings;
  const DeclaredSignature wanted = SignatureOf(*primary, context);
  for (const ModelId& id : CandidatesOf(state, mutation)) {
    const ModelVersion* row = FindRow(state, id);
    if (row == nullptr || row == primary) continue;
    SignatureFinding finding{id, primary->model_id,
                             CompareSignatures(SignatureOf(*row, context), wanted), false};
    PODIUM_TRY(Refuse(finding, state.route->name, context));
    finding.forced = finding.fit.fit == Fit::kIncompatible;
    findings.push_back(std::move(finding));
  }
  return findings;
}

std::string WithForced(const std::string& evidence, const std::vector<SignatureFinding>& findings) {
  Json forced = Json::array();
  for (const SignatureFinding& finding : findings) {
    if (!finding.forced) continue;
    forced.push_back({{"model_id", finding.candidate.get()},
                      {"primary", finding.primary.get()},
                      {"signature", finding.fit.differences}});
  }
  if (forced.empty()) return evidence;
  return WithMember(evidence, "forced", std::move(forced));
}

}  // namespace podium::store
