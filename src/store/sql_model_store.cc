// SqlStore as a ModelStore.
#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/cursor.h"
#include "store/sql_model_audit.h"
#include "store/sql_models.h"
#include "store/sql_rows.h"
#include "store/sql_store.h"

namespace podium::store {
namespace {

using Kind = Transaction::Kind;

void AddAliases(RegisteredVersion& version, const AliasMap& aliases) {
  for (const auto& [alias, number] : aliases) {
    if (number == version.number) version.aliases.push_back(alias);
  }
}

/// Of a model with its aliases.
Result<ModelListing> Listing(SqlConnection& connection, RegisteredModel model) {
  ModelListing listing;
  PODIUM_TRY_ASSIGN(listing.latest, ReadLatest(connection, model.name));
  for (RegisteredVersion& version : listing.latest) AddAliases(version, model.aliases);
  listing.model = std::move(model);
  return listing;
}

Result<ModelListing> ReadListing(SqlConnection& connection, const std::string& name) {
  PODIUM_TRY_ASSIGN(const Transaction view, Transaction::Begin(connection, Kind::kRead));
  PODIUM_TRY_ASSIGN(std::optional<RegisteredModel> model, ReadModelRow(connection, name));
  if (!model) return Fail(NoSuchModel(name));
  PODIUM_TRY_ASSIGN(model->aliases, ReadAliases(connection, name));
  return Listing(connection, std::move(*model));
}

Result<RegisteredVersion> ReadVisible(SqlConnection& connection, const std::string& name,
                                      std::int64_t number) {
  PODIUM_TRY_ASSIGN(std::optional<RegisteredVersion> version,
                    ReadModelVersionRow(connection, name, number));
  if (!version || version->stage == ModelStage::kDeleted) return Fail(NoSuchVersion(name, number));
  PODIUM_TRY_ASSIGN(const AliasMap aliases, ReadAliases(connection, name));
  AddAliases(*version, aliases);
  return std::move(*version);
}

Result<RegisteredVersion> ReadNamed(SqlConnection& connection, const std::string& name,
                                    const std::string& alias) {
  PODIUM_TRY_ASSIGN(const Transaction view, Transaction::Begin(connection, Kind::kRead));
  PODIUM_TRY_ASSIGN(const auto model, ReadModelRow(connection, name));
  if (!model) return Fail(NoSuchModel(name));
  if (IsLatestAlias(alias)) {
    PODIUM_TRY_ASSIGN(const std::vector<RegisteredVersion> latest, ReadLatest(connection, name));
    if (latest.empty()) return Fail(NoSuchAlias(alias));
    return ReadVisible(connection, name, latest.back().number);
  }
  PODIUM_TRY_ASSIGN(const AliasMap aliases, ReadAliases(connection, name));
  const auto held = aliases.find(alias);
  if (held == aliases.end()) return Fail(NoSuchAlias(alias));
  return ReadVisible(connection, name, held->second);
}

template <typename Row>
Result<std::map<std::string, AliasMap>> AliasesOf(SqlConnection& connection,
                                                  const std::vector<Row>& rows) {
  std::vector<std::string> names;
  for (const Row& row : rows) {
    if (names.empty() || names.back() != row.name) names.push_back(row.name);
  }
  return ReadAliasesOfAll(connection, names);
}

// Rows come by name: in that order a full page is the right one.
bool IsByName(const ListOrder& order) {
  return order.front() == OrderTerm{OrderField::kName, false};
}

Result<Page<ModelListing>> FindModels(SqlConnection& connection, const ModelSearch& search) {
  PODIUM_TRY_ASSIGN(auto page,
                    PageCollector<RegisteredModel>::Make(
                        search.order, static_cast<std::size_t>(search.limit), search.page_token));
  PODIUM_TRY_ASSIGN(const Transaction view, Transaction::Begin(connection, Kind::kRead));
  const bool by_name = IsByName(search.order);
  if (const auto name = PinnedBy(search.filter, FilterField::kName)) {
    PODIUM_TRY_ASSIGN(std::optional<RegisteredModel> model, ReadModelRow(connection, *name));
    if (model && Matches(search.filter, *model)) page.Offer(std::move(*model));
  } else {
    ModelPlace place;
    if (by_name && page.after() != nullptr) place.name = page.after()->name;
    for (bool more = true; more && !(by_name && page.full());) {
      std::vector<RegisteredModel> rows;
      PODIUM_TRY_ASSIGN(more, ReadModelsAfter(connection, place, rows));
      for (RegisteredModel& row : rows) {
        if (Matches(search.filter, row)) page.Offer(std::move(row));
      }
    }
  }
  Page<RegisteredModel> found = std::move(page).Finish();
  Page<ModelListing> listings;
  listings.next_cursor = std::move(found.next_cursor);
  PODIUM_TRY_ASSIGN(auto aliases, AliasesOf(connection, found.items));
  for (RegisteredModel& model : found.items) {
    model.aliases = std::move(aliases[model.name]);
    PODIUM_TRY_ASSIGN(ModelListing listing, Listing(connection, std::move(model)));
    listings.items.push_back(std::move(listing));
  }
  return listings;
}

Result<Page<RegisteredVersion>> FindVersions(SqlConnection& connection, const ModelSearch& search) {
  PODIUM_TRY_ASSIGN(auto page,
                    PageCollector<RegisteredVersion>::Make(
                        search.order, static_cast<std::size_t>(search.limit), search.page_token));
  PODIUM_TRY_ASSIGN(const Transaction view, Transaction::Begin(connection, Kind::kRead));
  ModelPlace place;
  for (bool more = true; more;) {
    std::vector<RegisteredVersion> rows;
    PODIUM_TRY_ASSIGN(more, ReadModelVersionsAfter(connection, search.filter, place, rows));
    for (RegisteredVersion& row : rows) {
      if (Matches(search.filter, row)) page.Offer(std::move(row));
    }
  }
  Page<RegisteredVersion> found = std::move(page).Finish();
  PODIUM_TRY_ASSIGN(auto aliases, AliasesOf(connection, found.items));
  for (RegisteredVersion& version : found.items) AddAliases(version, aliases[version.name]);
  return found;
}

}  // namespace

Result<ModelCommitted> SqlStore::ApplyModel(const ModelMutation& mutation,
                                            const ModelCaller& caller) {
  ModelChanges changes;
  ModelAudit audit;
  Writing writing;
  // With the registry's own changes: their events stand in one order.
  writing.turn = WriteTurn::kRegistry;
  writing.work = [&](SqlConnection& connection) -> Result<bool> {
    PODIUM_TRY_ASSIGN(const Head head, ReadHead(connection));
    PODIUM_TRY_ASSIGN(const ModelSnapshot state,
                      ReadModelSnapshot(connection, SubjectOf(mutation)));
    PODIUM_TRY_ASSIGN(WallTime now, Now(connection));
    now = std::max(now, head.at);
    PODIUM_TRY_ASSIGN(changes, DecideModel(state, mutation, caller, now));
    if (!changes.changed) return false;
    PODIUM_TRY_ASSIGN(const ChainHead chain, ReadModelAuditHead(connection));
    audit = SealModel(state, changes, caller, chain, now);
    PODIUM_TRY(WriteModelChanges(connection, changes));
    PODIUM_TRY(WriteModelAudit(connection, audit));
    PODIUM_TRY(WriteEvent(connection, EventOf(changes, audit, head)));
    return true;
  };
  writing.is_there = [&](SqlConnection& connection) { return HasModelAudit(connection, audit); };
  PODIUM_TRY(Write(writing));
  return AnswerOf(std::move(changes));
}

Result<ModelListing> SqlStore::ReadModel(const std::string& name) {
  return ReadValue<ModelListing>(
      [&name](SqlConnection& connection) { return ReadListing(connection, name); });
}

Result<RegisteredVersion> SqlStore::ReadModelVersion(const std::string& name, std::int64_t number) {
  return ReadValue<RegisteredVersion>(
      [&name, number](SqlConnection& connection) -> Result<RegisteredVersion> {
        PODIUM_TRY_ASSIGN(const Transaction view, Transaction::Begin(connection, Kind::kRead));
        return ReadVisible(connection, name, number);
      });
}

Result<RegisteredVersion> SqlStore::ReadAlias(const std::string& name, const std::string& alias) {
  return ReadValue<RegisteredVersion>(
      [&](SqlConnection& connection) { return ReadNamed(connection, name, alias); });
}

Result<Page<ModelListing>> SqlStore::SearchModels(const ModelSearch& search) {
  return ReadValue<Page<ModelListing>>(
      [&search](SqlConnection& connection) { return FindModels(connection, search); });
}

Result<Page<RegisteredVersion>> SqlStore::SearchModelVersions(const ModelSearch& search) {
  return ReadValue<Page<RegisteredVersion>>(
      [&search](SqlConnection& connection) { return FindVersions(connection, search); });
}

Result<Page<ModelAudit>> SqlStore::ListModelAudit(const ModelAuditQuery& query) {
  PODIUM_TRY(CheckPageLimit(query.limit));
  std::int64_t before = std::numeric_limits<std::int64_t>::max();
  if (!query.cursor.empty()) {
    PODIUM_TRY_ASSIGN(before, DecodeModelAuditCursor(query.cursor));
  }
  return ReadValue<Page<ModelAudit>>(
      [&](SqlConnection& connection) { return ReadModelAuditPage(connection, query, before); });
}

}  // namespace podium::store
