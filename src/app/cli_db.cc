#include "app/cli_db.h"

#include <fmt/format.h>

#include <memory>
#include <utility>
#include <vector>

#include "app/cli_serve.h"
#include "app/registry_open.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/rng.h"
#include "store/migrations.h"
#include "store/postgres/postgres_schema.h"
#include "store/sql_audit.h"
#include "store/sqlite_backup.h"
#include "store/sqlite_file.h"
#include "store/sqlite_schema.h"

namespace podium::app {
namespace {

using store::RegistryFacts;
constexpr const char* kRaisedBy = "raised by an operator";

using Lines = std::vector<std::pair<std::string, Json>>;

/// A bar on a terminal, which is gone when the work is done.
class Bar {
 public:
  explicit Bar(Console& console) : console_(console) {}
  ~Bar() {
    if (shown_ >= 0) console_.err << "\r\x1b[K" << std::flush;
  }
  Bar(const Bar&) = delete;
  Bar& operator=(const Bar&) = delete;

  store::WorkProgress Progress() {
    if (!console_.err_is_terminal) return nullptr;
    return [this](std::int64_t done, std::int64_t total) {
      constexpr std::int64_t kWidth = 30;
      const std::int64_t share = total == 0 ? 100 : done * 100 / total;
      if (share == shown_) return;
      shown_ = share;
      console_.err << fmt::format("\r[{:<{}}] {:>3} %",
                                  std::string(static_cast<std::size_t>(share * kWidth / 100), '='),
                                  kWidth, share)
                   << std::flush;
    };
  }

 private:
  Console& console_;
  std::int64_t shown_ = -1;  // Percent.
};

void Put(Lines& lines, const RegistryFacts& facts) {
  lines.emplace_back("schema", facts.schema);
  lines.emplace_back("newest_schema", store::NewestSchema());
  lines.emplace_back("epoch", facts.head.epoch);
  lines.emplace_back("revision", facts.head.revision.get());
  lines.emplace_back("last_change_at", FormatUtc(facts.head.at));
  lines.emplace_back("audit_rows", facts.head.chain.count);
  lines.emplace_back("head_hash", facts.head.chain.hash);
  lines.emplace_back("routes", facts.routes);
  lines.emplace_back("versions", facts.versions);
  lines.emplace_back("events", facts.events);
}

void Print(Console& console, OutputFormat format, const Lines& lines) {
  if (format == OutputFormat::kJson) {
    Json object = Json::object();
    for (const auto& [name, value] : lines) object[name] = value;
    PrintJson(console, object);
    return;
  }
  for (const auto& [name, value] : lines) {
    const std::string text = value.is_string() ? value.get<std::string>() : DumpJson(value);
    console.out << fmt::format("{:<15} {}\n", name, text.empty() ? "-" : text);
  }
}

/// One run of `podium db` on the registry that the settings mean.
class DbRun {
 public:
  DbRun(const Settings& settings, RegistryPlace place, Console& console, OutputFormat format)
      : settings_(settings), place_(std::move(place)), console_(console), format_(format) {}

  CliStatus Status() {
    Lines lines = {{"registry", place_.Text()},
                   {"kind", place_.postgres ? "postgresql" : "sqlite"}};
    Result<RegistryFacts> facts = Facts();
    if (!facts) return LocalError(facts.error());
    Put(lines, *facts);
    Print(console_, format_, lines);
    return {};
  }

  CliStatus Migrate() {
    const Result<int> before = Schema();
    if (!before) return LocalError(before.error());
    const auto migrated = OpenRegistry(settings_, clock_, rng_);
    if (!migrated) return LocalError(migrated.error());
    Print(console_, format_,
          {{"registry", place_.Text()},
           {"schema_before", *before},
           {"schema", store::NewestSchema()}});
    return {};
  }

  CliStatus BackUp(const std::string& file) {
    if (place_.postgres) {
      return UsageError(
          "a registry in PostgreSQL is backed up by its own tools",
          "pg_dump --format=custom --file=" + file + " DATABASE   (consistent while servers run)");
    }
    Bar bar(console_);
    const auto done = store::BackUpSqlite(place_.file.string(), file, bar.Progress());
    if (!done) return LocalError(done.error());
    Lines lines = {{"backup", file}, {"bytes", done->bytes}};
    Put(lines, done->facts);
    Print(console_, format_, lines);
    return {};
  }

  CliStatus Restore(const DbArgs& args, bool yes) {
    if (args.epoch) return RaiseEpoch(args.above);
    if (place_.postgres) {
      return UsageError("a registry in PostgreSQL is restored by its own tools",
                        "stop every podium, pg_restore into an empty database, then `podium db "
                        "restore --epoch`, so that replicas know the old numbers are over");
    }
    if (args.file.empty()) return UsageError("restore needs a backup, or --epoch");
    CLI_TRY(Confirm(console_,
                    fmt::format("{} takes the place of the registry {}, which is kept beside it.",
                                args.file, place_.Text()),
                    yes, Unattended::kGoesOn));
    Bar bar(console_);
    const auto done = store::RestoreSqlite(args.file, place_.file.string(), clock_, bar.Progress());
    if (!done) return LocalError(done.error());
    Lines lines = {{"registry", place_.Text()}, {"replaced", done->replaced}};
    Put(lines, done->facts);
    Print(console_, format_, lines);
    return {};
  }

