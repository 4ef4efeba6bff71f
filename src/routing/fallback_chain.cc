#include "routing/fallback_chain.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/result.h"

namespace podium::routing {
namespace {

constexpr std::string_view kLastResort = "openai";
/// The version assigned, and what stands behind it.
constexpr std::size_t kUsualElements = 4;

/// Takes the sources in order and keeps what can be tried.
class ChainBuilder {
 public:
  ChainBuilder(std::string_view tag, const ChainConfig& config) : config_(config) {
    chain_.tag = tag;
    chain_.elements.reserve(kUsualElements);
    chain_.skipped.reserve(kUsualElements);
  }

  void Offer(ElementSource source, UpstreamTarget target, std::optional<ModelId> version = {}) {
    if (target.provider.empty()) {
      Skip(source, SkipReason::kNotSet);
    } else if (!config_.providers.contains(target.provider)) {
      Skip(source, SkipReason::kUnknownProvider, target.provider);
    } else if (Has(target)) {
      Skip(source, SkipReason::kRepeated, target.provider);
    } else {
      chain_.elements.push_back({source, std::move(target), std::move(version)});
    }
  }

  void Skip(ElementSource source, SkipReason reason, std::string provider = {}) {
    chain_.skipped.push_back({source, reason, std::move(provider)});
  }

  void OfferRow(const RegistryElement& row) {
    // A row that names no provider is as unknown as one that names a wrong one.
    if (row.target.provider.empty()) {
      Skip(ElementSource::kRegistry, SkipReason::kUnknownProvider);
    } else {
      Offer(ElementSource::kRegistry, row.target, row.version);
    }
  }

  FallbackChain Take() && { return std::move(chain_); }

 private:
  bool Has(const UpstreamTarget& target) const {
    return std::any_of(chain_.elements.begin(), chain_.elements.end(),
                       [&](const ChainElement& each) {
                         return each.target.provider == target.provider &&
                                each.target.upstream_model == target.upstream_model;
                       });
  }

  const ChainConfig& config_;
  FallbackChain chain_;
};

Error Make(ErrorCode code, std::string message) { return {code, std::move(message), "", nullptr}; }

Error NobodyToAsk(const FallbackChain& chain) {
  if (chain.denied) {
    return Make(ErrorCode::kNotFound,
                fmt::format("nothing is called \"{}\", and unknown routes are denied", chain.tag));
  }
  if (!chain.known) {
    return Make(ErrorCode::kNotFound,
                fmt::format("nothing is called \"{}\", and no provider is configured to try it on",
                            chain.tag));
  }
  return Make(
      ErrorCode::kUnavailable,
      fmt::format("no provider of \"{}\" is configured: configure one of its chain", chain.tag));
}

Error AllFailed(const FallbackChain& chain, const AttemptResult& last) {
  std::string tried;
  for (const ChainElement& element : chain.elements) {
    if (!tried.empty()) tried += ", ";
    tried += element.target.provider;
  }
  return Error(last.error)
      .Wrap(ErrorCode::kUnavailable,
            fmt::format("nobody answered for \"{}\" (tried {})", chain.tag, tried));
}

}  // namespace

std::string_view NameOf(ElementSource source) {
  switch (source) {
    case ElementSource::kRegistry:
      return "registry";
    case ElementSource::kRouteConfig:
      return "route_config";
    case ElementSource::kDefaultProvider:
      return "default_provider";
    case ElementSource::kOpenAi:
      return "openai";
  }
  return "registry";
}

std::string_view NameOf(SkipReason reason) {
  switch (reason) {
    case SkipReason::kNotSet:
      return "not_set";
    case SkipReason::kRegistryBroken:
      return "registry_broken";
    case SkipReason::kUnknownProvider:
      return "unknown_provider";
    case SkipReason::kRepeated:
      return "repeated";
  }
  return "not_set";
}

FallbackChain BuildChain(const ChainInput& input, const ChainConfig& config) {
  ChainBuilder builder(input.tag, config);
  const RegistryElement& registry = input.registry;
  switch (registry.answer) {
    case RegistryAnswer::kVersion:
      builder.OfferRow(registry);
      break;
    case RegistryAnswer::kNothing:
    case RegistryAnswer::kNoVersion:
      builder.Skip(ElementSource::kRegistry, SkipReason::kNotSet);
      break;
    case RegistryAnswer::kBroken:
      builder.Skip(ElementSource::kRegistry, SkipReason::kRegistryBroken);
      break;
  }
  for (const RegistryElement& row : input.registry_fallbacks) builder.OfferRow(row);

  const auto configured = config.route_config.find(input.tag);
  const bool has_config = configured != config.route_config.end();
  builder.Offer(ElementSource::kRouteConfig, has_config ? configured->second : UpstreamTarget{});
  const std::string& model = input.model.empty() ? input.tag : input.model;
  builder.Offer(ElementSource::kDefaultProvider, {config.default_provider, model});
  builder.Offer(ElementSource::kOpenAi, {std::string(kLastResort), model});

  FallbackChain chain = std::move(builder).Take();
  // A registry that cannot be asked may well know the tag: its trouble must not become a 404.
  chain.known = has_config || registry.answer != RegistryAnswer::kNothing;
  chain.denied = !chain.known && config.unknown_routes == UnknownRoutes::kDeny;
  if (chain.denied) chain.elements.clear();
  return chain;
}

ChainStep NextAttempt(const FallbackChain& chain, std::span<const AttemptResult> so_far) {
  PODIUM_ASSERT(so_far.size() <= chain.elements.size());
  if (chain.elements.empty()) return {ChainMove::kGiveUp, 0, NobodyToAsk(chain)};
  if (so_far.empty()) return {ChainMove::kTry, 0, {}};
  const AttemptResult& last = so_far.back();
  switch (last.outcome) {
    case AttemptOutcome::kAnswered:
      return {ChainMove::kDone, so_far.size() - 1, {}};
    case AttemptOutcome::kFinal:
      return {ChainMove::kGiveUp, so_far.size() - 1, last.error};
    case AttemptOutcome::kFailed:
      break;
  }
  if (so_far.size() < chain.elements.size()) return {ChainMove::kTry, so_far.size(), {}};
  return {ChainMove::kGiveUp, so_far.size() - 1, AllFailed(chain, last)};
}

}  // namespace podium::routing
