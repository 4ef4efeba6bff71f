// Who may answer a call for a remote model, in which order, whatever state the registry is in.
//
// registry -> configured route of the tag -> default provider -> the provider named `openai`. Built
// from values and walked by a pure function: whoever sends the calls asks for the next attempt,
// makes it, and asks again with what came of it (invariant 8).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "domain/ids.h"

namespace podium::routing {

enum class ElementSource : std::uint8_t { kRegistry, kRouteConfig, kDefaultProvider, kOpenAi };
std::string_view NameOf(ElementSource source);

/// A provider, and the name that the model has there.
struct UpstreamTarget {
  std::string provider;
  std::string upstream_model;
};

/// What the registry said about the tag.
enum class RegistryAnswer : std::uint8_t {
  kVersion,    ///< A row was assigned.
  kNothing,    ///< The table is empty, or does not know the tag.
  kNoVersion,  ///< It knows the tag, and no version of it may serve.
  kBroken,     ///< It threw, failed, or gave a row that could not be read.
};

struct RegistryElement {
  RegistryAnswer answer = RegistryAnswer::kNothing;
  UpstreamTarget target;  ///< With kVersion only.
  ModelId version;        ///< With kVersion only.
};

enum class UnknownRoutes : std::uint8_t { kAllow, kDeny };

/// What configuration says, whatever the tag.
struct ChainConfig {
  std::map<std::string, UpstreamTarget, std::less<>> route_config;  ///< `routes.<tag>.default`.
  std::string default_provider;                                     ///< Empty when none is set.
  std::set<std::string, std::less<>> providers;                     ///< Those that can be called.
  UnknownRoutes unknown_routes = UnknownRoutes::kAllow;
};

struct ChainInput {
  std::string tag;    ///< What the caller asked for.
  std::string model;  ///< The model's name where neither row nor setting has one; empty: the tag.
  RegistryElement registry;
  /// Versions of the route that may answer instead, in their order (serve_chain.h).
  std::vector<RegistryElement> registry_fallbacks;
};

struct ChainElement {
  ElementSource source = ElementSource::kRegistry;
  UpstreamTarget target;
  std::optional<ModelId> version;  ///< Of a registry element: what an attempt is recorded against.
};

enum class SkipReason : std::uint8_t {
  kNotSet,           ///< There is no such row or setting.
  kRegistryBroken,   ///< The registry could not be asked.
  kUnknownProvider,  ///< It names a provider that is not configured.
  kRepeated,         ///< An earlier element is the same.
};
std::string_view NameOf(SkipReason reason);

struct SkippedElement {
  ElementSource source = ElementSource::kRegistry;
  SkipReason reason = SkipReason::kNotSet;
  std::string provider;  ///< Where one was named.
};

struct FallbackChain {
  std::string tag;
  std::vector<ChainElement> elements;  ///< In the order to try them, without repetition.
  /// With `elements`: each of the four sources once, and the registry's fallbacks.
  std::vector<SkippedElement> skipped;
  bool known =
      false;  ///< The registry or a configured route knows the tag, or it could not be asked.
  bool denied = false;  ///< Nothing knows the tag, and unknown ones are refused.
};

/// Pure.
FallbackChain BuildChain(const ChainInput& input, const ChainConfig& config);

enum class AttemptOutcome : std::uint8_t {
  kAnswered,
  kFailed,  ///< Before the first byte: another element may answer.
  kFinal,   ///< It must not be tried elsewhere: a refusal, or part of an answer has been sent.
};

struct AttemptResult {
  AttemptOutcome outcome = AttemptOutcome::kFailed;
  Error error;  ///< Unless answered.
};

enum class ChainMove : std::uint8_t { kTry, kDone, kGiveUp };

struct ChainStep {
  ChainMove move = ChainMove::kGiveUp;
  std::size_t element = 0;  ///< To try with kTry; the one that answered with kDone.
  Error error;              ///< With kGiveUp: what the caller is told.
};

/// What to do after `so_far`, the results of the elements from the first on, one each.
/// Pure. REQUIRES: so_far.size() <= chain.elements.size().
ChainStep NextAttempt(const FallbackChain& chain, std::span<const AttemptResult> so_far);

}  // namespace podium::routing