  CliResult<bool> Verify(const std::string& file) {
    Bar bar(console_);
    Result<store::SqliteReport> report =
        file.empty() && place_.postgres
            ? CheckPostgres(bar.Progress())
            : store::CheckSqlite(file.empty() ? place_.file.string() : file, bar.Progress());
    if (!report) return LocalError(report.error());
    const std::string problem = !report->damage.empty() ? report->damage : report->audit.problem;
    Lines lines = {{"registry", file.empty() ? place_.Text() : file},
                   {"intact", problem.empty()},
                   {"problem", problem}};
    if (report->audit.first_broken) {
      lines.emplace_back("first_broken", report->audit.first_broken->get());
    }
    Put(lines, report->facts);
    Print(console_, format_, lines);
    return problem.empty();
  }

 private:
  Result<std::unique_ptr<store::PostgresConnection>> Connect() {
    return store::PostgresConnection::Open(*place_.postgres, clock_);
  }

  Result<int> Schema() {
    if (place_.postgres) {
      PODIUM_TRY_ASSIGN(const auto connection, Connect());
      return store::ReadPostgresSchema(*connection, place_.Text());
    }
    std::error_code ignored;
    if (!std::filesystem::exists(place_.file, ignored)) return 0;
    PODIUM_TRY_ASSIGN(const auto connection,
                      store::OpenReader(place_.file.string(), limits::kStoreBusyTimeout));
    return store::ReadSqliteSchema(*connection, place_.file.string());
  }

  Result<RegistryFacts> Facts() {
    if (!place_.postgres) return store::ReadSqliteFacts(place_.file.string());
    PODIUM_TRY_ASSIGN(const auto connection, Connect());
    PODIUM_TRY_ASSIGN(const int schema, PostgresSchema(*connection));
    return store::ReadFacts(*connection, schema);
  }

  Result<int> PostgresSchema(store::PostgresConnection& connection) {
    PODIUM_TRY_ASSIGN(const int schema, store::ReadPostgresSchema(connection, place_.Text()));
    if (schema > 0) return schema;
    return Fail(ErrorCode::kNotFound,
                "the database {} holds no registry yet: `podium db migrate` or `podium serve` "
                "makes one",
                place_.Text());
  }

  Result<store::SqliteReport> CheckPostgres(const store::WorkProgress& progress) {
    store::SqliteReport report;
    PODIUM_TRY_ASSIGN(const auto connection, Connect());
    PODIUM_TRY_ASSIGN(const int schema, PostgresSchema(*connection));
    PODIUM_TRY_ASSIGN(const store::Transaction view,
                      store::Transaction::Begin(*connection, store::Transaction::Kind::kRead));
    PODIUM_TRY_ASSIGN(report.facts, store::ReadFacts(*connection, schema));
    PODIUM_TRY_ASSIGN(report.audit, store::WalkAudit(*connection, progress));
    return report;
  }

  CliStatus RaiseEpoch(std::uint32_t above) {
    const Result<store::Head> head = place_.postgres ? RaiseInPostgres(above) : RaiseInFile(above);
    if (!head) return LocalError(head.error());
    Print(
        console_, format_,
        {{"registry", place_.Text()}, {"epoch", head->epoch}, {"revision", head->revision.get()}});
    return {};
  }

  Result<store::Head> RaiseInPostgres(std::uint32_t above) {
    PODIUM_TRY_ASSIGN(const auto connection, Connect());
    PODIUM_TRY(PostgresSchema(*connection));
    return store::RaisePostgresEpoch(*connection, above, kRaisedBy);
  }

  Result<store::Head> RaiseInFile(std::uint32_t above) {
    PODIUM_TRY(store::ReadSqliteFacts(place_.file.string()));
    PODIUM_TRY_ASSIGN(const auto connection,
                      store::OpenWriter(place_.file.string(), limits::kStoreBusyTimeout));
    PODIUM_TRY_ASSIGN(store::Transaction transaction,
                      store::Transaction::Begin(*connection, store::Transaction::Kind::kWrite));
    PODIUM_TRY_ASSIGN(store::Head head,
                      store::RaiseEpoch(*connection, above, kRaisedBy, clock_.Now()));
    PODIUM_TRY(transaction.Commit());
    return head;
  }

  const Settings& settings_;
  const RegistryPlace place_;
  Console& console_;
  const OutputFormat format_;
  const SystemClock clock_;
  SystemRng rng_;
};

CliResult<bool> Run(DbRun& run, const DbArgs& args, bool yes) {
  switch (args.verb) {
    case DbVerb::kStatus:
      CLI_TRY(run.Status());
      return true;
    case DbVerb::kMigrate:
      CLI_TRY(run.Migrate());
      return true;
    case DbVerb::kBackup:
      CLI_TRY(run.BackUp(args.file));
      return true;
    case DbVerb::kRestore:
      CLI_TRY(run.Restore(args, yes));
      return true;
    case DbVerb::kVerify:
      return run.Verify(args.file);
  }
  return true;
}

CliResult<bool> RunOnRegistry(const DbArgs& args, const Environment& environment, Console& console,
                              OutputFormat format, bool yes) {
  CLI_TRY_ASSIGN(Settings settings, SettingsFor(args.server, environment, console));
  // Who names a folder means its file, whatever DATABASE_URL is there for the server.
  if (args.server.Has("data_dir")) settings.database.url = Secret();
  Result<RegistryPlace> place = PlaceOf(settings);
  if (!place) return LocalError(place.error());
  DbRun run(settings, std::move(*place), console, format);
  return Run(run, args, yes);
}

}  // namespace

ExitCode RunDb(const DbArgs& args, const Environment& environment, Console& console,
               OutputFormat format, bool yes) {
  const CliResult<bool> sound = RunOnRegistry(args, environment, console, format, yes);
  if (sound) return *sound ? ExitCode::kDone : ExitCode::kFailed;
  console.err << Render(sound.error());
  return sound.error().exit;
}

}  // namespace podium::app
