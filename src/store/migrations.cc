#include "store/migrations.h"

#include <algorithm>
#include <array>
#include <utility>

namespace podium::store {
namespace {

constexpr std::array kMigrations = {
    &kSpineMigration,  &kHistoryMigration,     &kCostsMigration,           &kReplicasMigration,
    &kModelsMigration, &kIdempotencyMigration, &kFollowMigration,          &kRolloutsMigration,
    &kShadowMigration, &kPredictionsMigration, &kRolloutVersionsMigration, &kChallengersMigration};

Status Run(SqlConnection& connection, SqlDialect dialect, int number, WallTime now) {
  const Migration& step = *kMigrations[static_cast<std::size_t>(number) - 1];
  PODIUM_TRY(connection.Execute(dialect == SqlDialect::kSqlite ? step.sqlite : step.postgres));
  return Query(connection, "INSERT INTO schema_migrations VALUES ($1, $2, $3)")
      .Bind(std::int64_t{number})
      .Bind(std::string_view(step.name))
      .Bind(std::int64_t{now.time_since_epoch().count()})
      .Run();
}

Failure NotMigrated(Error why, int current, int number) {
  why.message = fmt::format(
      "the registry could not be brought from schema {} to {} ({}), nothing was changed: {}",
      current, number, kMigrations[static_cast<std::size_t>(number) - 1]->name, why.message);
  return Fail(std::move(why));
}

// Other tools call their table of migrations so too: what they have there is not ours to continue.
Status CheckStep(std::int64_t number, const std::string& name, std::string_view where) {
  if (number > NewestSchema()) return {};  // Of a later release, which is refused by its number.
  if (number >= 1 && name == kMigrations[static_cast<std::size_t>(number) - 1]->name) return {};
  return Fail(
      ErrorCode::kUnprocessable,
      "the table schema_migrations in {} is not podium's: its row {} is called \"{}\". Give "
      "podium a database of its own",
      where, number, name);
}

}  // namespace

std::span<const Migration* const> Migrations() { return kMigrations; }

int NumberOf(const Migration& step) {
  return static_cast<int>(std::ranges::find(kMigrations, &step) - kMigrations.begin()) + 1;
}

int NewestSchema() { return static_cast<int>(kMigrations.size()); }

Result<int> ReadSchema(SqlConnection& connection, std::string_view where) {
  Query query(connection, "SELECT version, name FROM schema_migrations ORDER BY version");
  std::int64_t schema = 0;
  while (true) {
    PODIUM_TRY_ASSIGN(const bool found, query.Next());
    if (!found) break;
    PODIUM_TRY(CheckStep(query.Int(0), query.Text(1), where));
    schema = query.Int(0);
  }
  if (schema <= NewestSchema()) return static_cast<int>(schema);
  return Fail(ErrorCode::kUnprocessable,
              "{} has schema {}, this podium knows schemas up to {}: use the newer podium that "
              "wrote it",
              where, schema, NewestSchema());
}

Status RunMigrations(SqlConnection& connection, SqlDialect dialect, int current, int target,
                     WallTime now) {
  for (int number = current + 1; number <= target; ++number) {
    if (Status done = Run(connection, dialect, number, now); !done) {
      return NotMigrated(std::move(done).error(), current, number);
    }
  }
  // An older schema than the newest is only asked for by tests, of empty databases.
  if (target < NewestSchema()) return {};
  for (int number = current + 1; number <= target; ++number) {
    const Migration& step = *kMigrations[static_cast<std::size_t>(number) - 1];
    if (step.fill == nullptr) continue;
    if (Status filled = step.fill(connection); !filled) {
      return NotMigrated(std::move(filled).error(), current, number);
    }
  }
  return {};
}

}  // namespace podium::store
