#include <podium/snapshot.h>

#include <utility>

#include "embed/convert.h"
#include "embed/ports.h"
#include "embed/snapshot_table.h"

namespace podium::v1 {
namespace {

std::shared_ptr<const RouteEntry> MakeEntry(std::shared_ptr<const routing::CompiledRoute> route) {
  auto entry = std::make_shared<RouteEntry>();
  entry->versions.reserve(route->versions.size());
  for (const podium::ModelVersion& row : route->versions) entry->versions.push_back(Public(row));
  entry->route = std::move(route);
  return entry;
}

std::optional<ModelVersion> VersionAt(const RouteEntry& entry, routing::VersionIndex index) {
  if (index == routing::kNoVersion) return std::nullopt;
  return entry.versions[index];
}

}  // namespace

Snapshot::Table::Table(std::shared_ptr<const routing::RoutesPart> routes, const Table* previous,
                       std::shared_ptr<Rng> rng)
    : routes_(std::move(routes)), rng_(std::move(rng)) {
  entries_.reserve(routes_->routes().size());
  for (const auto& route : routes_->routes()) {
    std::shared_ptr<const RouteEntry>& entry = entries_[route.get()];
    if (previous != nullptr) {
      const auto kept = previous->entries_.find(route.get());
      if (kept != previous->entries_.end()) entry = kept->second;
    }
    if (entry == nullptr) entry = MakeEntry(route);
  }
}

const RouteEntry* Snapshot::Table::Find(std::string_view name) const {
  const routing::CompiledRoute* route = routes_->Find(name);
  return route == nullptr ? nullptr : entries_.find(route)->second.get();
}

Snapshot SnapshotBuilder::Build(std::shared_ptr<const routing::RoutesPart> routes,
                                const Snapshot& previous, std::shared_ptr<Rng> rng) {
  return Snapshot(std::make_shared<const Snapshot::Table>(std::move(routes), previous.table_.get(),
                                                          std::move(rng)));
}

Snapshot::Snapshot()
    : Snapshot(std::make_shared<const Table>(routing::TableCompiler({}).Compile(Generation(0)),
                                             nullptr, std::make_shared<UserRng>(nullptr))) {}
Snapshot::Snapshot(std::shared_ptr<const Table> table) : table_(std::move(table)) {}
Snapshot::Snapshot(const Snapshot&) = default;
Snapshot::Snapshot(Snapshot&&) noexcept = default;
Snapshot& Snapshot::operator=(const Snapshot&) = default;
Snapshot& Snapshot::operator=(Snapshot&&) noexcept = default;
Snapshot::~Snapshot() = default;

Result<Split> Snapshot::SplitOf(std::string_view name) const {
  const RouteEntry* entry = table_->Find(name);
  if (entry == nullptr) {
    return Refuse(Fail(podium::ErrorCode::kNotFound, "nothing of the name {} is registered", name));
  }
  const routing::CompiledRoute& route = *entry->route;
  Split split;
  split.active = VersionAt(*entry, route.primary);
  split.canary = VersionAt(*entry, route.canary);
  split.canary_weight = WeightOf(route.canary_share);
  split.salt = route.canary_salt;
  return split;
}

std::vector<std::string> Snapshot::names() const {
  std::vector<std::string> names;
  names.reserve(table_->routes().routes().size());
  for (const auto& route : table_->routes().routes()) names.push_back(route->name.get());
  return names;
}

std::uint64_t Snapshot::generation() const { return table_->routes().generation().get(); }

}  // namespace podium::v1
