#include "control/admin/replica_wait.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"

namespace podium::control {
namespace {

using Verdict = ReadyElsewhere::Verdict;

constexpr std::chrono::milliseconds kLongestLook{100};

/// Between two looks of a wait: short at first, since most waits are, and then longer, since each
/// look is a read of the registry.
class LookPause {
 public:
  std::chrono::milliseconds Next() {
    return std::exchange(next_, std::min(2 * next_, kLongestLook));
  }

 private:
  std::chrono::milliseconds next_ = limits::kReplicaLook;
};

// Beyond the load: the commit may wait for the one writer, and the want must hold until the rows
// themselves say that the version is wanted.
constexpr std::chrono::seconds kWantMargin{5};

std::chrono::milliseconds WantPatience(const AdminContext& c) {
  return c.options.load_timeout + limits::kStoreBusyTimeout + kWantMargin;
}

Asker AskerOf(const AdminContext& c) {
  Asker asker{c.options.replica, "", std::chrono::nanoseconds::max()};
  if (c.place == nullptr) return asker;
  if (c.place->joined()) asker.incarnation = c.place->incarnation();
  asker.writes_for = c.place->WritesFor(c.clock.SteadyNow());
  return asker;
}

bool IsOwn(const store::ReplicaRow& row, const Asker& asker) {
  if (row.self.id != asker.id) return false;
  return asker.incarnation.empty() || row.self.incarnation == asker.incarnation;
}

Task<Result<ReadyElsewhere>> Ask(const AdminContext& c, ModelId id) {
  auto read = RunOn(c.pools.reads, [&] { return c.replicas->ReadReadiness(id); });
  const Result<std::vector<store::ReplicaReadiness>> all = co_await std::move(read);
  if (!all) {
    c.last_write.Note(all.error());
    co_return Fail(all.error());
  }
  co_return JudgeReadiness(*all, AskerOf(c));
}

Task<Status> HaveLoaded(const AdminContext& c, ModelId id) {
  auto want = RunOn(c.pools.writer, [&] { return c.replicas->Want(id, WantPatience(c)); });
  Status wanted = co_await std::move(want);
  if (!wanted) c.last_write.Note(wanted.error());
  co_return wanted;
}

Error TakenError(const std::string& why) {
  return {ErrorCode::kConflict,
          fmt::format(
              "{}: give each server a replica.id of its own, or have a named person force it", why),
          "", nullptr};
}

// Why nobody need wait for that version any longer.
Error NotReadyError(const ModelId& id, const ReadyElsewhere& found) {
  if (found.verdict == Verdict::kTaken) return TakenError(found.why);
  if (found.verdict == Verdict::kFailed) {
    return {ErrorCode::kUnprocessable,
            fmt::format("version {} cannot serve on every replica: {}. Mend it there, or have a "
                        "named person force it",
                        id.get(), found.why),
            "", nullptr};
  }
  return {
      ErrorCode::kDeadline,
      fmt::format("version {} is not ready on every replica yet: {}. Try again, or have a named "
                  "person force it",
                  id.get(), found.why),
      "", nullptr};
}

// What is missing for one version when nothing is waited for any more; empty: nothing.
Task<Result<std::string>> AwaitVersion(const AdminContext& c, const ModelId& id,
                                       SteadyTime deadline, bool force) {
  bool asked_for = false;
  LookPause look;
  while (true) {
    auto ask = Ask(c, id);
    const Result<ReadyElsewhere> found = co_await std::move(ask);
    if (!found) co_return Fail(found.error());
    if (found->verdict == Verdict::kReady) co_return std::string();
    if (force) co_return fmt::format("version {}: {}", id.get(), found->why);
    if (found->verdict != Verdict::kWaiting || c.clock.SteadyNow() >= deadline) {
      co_return Fail(NotReadyError(id, *found));
    }
    if (!std::exchange(asked_for, true)) {
      auto want = HaveLoaded(c, id);
      if (Status wanted = co_await std::move(want); !wanted) {
        co_return Fail(std::move(wanted).error());
      }
    }
    auto pause = Pause(look.Next());
    if (!co_await std::move(pause)) co_return Fail(ErrorCode::kUnavailable, "the server stops");
  }
}

}  // namespace

ReadyElsewhere JudgeReadiness(const std::vector<store::ReplicaReadiness>& replicas,
                              const Asker& asker) {
  ReadyElsewhere found;
  for (const store::ReplicaReadiness& one : replicas) {
    const std::string& id = one.replica.self.id;
    if (IsOwn(one.replica, asker) || !store::IsLive(one.replica, asker.writes_for)) continue;
    if (id == asker.id) {
      return {Verdict::kTaken, fmt::format("another server, at {}, serves as replica {} too",
                                           one.replica.self.address, id)};
    }
    if (one.version && one.version->state == LoadState::kReady) continue;
    if (!found.why.empty()) found.why += "; ";
    if (one.version) {
      found.verdict = Verdict::kFailed;
      found.why += fmt::format("replica {}: {}", id, one.version->error);
    } else {
      if (found.verdict == Verdict::kReady) found.verdict = Verdict::kWaiting;
      found.why += fmt::format("replica {} has not loaded it", id);
    }
  }
  return found;
}

Task<Status> HaveLoadedElsewhere(const AdminContext& c, std::vector<ModelVersion> versions) {
  if (c.replicas == nullptr) co_return Status();
  for (const ModelVersion& version : versions) {
    auto ask = Ask(c, version.model_id);
    const Result<ReadyElsewhere> found = co_await std::move(ask);
    if (!found) co_return Fail(found.error());
    if (found->verdict == Verdict::kTaken) co_return Fail(TakenError(found->why));
    if (found->verdict != Verdict::kWaiting) continue;
    auto want = HaveLoaded(c, version.model_id);
    if (Status wanted = co_await std::move(want); !wanted) co_return wanted;
  }
  co_return Status();
}

Task<Result<std::string>> AwaitReadyElsewhere(const AdminContext& c,
                                              std::vector<ModelVersion> versions,
                                              std::chrono::nanoseconds patience, bool force) {
  std::string missing;
  if (c.replicas == nullptr) co_return missing;
  const SteadyTime deadline = c.clock.SteadyNow() + patience;
  for (const ModelVersion& version : versions) {
    auto await = AwaitVersion(c, version.model_id, deadline, force);
    Result<std::string> lacks = co_await std::move(await);
    if (!lacks) co_return lacks;
    if (lacks->empty()) continue;
    missing += (missing.empty() ? "" : "; ") + *lacks;
  }
  co_return missing;
}

bool HasApplied(Generation applied, Generation generation) {
  return EpochOf(applied) >= EpochOf(generation) && RevisionOf(applied) >= RevisionOf(generation);
}

std::vector<ReplicaApplied> WhoApplied(const std::vector<store::ReplicaRow>& replicas,
                                       Generation generation, const Asker& asker,
                                       bool applied_here) {
  std::vector<ReplicaApplied> list = {{asker.id, applied_here}};
  for (const store::ReplicaRow& replica : replicas) {
    if (IsOwn(replica, asker) || !store::IsLive(replica, asker.writes_for)) continue;
    list.push_back({replica.self.id, HasApplied(replica.applied, generation)});
  }
  std::sort(list.begin(), list.end(),
            [](const ReplicaApplied& a, const ReplicaApplied& b) { return a.id < b.id; });
  return list;
}

Task<AppliedBy> AwaitApplied(const AdminContext& c, Generation generation, bool applied_here,
                             std::chrono::nanoseconds patience) {
  AppliedBy by{{{c.options.replica, applied_here}}, true};
  if (c.replicas == nullptr) co_return by;
  const SteadyTime deadline = c.clock.SteadyNow() + patience;
  LookPause look;
  while (true) {
    auto read = RunOn(c.pools.reads, [&] { return c.replicas->ReadReplicas(); });
    const Result<std::vector<store::ReplicaRow>> rows = co_await std::move(read);
    by.known = rows.has_value();
    if (rows) by.replicas = WhoApplied(*rows, generation, AskerOf(c), applied_here);
    // This one was waited for by its publish: only the others may yet apply it.
    const auto lacking = std::count_if(by.replicas.begin(), by.replicas.end(),
                                       [](const ReplicaApplied& one) { return !one.applied; });
    const bool others_have = by.known && lacking == (applied_here ? 0 : 1);
    if (others_have || c.clock.SteadyNow() >= deadline) co_return by;
    auto pause = Pause(look.Next());
    if (!co_await std::move(pause)) co_return by;
  }
}

}  // namespace podium::control
