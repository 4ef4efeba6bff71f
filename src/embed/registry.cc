#include <podium/registry.h>

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "base/limits.h"
#include "domain/names.h"
#include "embed/convert.h"
#include "embed/foreign_call.h"
#include "embed/ports.h"
#include "embed/table_follower.h"
#include "store/memory_store.h"
#include "store/sqlite_store.h"

namespace podium::v1 {
namespace {

// A program reads by Pin; the table itself is read now and then.
constexpr int kReaders = 2;

RouteName RouteOf(std::string_view name) { return RouteName(std::string(name)); }
ModelId IdOf(std::string_view id) { return ModelId(std::string(id)); }

/// Oldest first, whatever route a version is on.
void SortByAge(std::vector<podium::ModelVersion>& rows) {
  std::sort(rows.begin(), rows.end(), [](const auto& one, const auto& other) {
    return std::tie(one.created_at, one.model_id) < std::tie(other.created_at, other.model_id);
  });
}

}  // namespace

/// The store, what follows it, and the ports that both use. Shared with the looks that executors
/// still hold.
class Registry::Impl {
 public:
  explicit Impl(RegistryOptions options)
      : options_(std::move(options)),
        clock_(options_.clock),
        rng_(std::make_shared<UserRng>(options_.random)) {}

  podium::Status OpenMemory() {
    store_ = std::make_unique<store::MemoryStore>(clock_, *rng_);
    return Follow();
  }

  podium::Status OpenFile(const std::string& path) {
    store::SqliteOptions sqlite;
    sqlite.readers = kReaders;
    PODIUM_TRY_ASSIGN(store_, store::SqliteStore::Open(path, clock_, *rng_, sqlite));
    return Follow();
  }

  /// The mutation, and snapshots that show it. What is committed stands: when it cannot be read
  /// back the health says so, and the next look brings it.
  podium::Result<store::Committed> Apply(const store::Mutation& mutation, std::string_view reason) {
    PODIUM_TRY(CheckText("reason", reason, limits::kMaxReasonBytes));
    store::MutationContext context;
    context.actor = options_.actor;
    context.origin = "library";
    context.reason = reason;
    PODIUM_TRY_ASSIGN(store::Committed committed, store_->Apply(mutation, context));
    static_cast<void>(follower_->Refresh());
    return committed;
  }

  /// As Apply, for verbs about one version.
  Result<ModelVersion> Change(const store::Mutation& mutation, std::string_view reason) {
    podium::Result<store::Committed> done = Apply(mutation, reason);
    if (!done) return Refuse(done.error());
    return Public(done->version.value());
  }

  /// All versions that the query asks for, page by page.
  podium::Result<std::vector<podium::ModelVersion>> ReadAll(store::VersionQuery query) {
    query.limit = limits::kPageMax;
    std::vector<podium::ModelVersion> rows;
    do {
      PODIUM_TRY_ASSIGN(store::Page<podium::ModelVersion> page, store_->ListVersions(query));
      std::move(page.items.begin(), page.items.end(), std::back_inserter(rows));
      query.cursor = std::move(page.next_cursor);
    } while (!query.cursor.empty());
    return rows;
  }

  podium::Status Refresh() { return follower_->Refresh(); }

  store::RegistryStore& store() { return *store_; }
  TableFollower& follower() { return *follower_; }
  const RegistryOptions& options() const { return options_; }

 private:
  podium::Status Follow() {
    PODIUM_TRY(CheckText("actor", options_.actor, limits::kMaxNameBytes));
    follower_.emplace(*store_, clock_, rng_, options_.providers);
    return follower_->Refresh();
  }

  const RegistryOptions options_;
  const UserClock clock_;
  const std::shared_ptr<Rng> rng_;
  std::unique_ptr<store::RegistryStore> store_;
  std::optional<TableFollower> follower_;  // Set by Follow, once.
};

namespace {

/// A look at the table that some executor owes. Given back when the work was done or dropped.
template <typename Impl>
class OwedLook {
 public:
  explicit OwedLook(const std::shared_ptr<Impl>& registry) : registry_(registry) {}
  OwedLook(const OwedLook&) = delete;
  OwedLook& operator=(const OwedLook&) = delete;
  ~OwedLook() {
    if (const std::shared_ptr<Impl> registry = registry_.lock()) registry->follower().ReleaseLook();
  }

  void Do() const {
    // An error is in the health; there is nobody here to tell.
    if (const auto registry = registry_.lock()) static_cast<void>(registry->Refresh());
  }

