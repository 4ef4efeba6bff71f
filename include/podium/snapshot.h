// Snapshot: the registry at one moment, and Choose, which says what version a request gets.
//
// Pin one per request (Registry::Pin) and ask it as often as needed: it never changes, whatever
// happens to the registry meanwhile. The same name, id and generation give the same version in
// every process, on every platform, here and in the server.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <podium/model_version.h>

namespace podium::v1 {

/// The ids that came with a request; empty when absent. The session decides, else the request; on a
/// route whose `sticky_on` is "user", the user before both.
struct Ids {
  std::string_view session;
  std::string_view user;
  std::string_view request;
};

enum class UnitKind : std::uint8_t { kSession, kUser, kRequest };

enum class Reason : std::uint8_t {
  kPrimary,         ///< No canary or arm took the id.
  kCanary,          ///< The canary did.
  kArm,             ///< An arm of an A/B split did.
  kOverride,        ///< The version was named.
  kNoPrimary,       ///< The name is known and has no version that may serve.
  kUnknownName,     ///< Nothing of this name is registered.
  kUnknownVersion,  ///< An override named no version of this name, or several.
};
/// "primary", "canary", …, "unknown_version".
[[gnu::visibility("default")]] std::string_view NameOf(Reason reason);

/// Versions in the order to try them, at most three.
struct Candidates {
  std::array<const ModelVersion*, 3> versions{};
  std::size_t count = 0;

  const ModelVersion* const* begin() const { return versions.data(); }
  const ModelVersion* const* end() const { return versions.data() + count; }
};

/// Which version a request gets, and all it takes to explain and replay that.
/// Pointers and views borrow from the snapshot: valid while a copy of it lives.
struct Decision {
  const ModelVersion* version = nullptr;  ///< The assigned one; null with the last three reasons.
  Reason reason = Reason::kUnknownName;
  int bucket = 0;                ///< The fine bucket in [0, 10000), see bucket.h.
  double propensity = 1.0;       ///< Probability of this assignment; 1 for an override.
  std::uint64_t generation = 0;  ///< Of the snapshot that decided.
  UnitKind unit = UnitKind::kRequest;
  bool sticky = true;  ///< False when there was no id and one was drawn for this request.
  std::array<char, 16> drawn_id{};  ///< That id, to replay the decision with; else zeros.
  std::string_view provider;        ///< As registered; "local" where none was named.
  std::string_view upstream_model;
  /// The assigned version, the primary, the primary before it: whom to run in turn when one of them
  /// cannot. An override has only the version it named; the last two reasons have none.
  Candidates candidates;

  bool canary() const { return reason == Reason::kCanary; }
};

/// How the traffic of a name is split.
struct Split {
  std::optional<ModelVersion> active;
  std::optional<ModelVersion> canary;
  double canary_weight = 0.0;  ///< 0.0 to 1.0.
  std::string salt;            ///< Of the canary layer (bucket.h); empty without a canary.
};

/// Copies are cheap and equal. Threads: any, also one object by several at once.
class [[gnu::visibility("default")]] Snapshot {
 public:
  Snapshot();  ///< Of an empty registry: every name is unknown.
  Snapshot(const Snapshot&);
  Snapshot(Snapshot&&) noexcept;
  Snapshot& operator=(const Snapshot&);
  Snapshot& operator=(Snapshot&&) noexcept;
  ~Snapshot();

  /// No lock, no allocation, no error: what cannot be assigned says why in `reason`. Without any id
  /// one is drawn from the registry's Random.
  Decision Choose(std::string_view name, const Ids& ids) const;
  /// As Choose, for a caller who names the version: `wanted` is an id or a version of this name. It
  /// is that version or none, never silently another.
  Decision ChooseVersion(std::string_view name, const Ids& ids, std::string_view wanted) const;

  /// kNotFound when nothing of this name is registered.
  Result<Split> SplitOf(std::string_view name) const;
  std::vector<std::string> names() const;
  /// Grows with every change of the registry, never decreases.
  std::uint64_t generation() const;

 private:
  friend class SnapshotBuilder;
  class [[gnu::visibility("hidden")]] Table;
  [[gnu::visibility("hidden")]] explicit Snapshot(std::shared_ptr<const Table> table);
  std::shared_ptr<const Table> table_;  // Never null, unless moved from.
};

}  // namespace podium::v1
