#include "store/memory_model_store.h"

#include <algorithm>
#include <limits>
#include <ranges>
#include <utility>

#include "store/cursor.h"

namespace podium::store {
namespace {

bool IsVisible(const RegisteredVersion& version) { return version.stage != ModelStage::kDeleted; }

RegisteredVersion WithAliases(const RegisteredVersion& row, const AliasMap& aliases) {
  RegisteredVersion version = row;
  for (const auto& [alias, number] : aliases) {
    if (number == row.number) version.aliases.push_back(alias);
  }
  return version;
}

}  // namespace

ModelSnapshot MemoryModelStore::Read(const ModelSubject& subject) const {
  ModelSnapshot state;
  state.new_name_taken = models_.contains(subject.new_name);
  const auto found = models_.find(subject.name);
  if (found == models_.end()) return state;
  const Entry& entry = found->second;
  state.model = entry.model;
  if (!entry.versions.empty()) state.highest = entry.versions.rbegin()->first;
  if (const auto row = entry.versions.find(subject.number); row != entry.versions.end()) {
    state.version = row->second;
  }
  for (const auto& [number, row] : entry.versions) {
    if (subject.siblings == row.stage && number != subject.number) state.siblings.push_back(row);
  }
  for (const std::int64_t number : subject.numbers) {
    const auto row = entry.versions.find(number);
    if (row != entry.versions.end()) state.siblings.push_back(row->second);
  }
  return state;
}

void MemoryModelStore::Write(const ModelChanges& changes) {
  models_.erase(changes.removed);
  if (!changes.model) return;
  if (!changes.renamed.empty()) {
    auto moved = models_.extract(changes.renamed);
    moved.key() = changes.model->name;
    for (auto& [number, row] : moved.mapped().versions) {
      row.name = changes.model->name;
      row.updated_at = changes.model->updated_at;
    }
    models_.insert(std::move(moved));
  }
  Entry& entry = models_[changes.model->name];
  entry.model = *changes.model;
  for (const RegisteredVersion& row : changes.versions) {
    RegisteredVersion& kept = entry.versions[row.number];
    kept = row;
    kept.aliases.clear();
  }
}

Result<ModelCommitted> MemoryModelStore::ApplyModel(const ModelMutation& mutation,
                                                    const ModelCaller& caller) {
  const std::lock_guard lock(mutex_);
  const ModelSnapshot state = Read(SubjectOf(mutation));
  const WallTime now = clock_.Now();
  PODIUM_TRY_ASSIGN(ModelChanges changes, DecideModel(state, mutation, caller, now));
  if (changes.changed) {
    ChainHead head;
    if (!audit_.empty()) head = {audit_.back().hash, audit_.back().number};
    audit_.push_back(SealModel(state, changes, caller, head, now));
    OutboxEvent event = EventOf(changes, audit_.back(), Head());
    events_.emplace_back(std::move(event.type), std::move(event.data));
    Write(changes);
  }
  return AnswerOf(std::move(changes));
}

ModelListing MemoryModelStore::ListingOf(const Entry& entry) {
  std::map<ModelStage, std::int64_t> newest;
  for (const auto& [number, row] : entry.versions) {
    if (IsVisible(row)) newest[row.stage] = number;
  }
  ModelListing listing{entry.model, {}};
  for (const auto& [stage, number] : newest) {
    listing.latest.push_back(WithAliases(entry.versions.at(number), entry.model.aliases));
  }
  std::ranges::sort(listing.latest, {}, &RegisteredVersion::number);
  return listing;
}

Result<ModelListing> MemoryModelStore::ReadModel(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto found = models_.find(name);
  if (found == models_.end()) return Fail(NoSuchModel(name));
  return ListingOf(found->second);
}

Result<RegisteredVersion> MemoryModelStore::ReadModelVersion(const std::string& name,
                                                             std::int64_t number) {
  const std::lock_guard lock(mutex_);
  const auto model = models_.find(name);
  if (model == models_.end()) return Fail(NoSuchVersion(name, number));
  const auto row = model->second.versions.find(number);
  if (row == model->second.versions.end() || !IsVisible(row->second)) {
    return Fail(NoSuchVersion(name, number));
  }
  return WithAliases(row->second, model->second.model.aliases);
}

Result<RegisteredVersion> MemoryModelStore::ReadAlias(const std::string& name,
                                                      const std::string& alias) {
  const std::lock_guard lock(mutex_);
  const auto found = models_.find(name);
  if (found == models_.end()) return Fail(NoSuchModel(name));
  const Entry& entry = found->second;
  if (IsLatestAlias(alias)) {
    const ModelListing listing = ListingOf(entry);
    if (listing.latest.empty()) return Fail(NoSuchAlias(alias));
    return listing.latest.back();
  }
  const auto held = entry.model.aliases.find(alias);
  if (held == entry.model.aliases.end()) return Fail(NoSuchAlias(alias));
  return WithAliases(entry.versions.at(held->second), entry.model.aliases);
}

Result<Page<ModelListing>> MemoryModelStore::SearchModels(const ModelSearch& search) {
  const std::lock_guard lock(mutex_);
  PODIUM_TRY_ASSIGN(auto page,
                    PageCollector<ModelListing>::Make(
                        search.order, static_cast<std::size_t>(search.limit), search.page_token));
  for (const auto& [name, entry] : models_) {
    if (Matches(search.filter, entry.model)) page.Offer(ListingOf(entry));
  }
  return std::move(page).Finish();
}

Result<Page<RegisteredVersion>> MemoryModelStore::SearchModelVersions(const ModelSearch& search) {
  const std::lock_guard lock(mutex_);
  PODIUM_TRY_ASSIGN(auto page,
                    PageCollector<RegisteredVersion>::Make(
                        search.order, static_cast<std::size_t>(search.limit), search.page_token));
  for (const auto& [name, entry] : models_) {
    for (const auto& [number, row] : entry.versions) {
      if (!IsVisible(row) || !Matches(search.filter, row)) continue;
      page.Offer(WithAliases(row, entry.model.aliases));
    }
  }
  return std::move(page).Finish();
}

Result<Page<ModelAudit>> MemoryModelStore::ListModelAudit(const ModelAuditQuery& query) {
  PODIUM_TRY(CheckPageLimit(query.limit));
  std::int64_t before = std::numeric_limits<std::int64_t>::max();
  if (!query.cursor.empty()) {
    PODIUM_TRY_ASSIGN(before, DecodeModelAuditCursor(query.cursor));
  }
  const std::lock_guard lock(mutex_);
  Page<ModelAudit> page;
  for (const ModelAudit& row : audit_ | std::views::reverse) {
    if (row.number >= before || (!query.model.empty() && row.model != query.model)) continue;
    if (page.items.size() == static_cast<std::size_t>(query.limit)) {
      page.next_cursor = EncodeModelAuditCursor(page.items.back().number);
      break;
    }
    page.items.push_back(row);
  }
  return page;
}

std::vector<std::pair<std::string, std::string>> MemoryModelStore::events() {
  const std::lock_guard lock(mutex_);
  return events_;
}

}  // namespace podium::store