 private:
  const std::weak_ptr<Impl> registry_;  // Weak: the executor may outlive the registry.
};

}  // namespace

Result<Registry> Registry::InMemory(RegistryOptions options) {
  auto impl = std::make_shared<Impl>(std::move(options));
  if (const podium::Status opened = impl->OpenMemory(); !opened) {
    return Refuse(opened.error());
  }
  return Registry(std::move(impl));
}

Result<Registry> Registry::Open(const std::string& path, RegistryOptions options) {
  auto impl = std::make_shared<Impl>(std::move(options));
  if (const podium::Status opened = impl->OpenFile(path); !opened) {
    return Refuse(opened.error());
  }
  return Registry(std::move(impl));
}

Registry::Registry(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Registry::Registry(Registry&&) noexcept = default;
Registry& Registry::operator=(Registry&&) noexcept = default;
Registry::~Registry() = default;

Result<ModelVersion> Registry::Register(const NewVersion& version) {
  return impl_->Change(store::RegisterVersion{RowOf(version)}, {});
}

Result<ModelVersion> Registry::RegisterShadow(const NewVersion& version) {
  podium::ModelVersion row = RowOf(version);
  row.status = VersionStatus::kShadow;
  Result<ModelVersion> made = impl_->Change(store::RegisterVersion{row}, {});
  if (made || made.error().code != ErrorCode::kConflict) return made;
  store::VersionQuery query;
  query.route = row.route;
  query.name = row.name;
  const podium::Result<std::vector<podium::ModelVersion>> rows = impl_->ReadAll(std::move(query));
  if (!rows) return Refuse(rows.error());
  for (const podium::ModelVersion& there : *rows) {
    const bool same_id = row.model_id.get().empty() || there.model_id == row.model_id;
    if (there.version == row.version && same_id) return Public(there);
  }
  return made;  // Its id is another version's, or a deleted one's.
}

Result<ModelVersion> Registry::Get(std::string_view id) const {
  const podium::Result<podium::ModelVersion> row = impl_->store().FindVersion(IdOf(id));
  if (!row) return Refuse(row.error());
  return Public(*row);
}

Result<std::vector<ModelVersion>> Registry::List(std::string_view name) const {
  store::VersionQuery query;
  query.name = name;
  podium::Result<std::vector<podium::ModelVersion>> rows = impl_->ReadAll(std::move(query));
  if (!rows) return Refuse(rows.error());
  SortByAge(*rows);
  std::vector<ModelVersion> versions;
  versions.reserve(rows->size());
  for (const podium::ModelVersion& row : *rows) versions.push_back(Public(row));
  return versions;
}

Result<ModelVersion> Registry::GetActive(std::string_view name) const {
  store::VersionQuery query;
  query.name = name;
  query.status = VersionStatus::kPrimary;
  const podium::Result<std::vector<podium::ModelVersion>> rows = impl_->ReadAll(std::move(query));
  if (!rows) return Refuse(rows.error());
  if (rows->empty()) {
    return Refuse(
        Fail(podium::ErrorCode::kNotFound, "no version of {} is active: activate one", name));
  }
  // A server may have placed the name on routes of other names too.
  const auto own = std::find_if(rows->begin(), rows->end(),
                                [&](const auto& row) { return row.route.get() == name; });
  return Public(own == rows->end() ? rows->front() : *own);
}

Result<ModelVersion> Registry::Activate(std::string_view id, std::string_view reason) {
  return impl_->Change(store::ActivateVersion{IdOf(id)}, reason);
}

Result<ModelVersion> Registry::Retire(std::string_view id, std::string_view reason) {
  return impl_->Change(store::RetireVersion{IdOf(id)}, reason);
}

Status Registry::Delete(std::string_view id, std::string_view reason) {
  const auto done = impl_->Apply(store::DeleteVersion{IdOf(id), /*allow_live=*/true}, reason);
  if (!done) return Refuse(done.error());
  return {};
}

Result<ModelVersion> Registry::SetCanary(std::string_view name, std::string_view id, double weight,
                                         std::string_view reason) {
  const podium::Result<BasisPoints> share = ShareOf(weight);
  if (!share) return Refuse(share.error());
  return impl_->Change(store::SetCanary{RouteOf(name), IdOf(id), *share}, reason);
}

Result<ModelVersion> Registry::EndCanary(std::string_view name, std::string_view reason) {
  return impl_->Change(store::EndCanary{RouteOf(name)}, reason);
}

Result<ModelVersion> Registry::Promote(std::string_view id, std::string_view reason) {
  return impl_->Change(store::PromoteVersion{IdOf(id)}, reason);
}

Result<ModelVersion> Registry::RollBack(std::string_view name, std::string_view reason) {
  return impl_->Change(store::RollBackRoute{RouteOf(name)}, reason);
}

Status Registry::SetArms(std::string_view name, const std::vector<Arm>& arms,
                         std::string_view reason) {
  store::SetArms verb{RouteOf(name), {}};
  for (const Arm& arm : arms) {
    const podium::Result<BasisPoints> share = ShareOf(arm.weight);
    if (!share) return Refuse(share.error());
    verb.arms.push_back({IdOf(arm.id), 0, *share});
  }
  const auto done = impl_->Apply(verb, reason);
  if (!done) return Refuse(done.error());
  return {};
}

Result<std::vector<AuditEntry>> Registry::History(std::string_view name, int limit) const {
  store::PromotionQuery query;
  query.route = RouteOf(name);
  query.limit = limit;
  const auto page = impl_->store().ListPromotions(query);
  if (!page) return Refuse(page.error());
  std::vector<AuditEntry> entries;
  entries.reserve(page->items.size());
  for (const Promotion& row : page->items) entries.push_back(Public(row));
  return entries;
}

Snapshot Registry::Pin() const {
  const RegistryOptions& options = impl_->options();
  if (options.executor && impl_->follower().ClaimLook(options.cache_ttl)) {
    auto look = std::make_shared<OwedLook<Impl>>(impl_);
    const podium::Status posted =
        CallForeign("the executor", [&] { options.executor([look] { look->Do(); }); });
    if (!posted) impl_->follower().NoteTrouble(posted.error());
  }
  return impl_->follower().Current();
}

Status Registry::Refresh() { return PublicResult<void>(impl_->Refresh()); }

Health Registry::health() const { return impl_->follower().health(); }

}  // namespace podium::v1
