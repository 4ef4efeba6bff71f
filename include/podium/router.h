// Router: a call that finds somebody to answer it, whatever state the registry is in.
//
// registry -> configured route of the tag -> default provider -> the provider named "openai". An
// unknown, empty, broken or throwing registry costs the call its first element and nothing else.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <podium/snapshot.h>

namespace podium::v1 {

enum class Source : std::uint8_t { kRegistry, kRouteConfig, kDefaultProvider, kOpenAi };
/// "registry", "route_config", "default_provider", "openai".
[[gnu::visibility("default")]] std::string_view NameOf(Source source);

/// A provider, and the name that the model has there.
struct Upstream {
  std::string provider;
  std::string model;
};

struct RouterOptions {
  std::map<std::string, Upstream> routes;  ///< Configured route of a tag.
  std::string default_provider;            ///< Empty for none.
  std::set<std::string> providers;  ///< Those that can be called; this program itself always can.
  bool deny_unknown = false;        ///< A tag that nothing knows is kNotFound, not passed on.
};

/// Whom to ask. Borrows from the call: valid until the caller's function returns.
struct Target {
  Source source = Source::kRegistry;
  Upstream upstream;  ///< Provider "local": this program runs `decision->version` itself.
  const Decision* decision = nullptr;  ///< Of the registry's element; null for the others.
};

enum class AttemptOutcome : std::uint8_t {
  kAnswered,
  kFailed,  ///< Before the first byte of an answer: somebody else may answer.
  kFinal,   ///< Must not be tried elsewhere: a refusal, or part of an answer has been sent.
};

/// What came of asking one.
struct Attempt {
  AttemptOutcome outcome = AttemptOutcome::kFailed;
  Error error;  ///< Unless answered.

  static Attempt Answered() { return {AttemptOutcome::kAnswered, {}}; }
  static Attempt Failed(Error why) { return {AttemptOutcome::kFailed, std::move(why)}; }
  static Attempt Final(Error why) { return {AttemptOutcome::kFinal, std::move(why)}; }
};

/// One attempt as it is recorded: against the version that failed, not the one that answered.
struct Tried {
  Source source = Source::kRegistry;
  Upstream upstream;
  std::string version_id;  ///< Of the registry's element; else empty.
  Attempt attempt;
};

/// An element that was passed over, and why: "not_set", "registry_broken", "unknown_provider",
/// "repeated".
struct Skipped {
  Source source = Source::kRegistry;
  std::string why;
};

struct Answer {
  std::vector<Tried> tried;  ///< The last one answered.
  std::vector<Skipped> skipped;
};

/// Threads: all methods from any thread, if the functions passed in can be called so.
class [[gnu::visibility("default")]] Router {
 public:
  /// Where the registry's snapshot comes from: usually `registry.Pin()`. An error or an exception
  /// from it counts as a broken registry. It may throw anything.
  using Registry = std::function<Result<Snapshot>()>;
  /// Asks one target. Exceptions that leave it leave the call too: only its author can know whether
  /// part of an answer was sent.
  using Caller = std::function<Attempt(const Target&)>;

  Router(Registry registry, RouterOptions options);
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;
  ~Router();

  /// Tries the elements in turn until one answers. kUnavailable when all failed (the message says
  /// who was asked), kNotFound when nothing knows the tag and nobody is left to try it on, the
  /// caller's own error after kFinal.
  Result<Answer> Call(std::string_view tag, const Ids& ids, const Caller& caller) const;
  /// Only the named version (an id or a version of the tag): an override is never answered by
  /// another one. kNotFound when it does not exist, kUnavailable when the registry cannot say or
  /// its provider is not configured.
  Result<Answer> CallVersion(std::string_view tag, const Ids& ids, std::string_view wanted,
                             const Caller& caller) const;

 private:
  class [[gnu::visibility("hidden")]] Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace podium::v1
