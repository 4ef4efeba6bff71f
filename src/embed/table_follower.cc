#include "embed/table_follower.h"

#include <utility>

#include "embed/snapshot_table.h"

namespace podium::v1 {

TableFollower::TableFollower(store::RegistryStore& store, const podium::Clock& clock,
                             std::shared_ptr<Rng> rng, std::vector<std::string> providers)
    : store_(store),
      clock_(clock),
      rng_(std::move(rng)),
      providers_(std::move(providers)),
      compiler_(providers_) {}

podium::Status TableFollower::Refresh() {
  const std::lock_guard lock(reading_);
  if (podium::Status read = Read(); !read) {
    NoteTrouble(read.error());
    return read;
  }
  NoteConfirmed();
  return {};
}

podium::Status TableFollower::Read() {
  PODIUM_TRY(store_.ReadRevision());  // Notices a file that was moved away under us.
  PODIUM_TRY_ASSIGN(store::TableDelta delta, store_.ReadTable(revision_));
  const auto seen = MakeGeneration(epoch_, revision_);
  const auto found = MakeGeneration(delta.epoch, delta.revision);
  if (read_before_ && found == seen) return {};
  if (found < seen) {
    return Fail(podium::ErrorCode::kUnavailable,
                "the table went back from revision {} to {}: restored without a new epoch?",
                revision_.get(), delta.revision.get());
  }
  if (read_before_ && delta.epoch != epoch_) {
    // Another history: nothing that was read before may stay.
    PODIUM_TRY_ASSIGN(delta, store_.ReadTable(Revision(0)));
    compiler_ = routing::TableCompiler(providers_);
    row_faults_.Clear();
  }
  Absorb(std::move(delta));
  return {};
}

void TableFollower::Absorb(store::TableDelta delta) {
  row_faults_.Absorb(delta);
  read_before_ = true;
  epoch_ = delta.epoch;
  revision_ = delta.revision;
  compiler_.Absorb(std::move(delta.routes), std::move(delta.versions));
  Snapshot next =
      SnapshotBuilder::Build(compiler_.Compile(MakeGeneration(epoch_, revision_)), Current(), rng_);
  std::vector<std::string> set_aside = SetAside();
  const std::lock_guard lock(state_mutex_);
  std::swap(current_, next);
  health_.generation = current_.generation();
  health_.set_aside = std::move(set_aside);
}

std::vector<std::string> TableFollower::SetAside() const {
  std::vector<std::string> rows;
  for (const auto& [row, problem] : row_faults_.problems()) {
    rows.push_back(fmt::format("row {} of {}: {}", row.second, row.first, problem));
  }
  for (const routing::CompileFault& fault : compiler_.faults()) {
    rows.push_back(fault.row.empty() ? fmt::format("route {}: {}", fault.route.get(), fault.problem)
                                     : fmt::format("version {} of route {}: {}", fault.row,
                                                   fault.route.get(), fault.problem));
  }
  return rows;
}

Snapshot TableFollower::Current() const {
  const std::lock_guard lock(state_mutex_);
  return current_;
}

Health TableFollower::health() const {
  const std::lock_guard lock(state_mutex_);
  return health_;
}

bool TableFollower::ClaimLook(std::chrono::nanoseconds ttl) {
  const SteadyTime now = clock_.SteadyNow();
  const std::lock_guard lock(state_mutex_);
  if (look_claimed_ || now - looked_at_ < ttl) return false;
  look_claimed_ = true;
  looked_at_ = now;
  return true;
}

void TableFollower::ReleaseLook() {
  const std::lock_guard lock(state_mutex_);
  look_claimed_ = false;
}

void TableFollower::NoteTrouble(const podium::Error& error) {
  const SteadyTime now = clock_.SteadyNow();
  const std::lock_guard lock(state_mutex_);
  health_.trouble = Describe(error);
  looked_at_ = now;
}

void TableFollower::NoteConfirmed() {
  const SteadyTime now = clock_.SteadyNow();
  const std::lock_guard lock(state_mutex_);
  health_.trouble.clear();
  health_.confirmed_at = now;
  looked_at_ = now;
}

}  // namespace podium::v1
