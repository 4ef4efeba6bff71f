#include <podium/router.h>

#include <optional>
#include <utility>

#include "domain/version.h"
#include "embed/convert.h"
#include "embed/foreign_call.h"
#include "routing/fallback_chain.h"

namespace podium::v1 {
namespace {

Source PublicSource(routing::ElementSource source) {
  switch (source) {
    case routing::ElementSource::kRegistry:
      return Source::kRegistry;
    case routing::ElementSource::kRouteConfig:
      return Source::kRouteConfig;
    case routing::ElementSource::kDefaultProvider:
      return Source::kDefaultProvider;
    case routing::ElementSource::kOpenAi:
      break;
  }
  return Source::kOpenAi;
}

routing::AttemptResult Ours(const Attempt& attempt) {
  const auto outcome = [&] {
    switch (attempt.outcome) {
      case AttemptOutcome::kAnswered:
        return routing::AttemptOutcome::kAnswered;
      case AttemptOutcome::kFailed:
        return routing::AttemptOutcome::kFailed;
      case AttemptOutcome::kFinal:
        break;
    }
    return routing::AttemptOutcome::kFinal;
  }();
  return {outcome, Internal(attempt.error)};
}

/// What the registry said, and the snapshot that its decision borrows from.
struct Asked {
  podium::Result<Snapshot> snapshot;
  Decision decision;
};

routing::RegistryElement ElementOf(const Asked& asked, std::string_view tag) {
  using routing::RegistryAnswer;
  if (!asked.snapshot) return {RegistryAnswer::kBroken, {}, {}};
  const Decision& decision = asked.decision;
  if (decision.reason == Reason::kUnknownName) return {RegistryAnswer::kNothing, {}, {}};
  if (decision.version == nullptr) return {RegistryAnswer::kNoVersion, {}, {}};
  const std::string_view model = decision.upstream_model.empty() ? tag : decision.upstream_model;
  return {RegistryAnswer::kVersion,
          {std::string(decision.provider), std::string(model)},
          ModelId(decision.version->id)};
}

}  // namespace

std::string_view NameOf(Source source) {
  switch (source) {
    case Source::kRegistry:
      return NameOf(routing::ElementSource::kRegistry);
    case Source::kRouteConfig:
      return NameOf(routing::ElementSource::kRouteConfig);
    case Source::kDefaultProvider:
      return NameOf(routing::ElementSource::kDefaultProvider);
    case Source::kOpenAi:
      break;
  }
  return NameOf(routing::ElementSource::kOpenAi);
}

class Router::Impl {
 public:
  Impl(Router::Registry registry, RouterOptions options)
      : registry_(std::move(registry)), options_(std::move(options)) {
    options_.providers.insert(std::string(kLocalProvider));
  }

  Asked Ask() const {
    if (!registry_) return {Fail(podium::ErrorCode::kUnavailable, "there is no registry"), {}};
    podium::Result<Result<Snapshot>> called = CallForeign("the registry", registry_);
    if (!called) return {Fail(std::move(called).error()), {}};
    if (!*called) return {Fail(Internal(called->error())), {}};
    return {std::move(**called), {}};
  }

  routing::FallbackChain ChainOf(const Asked& asked, std::string_view tag) const {
    routing::ChainInput input;
    input.tag = tag;
    input.registry = ElementOf(asked, tag);
    routing::ChainConfig config;
    for (const auto& [name, upstream] : options_.routes) {
      if (name == tag) config.route_config[name] = {upstream.provider, upstream.model};
    }
    config.default_provider = options_.default_provider;
    config.providers.insert(options_.providers.begin(), options_.providers.end());
    config.unknown_routes =
        options_.deny_unknown ? routing::UnknownRoutes::kDeny : routing::UnknownRoutes::kAllow;
    return BuildChain(input, config);
  }

  bool Knows(std::string_view provider) const {
    return options_.providers.contains(std::string(provider));
  }

 private:
  const Router::Registry registry_;
  RouterOptions options_;  // Never changed after construction.
};

namespace {

/// Asks one element and puts it on record.
Attempt Try(const routing::ChainElement& element, const Decision& decision,
            const Router::Caller& caller, std::vector<Tried>& tried) {
  Target target;
  target.source = PublicSource(element.source);
  target.upstream = {element.target.provider, element.target.upstream_model};
  target.decision = element.version ? &decision : nullptr;
  Attempt attempt = caller(target);
  tried.push_back(
      {target.source, target.upstream, element.version ? element.version->get() : "", attempt});
  return attempt;
}

/// Walks the chain to whoever answers.
Result<Answer> Walk(const routing::FallbackChain& chain, const Decision& decision,
                    const Router::Caller& caller) {
  Answer answer;
  for (const routing::SkippedElement& skipped : chain.skipped) {
    answer.skipped.push_back({PublicSource(skipped.source), std::string(NameOf(skipped.reason))});
  }
  std::vector<routing::AttemptResult> results;
  while (true) {
    const routing::ChainStep step = NextAttempt(chain, results);
    if (step.move == routing::ChainMove::kDone) return answer;
    if (step.move == routing::ChainMove::kGiveUp) {
      return Refuse(step.error);
    }
    results.push_back(Ours(Try(chain.elements[step.element], decision, caller, answer.tried)));
  }
}

}  // namespace

Router::Router(Registry registry, RouterOptions options)
    : impl_(std::make_unique<Impl>(std::move(registry), std::move(options))) {}
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;
Router::~Router() = default;

Result<Answer> Router::Call(std::string_view tag, const Ids& ids, const Caller& caller) const {
  Asked asked = impl_->Ask();
  if (asked.snapshot) asked.decision = asked.snapshot->Choose(tag, ids);
  return Walk(impl_->ChainOf(asked, tag), asked.decision, caller);
}

Result<Answer> Router::CallVersion(std::string_view tag, const Ids& ids, std::string_view wanted,
                                   const Caller& caller) const {
  using Code = podium::ErrorCode;
  Asked asked = impl_->Ask();
  if (!asked.snapshot) {
    return Refuse(std::move(asked.snapshot.error())
                      .Wrap(Code::kUnavailable,
                            "only the registry can say what the override means "
                            "and it cannot be asked"));
  }
  const Decision decision = asked.snapshot->ChooseVersion(tag, ids, wanted);
  if (decision.version == nullptr) {
    return Refuse(Fail(Code::kNotFound, "\"{}\" has no version \"{}\", or several", tag, wanted));
  }
  if (!impl_->Knows(decision.provider)) {
    return Refuse(Fail(Code::kUnavailable,
                       "version \"{}\" of \"{}\" needs the provider {}: configure it", wanted, tag,
                       decision.provider));
  }
  asked.decision = decision;
  const routing::RegistryElement element = ElementOf(asked, tag);
  Answer answer;
  const Attempt attempt = Try({routing::ElementSource::kRegistry, element.target, element.version},
                              decision, caller, answer.tried);
  if (attempt.outcome == AttemptOutcome::kAnswered) return answer;
  if (attempt.outcome == AttemptOutcome::kFinal) return tl::unexpected<Error>(attempt.error);
  return Refuse(Internal(attempt.error)
                    .Wrap(Code::kUnavailable,
                          fmt::format("version \"{}\" of \"{}\" did not answer", wanted, tag)));
}

}  // namespace podium::v1
