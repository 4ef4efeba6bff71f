#include "store/sql_models.h"

#include <algorithm>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/clock.h"
#include "domain/model_limits.h"
#include "store/row_text.h"
#include "store/sql.h"

namespace podium::store {
namespace {

#define PODIUM_MODEL_COLUMNS "name, description, tags, created_at, updated_at"
#define PODIUM_MODEL_VERSION_COLUMNS                                                \
  "name, version, stage, description, source, storage_location, run_id, run_link, " \
  "logged_model_id, user_id, tags, created_at, updated_at"

constexpr std::string_view kModelByName =
    "SELECT " PODIUM_MODEL_COLUMNS " FROM registered_models WHERE name = $1";
constexpr std::string_view kModelsAfter = "SELECT " PODIUM_MODEL_COLUMNS
                                          " FROM registered_models WHERE name > $1"
                                          " ORDER BY name LIMIT $2";
constexpr std::string_view kUpsertModel =
    "INSERT INTO registered_models (" PODIUM_MODEL_COLUMNS
    ") VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO UPDATE SET"
    " description = excluded.description, tags = excluded.tags, updated_at = excluded.updated_at";
constexpr std::string_view kRenameModel = "UPDATE registered_models SET name = $2 WHERE name = $1";
constexpr std::string_view kRenameVersions =
    "UPDATE model_versions SET name = $2, updated_at = $3 WHERE name = $1";
constexpr std::string_view kRenameAliases = "UPDATE model_aliases SET name = $2 WHERE name = $1";
constexpr std::string_view kDeleteModel = "DELETE FROM registered_models WHERE name = $1";
constexpr std::string_view kDeleteVersions = "DELETE FROM model_versions WHERE name = $1";
constexpr std::string_view kDeleteAliases = "DELETE FROM model_aliases WHERE name = $1";

constexpr std::string_view kVersionByNumber =
    "SELECT " PODIUM_MODEL_VERSION_COLUMNS " FROM model_versions WHERE name = $1 AND version = $2";
constexpr std::string_view kVersionsInStage =
    "SELECT " PODIUM_MODEL_VERSION_COLUMNS
    " FROM model_versions WHERE name = $1 AND stage = $2 AND version <> $3 ORDER BY version";
constexpr std::string_view kHighestVersion =
    "SELECT coalesce(max(version), 0) FROM model_versions WHERE name = $1";
// Each of the four is one step down the index, however many versions the model has.
constexpr std::string_view kLatestVersions =
    "SELECT " PODIUM_MODEL_VERSION_COLUMNS
    " FROM model_versions WHERE name = $1 AND version IN ("
    "SELECT max(version) FROM model_versions WHERE name = $1 AND stage = 'None' UNION ALL "
    "SELECT max(version) FROM model_versions WHERE name = $1 AND stage = 'Staging' UNION ALL "
    "SELECT max(version) FROM model_versions WHERE name = $1 AND stage = 'Production' UNION ALL "
    "SELECT max(version) FROM model_versions WHERE name = $1 AND stage = 'Archived')"
    " ORDER BY version";
constexpr std::string_view kVersionsAfter =
    "SELECT " PODIUM_MODEL_VERSION_COLUMNS
    " FROM model_versions WHERE (name, version) > ($1, $2) AND stage <> 'Deleted_Internal'"
    " ORDER BY name, version LIMIT $3";
constexpr std::string_view kVersionsOfModelAfter =
    "SELECT " PODIUM_MODEL_VERSION_COLUMNS
    " FROM model_versions WHERE name = $1 AND version > $2 AND stage <> 'Deleted_Internal'"
    " ORDER BY version LIMIT $3";
constexpr std::string_view kVersionsOfRunAfter =
    "SELECT " PODIUM_MODEL_VERSION_COLUMNS
    " FROM model_versions WHERE run_id = $1 AND run_id <> '' AND (name, version) > ($2, $3)"
    " AND stage <> 'Deleted_Internal' ORDER BY name, version LIMIT $4";
constexpr std::string_view kUpsertVersion =
    "INSERT INTO model_versions (" PODIUM_MODEL_VERSION_COLUMNS
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
    " ON CONFLICT (name, version) DO UPDATE SET stage = excluded.stage,"
    " description = excluded.description, source = excluded.source,"
    " storage_location = excluded.storage_location, run_id = excluded.run_id,"
    " run_link = excluded.run_link, logged_model_id = excluded.logged_model_id,"
    " tags = excluded.tags, updated_at = excluded.updated_at";

constexpr std::string_view kAliasesOfModel =
    "SELECT alias, version FROM model_aliases WHERE name = $1";
constexpr std::size_t kModelsAtOnce = 20;
constexpr std::string_view kAliasesOfModels =
    "SELECT name, alias, version FROM model_aliases WHERE name IN ($1, $2, $3, $4, $5, $6, $7, $8,"
    " $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)";
constexpr std::string_view kUpsertAlias =
    "INSERT INTO model_aliases (name, alias, version) VALUES ($1, $2, $3)"
    " ON CONFLICT (name, alias) DO UPDATE SET version = excluded.version";
constexpr std::string_view kDropAlias = "DELETE FROM model_aliases WHERE name = $1 AND alias = $2";

#undef PODIUM_MODEL_COLUMNS
#undef PODIUM_MODEL_VERSION_COLUMNS

Result<RegisteredModel> ModelOf(const Query& row) {
  RegisteredModel model;
  model.name = row.Text(0);
  model.description = row.OptionalText(1);
  PODIUM_TRY_ASSIGN(model.tags, TagsFromText(row.Text(2)));
  model.created_at = WallTimeOf(row.Int(3));
  model.updated_at = WallTimeOf(row.Int(4));
  return model;
}

Result<RegisteredVersion> VersionOf(const Query& row) {
  RegisteredVersion version;
  version.name = row.Text(0);
  version.number = row.Int(1);
  const std::optional<ModelStage> stage = StageFromRow(row.Text(2));
  if (!stage) return Fail(ErrorCode::kUnprocessable, "its stage is {}", row.Text(2));
  version.stage = *stage;
  version.description = row.Text(3);
  version.source = row.Text(4);
  version.storage_location = row.Text(5);
  version.run_id = row.Text(6);
  version.run_link = row.Text(7);
  version.model_id = row.Text(8);
  version.user = row.Text(9);
  PODIUM_TRY_ASSIGN(version.tags, TagsFromText(row.Text(10)));
  version.created_at = WallTimeOf(row.Int(11));
  version.updated_at = WallTimeOf(row.Int(12));
  return version;
}

/// The rows of a bound statement; what cannot be read is passed over.
template <typename Row>
Result<std::vector<Row>> Readable(Query& query, Result<Row> (*read)(const Query&)) {
  std::vector<Row> rows;
  while (true) {
    PODIUM_TRY_ASSIGN(const bool more, query.Next());
    if (!more) return rows;
    if (Result<Row> row = read(query)) rows.push_back(std::move(*row));
  }
}

/// One piece of a table: its columns begin with the name, and of versions the number.
template <typename Row>
Result<bool> Piece(Query& query, Result<Row> (*read)(const Query&), ModelPlace& place,
                   std::vector<Row>& rows) {
  for (int seen = 0; true; ++seen) {
    PODIUM_TRY_ASSIGN(const bool more, query.Next());
    if (!more) return seen == limits::kModelScanRows;
    place.name = query.Text(0);
    if constexpr (std::is_same_v<Row, RegisteredVersion>) place.number = query.Int(1);
    if (Result<Row> row = read(query)) rows.push_back(std::move(*row));
  }
}

template <typename Row>
Result<std::optional<Row>> One(Query& query, Result<Row> (*read)(const Query&)) {
  PODIUM_TRY_ASSIGN(const bool found, query.Next());
  if (!found) return std::optional<Row>();
  Result<Row> row = read(query);
  if (row) return std::optional<Row>(std::move(*row));
  return Fail(std::move(row).error().Wrap(
      ErrorCode::kUnprocessable, fmt::format("the row of {} cannot be read", query.Text(0))));
}

Status WriteModel(SqlConnection& connection, const RegisteredModel& model) {
  return Query(connection, kUpsertModel)
      .Bind(model.name)
      .BindOptional(model.description)
      .Bind(TagsToText(model.tags))
      .Bind(MicrosOf(model.created_at))
      .Bind(MicrosOf(model.updated_at))
      .Run();
}

Status WriteVersion(SqlConnection& connection, const RegisteredVersion& version) {
  return Query(connection, kUpsertVersion)
      .Bind(version.name)
      .Bind(version.number)
      .Bind(NameOf(version.stage))
      .Bind(version.description)
      .Bind(version.source)
      .Bind(version.storage_location)
      .Bind(version.run_id)
      .Bind(version.run_link)
      .Bind(version.model_id)
      .Bind(version.user)
      .Bind(TagsToText(version.tags))
      .Bind(MicrosOf(version.created_at))
      .Bind(MicrosOf(version.updated_at))
      .Run();
}

Status Remove(SqlConnection& connection, const std::string& name) {
  for (const std::string_view statement : {kDeleteAliases, kDeleteVersions, kDeleteModel}) {
    PODIUM_TRY(Query(connection, statement).Bind(name).Run());
  }
  return {};
}

Status Rename(SqlConnection& connection, const std::string& from, const RegisteredModel& to) {
  PODIUM_TRY(Query(connection, kRenameModel).Bind(from).Bind(to.name).Run());
  PODIUM_TRY(Query(connection, kRenameVersions)
                 .Bind(from)
                 .Bind(to.name)
                 .Bind(MicrosOf(to.updated_at))
                 .Run());
  return Query(connection, kRenameAliases).Bind(from).Bind(to.name).Run();
}

}  // namespace

Result<std::optional<RegisteredModel>> ReadModelRow(SqlConnection& connection,
                                                    const std::string& name) {
  Query query(connection, kModelByName);
  query.Bind(name);
  return One<RegisteredModel>(query, ModelOf);
}

Result<std::optional<RegisteredVersion>> ReadModelVersionRow(SqlConnection& connection,
                                                             const std::string& name,
                                                             std::int64_t number) {
  Query query(connection, kVersionByNumber);
  query.Bind(name).Bind(number);
  return One<RegisteredVersion>(query, VersionOf);
}

Result<AliasMap> ReadAliases(SqlConnection& connection, const std::string& name) {
  Query query(connection, kAliasesOfModel);
  query.Bind(name);
  AliasMap aliases;
  while (true) {
    PODIUM_TRY_ASSIGN(const bool more, query.Next());
    if (!more) return aliases;
    aliases[query.Text(0)] = query.Int(1);
  }
}

Result<std::map<std::string, AliasMap>> ReadAliasesOfAll(SqlConnection& connection,
                                                         const std::vector<std::string>& names) {
  std::map<std::string, AliasMap> models;
  for (std::size_t begin = 0; begin < names.size(); begin += kModelsAtOnce) {
    Query query(connection, kAliasesOfModels);
    for (std::size_t i = 0; i < kModelsAtOnce; ++i) {
      // A last, short batch asks for its last model several times.
      query.Bind(names[std::min(begin + i, names.size() - 1)]);
    }
    while (true) {
      PODIUM_TRY_ASSIGN(const bool more, query.Next());
      if (!more) break;
      models[query.Text(0)][query.Text(1)] = query.Int(2);
    }
  }
  return models;
}

Result<std::vector<RegisteredVersion>> ReadLatest(SqlConnection& connection,
                                                  const std::string& name) {
  Query query(connection, kLatestVersions);
  query.Bind(name);
  return Readable<RegisteredVersion>(query, VersionOf);
}

Result<ModelSnapshot> ReadModelSnapshot(SqlConnection& connection, const ModelSubject& subject) {
  ModelSnapshot state;
  if (!subject.new_name.empty()) {
    PODIUM_TRY_ASSIGN(const auto other, ReadModelRow(connection, subject.new_name));
    state.new_name_taken = other.has_value();
  }
  PODIUM_TRY_ASSIGN(state.model, ReadModelRow(connection, subject.name));
  if (!state.model) return state;
  PODIUM_TRY_ASSIGN(state.model->aliases, ReadAliases(connection, subject.name));
  if (subject.number > 0) {
    PODIUM_TRY_ASSIGN(state.version, ReadModelVersionRow(connection, subject.name, subject.number));
  }
  if (subject.siblings) {
    Query query(connection, kVersionsInStage);
    query.Bind(subject.name).Bind(NameOf(*subject.siblings)).Bind(subject.number);
    PODIUM_TRY_ASSIGN(state.siblings, Readable<RegisteredVersion>(query, VersionOf));
  }
  for (const std::int64_t number : subject.numbers) {
    PODIUM_TRY_ASSIGN(auto row, ReadModelVersionRow(connection, subject.name, number));
    if (row) state.siblings.push_back(std::move(*row));
  }
  if (subject.highest) {
    Query query(connection, kHighestVersion);
    query.Bind(subject.name);
    PODIUM_TRY(query.Next());
    state.highest = query.Int(0);
  }
  return state;
}

Status WriteModelChanges(SqlConnection& connection, const ModelChanges& changes) {
  if (!changes.removed.empty()) PODIUM_TRY(Remove(connection, changes.removed));
  if (changes.model) {
    const std::string& name = changes.model->name;
    if (!changes.renamed.empty()) PODIUM_TRY(Rename(connection, changes.renamed, *changes.model));
    PODIUM_TRY(WriteModel(connection, *changes.model));
    for (const std::string& alias : changes.aliases_dropped) {
      PODIUM_TRY(Query(connection, kDropAlias).Bind(name).Bind(alias).Run());
    }
    for (const auto& [alias, number] : changes.aliases_set) {
      PODIUM_TRY(Query(connection, kUpsertAlias).Bind(name).Bind(alias).Bind(number).Run());
    }
  }
  for (const RegisteredVersion& version : changes.versions) {
    PODIUM_TRY(WriteVersion(connection, version));
  }
  return {};
}

Result<bool> ReadModelsAfter(SqlConnection& connection, ModelPlace& place,
                             std::vector<RegisteredModel>& rows) {
  Query query(connection, kModelsAfter);
  query.Bind(place.name).Bind(std::int64_t{limits::kModelScanRows});
  return Piece<RegisteredModel>(query, ModelOf, place, rows);
}

Result<bool> ReadModelVersionsAfter(SqlConnection& connection, const Filter& filter,
                                    ModelPlace& place, std::vector<RegisteredVersion>& rows) {
  constexpr std::int64_t kRows = limits::kModelScanRows;
  if (const auto pinned = PinnedBy(filter, FilterField::kName)) {
    Query query(connection, kVersionsOfModelAfter);
    query.Bind(*pinned).Bind(place.number).Bind(kRows);
    return Piece<RegisteredVersion>(query, VersionOf, place, rows);
  }
  if (const auto run = PinnedBy(filter, FilterField::kRunId); run && !run->empty()) {
    Query query(connection, kVersionsOfRunAfter);
    query.Bind(*run).Bind(place.name).Bind(place.number).Bind(kRows);
    return Piece<RegisteredVersion>(query, VersionOf, place, rows);
  }
  Query query(connection, kVersionsAfter);
  query.Bind(place.name).Bind(place.number).Bind(kRows);
  return Piece<RegisteredVersion>(query, VersionOf, place, rows);
}

}  // namespace podium::store
