#include "app/replica_id.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <system_error>
#include <utility>

#include "base/limits.h"
#include "domain/names.h"

namespace podium::app {
namespace {

namespace fs = std::filesystem;

constexpr int kRandomLength = 6;
constexpr std::size_t kMostHostBytes = 64;

std::string HostName() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "podium";
  const std::string host = NameFrom(std::string(name.data()).substr(0, kMostHostBytes));
  return host.empty() ? "podium" : host;
}

Failure CannotKeep(const fs::path& file) {
  return Fail(ErrorCode::kUnavailable, "cannot keep the replica's id in {}: {}", file.string(),
              std::generic_category().message(errno));
}

// The first server of a directory names it. REQUIRES: the caller holds the first lock, or found it
// held: then the name is there, or is about to be.
Result<std::string> NameOfDirectory(const fs::path& directory, Rng& rng) {
  const fs::path file = directory / "replica-id";
  std::string id;
  if (std::ifstream in(file); std::getline(in, id) && CheckName("replica.id", id)) return id;
  id = HostName() + "-" + RandomToken(rng, kRandomLength);
  const fs::path fresh = directory / ("replica-id." + RandomToken(rng, kRandomLength));
  std::ofstream out(fresh);
  out << id << '\n';
  out.close();
  if (!out) return CannotKeep(fresh);
  // A link, not a rename: of two who begin at once the first wins, and both have its name.
  const int linked = ::link(fresh.c_str(), file.c_str());
  const int why = errno;
  std::error_code ignored;
  if (linked == 0) {
    fs::remove(fresh, ignored);
    return id;
  }
  if (why != EEXIST) {
    errno = why;
    return CannotKeep(file);
  }
  std::ifstream in(file);
  const bool kept = std::getline(in, id) && CheckName("replica.id", id);
  if (!kept) fs::rename(fresh, file, ignored);  // What is there is no name.
  fs::remove(fresh, ignored);
  if (kept) return id;
  return NameOfDirectory(directory, rng);
}

}  // namespace

Result<ReplicaId> ReplicaId::Take(const std::string& chosen, const fs::path& directory, Rng& rng) {
  if (!chosen.empty()) return ReplicaId(chosen, -1);
  PODIUM_TRY_ASSIGN(const std::string name, NameOfDirectory(directory, rng));
  for (std::size_t number = 1; number <= limits::kReplicasPerDirectory; ++number) {
    const fs::path file = directory / fmt::format("replica-{}.lock", number);
    const int lock = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0) return CannotKeep(file);
    if (::flock(lock, LOCK_EX | LOCK_NB) == 0) {
      return ReplicaId(number == 1 ? name : fmt::format("{}-{}", name, number), lock);
    }
    ::close(lock);
  }
  return Fail(ErrorCode::kUnavailable,
              "{} servers work in {} already: give this one a data directory of its own",
              limits::kReplicasPerDirectory, directory.string());
}

ReplicaId::ReplicaId(ReplicaId&& other) noexcept
    : id_(std::move(other.id_)), lock_(std::exchange(other.lock_, -1)) {}

ReplicaId::~ReplicaId() {
  if (lock_ >= 0) ::close(lock_);
}

}  // namespace podium::app
