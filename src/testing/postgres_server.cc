#include "testing/postgres_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pwd.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "base/assert.h"
#include "base/clock.h"

namespace podium::testing {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kPatience{60};
constexpr const char* kPrograms = "/usr/lib/postgresql/15/bin/";

[[noreturn]] void GiveUp(const std::string& why) {
  // The log below tells those who run the test by hand; the abort makes it fail, never pass.
  fmt::print(stderr, "no PostgreSQL for the tests: {}\n", why);
  std::abort();
}

// The server refuses root: then it runs as the user that its package made. It ends with us.
std::vector<std::string> AsServerUser(const std::vector<std::string>& command) {
  std::vector<std::string> all = {"setpriv", "--pdeathsig", "INT"};
  if (::geteuid() == 0) {
    all.insert(all.end(), {"--reuid", "postgres", "--regid", "postgres", "--clear-groups"});
  }
  all.insert(all.end(), command.begin(), command.end());
  return all;
}

int Spawn(const std::vector<std::string>& command, const std::string& log) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
  char language[] = "LC_ALL=C.UTF-8";
  char* const environment[] = {path, language, nullptr};
  pid_t process = 0;
  const int failed =
      ::posix_spawnp(&process, arguments[0], &actions, nullptr, arguments.data(), environment);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) GiveUp("setpriv cannot be run");
  return process;
}

int Wait(int process) {
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

std::string TextOf(const std::string& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

PostgresTestServer& PostgresTestServer::Shared() {
  static PostgresTestServer server;
  return server;
}

PostgresTestServer::PostgresTestServer() {
  std::string pattern = (fs::temp_directory_path() / "podium-pg-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) GiveUp("no temporary directory");
  directory_ = pattern;
  if (::geteuid() == 0) {
    const struct passwd* user = ::getpwnam("postgres");
    if (user == nullptr) GiveUp("there is no user postgres: install postgresql-15");
    if (::chown(directory_.c_str(), user->pw_uid, user->pw_gid) != 0) GiveUp("chown failed");
  }
  const int made = Wait(Spawn(
      AsServerUser({std::string(kPrograms) + "initdb", "-D", directory_ + "/data", "-A", "trust",
                    "-U", "podium", "-E", "UTF8", "--locale=C.UTF-8", "--locale-provider=icu",
                    "--icu-locale=en-US", "--no-sync", "--no-instructions"}),
      directory_ + "/initdb.log"));
  if (made != 0) GiveUp(TextOf(directory_ + "/initdb.log"));
  Start();
}

PostgresTestServer::~PostgresTestServer() {
  Stop();
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

void PostgresTestServer::Start() {
  PODIUM_ASSERT(process_ == 0);
  const std::string log = directory_ + "/server.log";
  std::vector<std::string> command = {std::string(kPrograms) + "postgres", "-D",
                                      directory_ + "/data"};
  for (const std::string& setting :
       {std::string("listen_addresses="), "unix_socket_directories=" + directory_,
        std::string("fsync=off"), std::string("full_page_writes=off"),
        std::string("wal_level=minimal"), std::string("max_wal_senders=0"),
        std::string("autovacuum=off"), std::string("max_connections=120"),
        std::string("shared_buffers=32MB")}) {
    command.insert(command.end(), {"-c", setting});
  }
  process_ = Spawn(AsServerUser(command), log);
  const SystemClock clock;
  const SteadyTime deadline = clock.SteadyNow() + kPatience;
  while (PQping(UrlOf("postgres").c_str()) != PQPING_OK) {
    const bool ended = ::waitpid(process_, nullptr, WNOHANG) == process_;
    if (ended || clock.SteadyNow() > deadline) GiveUp(TextOf(log));
    ::poll(nullptr, 0, 5);
  }
}

void PostgresTestServer::Stop() {
  if (process_ == 0) return;
  ::kill(process_, SIGQUIT);
  Wait(process_);
  process_ = 0;
}

std::string PostgresTestServer::UrlOf(const std::string& database) const {
  return fmt::format("postgresql:///{}?host={}&user=podium", database, directory_);
}

std::string PostgresTestServer::Sql(const std::string& url, const std::string& statements) const {
  const std::unique_ptr<PGconn, void (*)(PGconn*)> connection(PQconnectdb(url.c_str()), PQfinish);
  PQsetNoticeProcessor(connection.get(), [](void*, const char*) {}, nullptr);
  const std::unique_ptr<PGresult, void (*)(PGresult*)> result(
      PQexec(connection.get(), statements.c_str()), PQclear);
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
    return std::string("refused: ") + PQerrorMessage(connection.get());
  }
  std::string rows;
  for (int row = 0; row < PQntuples(result.get()); ++row) {
    if (row > 0) rows += '\n';
    for (int column = 0; column < PQnfields(result.get()); ++column) {
      rows += (column > 0 ? "|" : "") + std::string(PQgetvalue(result.get(), row, column));
    }
  }
  return rows;
}

void PostgresTestServer::Admin(const std::string& statement) const {
  const std::string answer = Sql(UrlOf("postgres"), statement);
  if (answer.starts_with("refused")) GiveUp(statement + ": " + answer);
}

void PostgresTestServer::CreateEmpty(const std::string& database) {
  Admin(fmt::format("CREATE DATABASE {} TEMPLATE template0", database));
}

std::string PostgresTestServer::UrlFor(const std::string& folder, const std::string& model) {
  auto& database = databases_[folder];
  if (database.empty()) {
    DropStale();
    database = fmt::format("test_{}", ++count_);
    Admin(fmt::format("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", database,
                      model.empty() ? "template0" : model));
  }
  return UrlOf(database);
}

// A hundred tests would leave a hundred databases.
void PostgresTestServer::DropStale() {
  std::erase_if(databases_, [this](const auto& entry) {
    if (entry.second.empty() || fs::exists(entry.first)) return false;
    Admin(fmt::format("DROP DATABASE {} WITH (FORCE)", entry.second));
    return true;
  });
}

}  // namespace podium::testing
