#include "control/rollouts/rollout_driver.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/log.h"
#include "base/utf8.h"
#include "rollout/verdict_json.h"

namespace podium::control {
namespace {

constexpr int kRolloutPage = 100;
constexpr std::string_view kItsNextMove = "its next move";

// What may take long: others have to be ready for it.
bool GoesUp(const Rollout& rollout, const store::MoveRollout& move) {
  if (move.move == store::RolloutMove::kPromote) return true;
  return move.move == store::RolloutMove::kEpoch && move.epoch->share > rollout.share();
}

// What nothing holds up, a step up that is being made ready either.
bool TakesAway(const store::MoveRollout& move) {
  return move.move == store::RolloutMove::kRollBack || move.move == store::RolloutMove::kAbort;
}

/// All that run; next_cursor is empty.
Result<store::Page<Rollout>> RunningIn(store::RolloutStore& store) {
  store::Page<Rollout> running;
  store::RolloutQuery query{
      .route = std::nullopt, .running_only = true, .limit = kRolloutPage, .cursor = {}};
  do {
    PODIUM_TRY_ASSIGN(store::Page<Rollout> page, store.ListRollouts(query));
    std::move(page.items.begin(), page.items.end(), std::back_inserter(running.items));
    std::move(page.unread.begin(), page.unread.end(), std::back_inserter(running.unread));
    query.cursor = page.next_cursor;
  } while (!query.cursor.empty());
  return running;
}

// The same evidence at two instants: what is still expected changes with the clock alone, and the
// peak with having looked.
rollout::Evidence Timeless(rollout::Evidence evidence) {
  evidence.units_left.reset();
  evidence.log_e_peak = 0;
  return evidence;
}

store::RolloutVerdict LatestLook(const RolloutLook& look) {
  store::RolloutVerdict latest;
  latest.rollout = look.stored.rollout.id;
  latest.decision = WordOf(look.verdict.decision);
  latest.sentence = look.sentence;
  latest.evidence = look.fault ? rollout::ToJson(look.evidence) : "{}";
  latest.verdict = look.fault ? rollout::ToJson(look.verdict) : "{}";
  return latest;
}

view::RolloutStanding StandingFrom(const Rollout& rollout) {
  view::RolloutStanding standing;
  standing.id = rollout.id;
  standing.route = rollout.route;
  standing.candidate = rollout.candidate;
  standing.steps = static_cast<std::uint32_t>(rollout.plan.steps.size());
  return standing;
}

void Update(const Rollout& rollout, view::RolloutStanding& standing) {
  standing.phase = rollout.phase;
  standing.step = rollout.step;
  standing.share = rollout.share();
  standing.overdue = rollout.paged;
  standing.said = rollout.said;
}

}  // namespace

RolloutDriver::RolloutDriver(const DriverWorld& world, DriverPorts ports, std::string owner)
    : store_(world.store),
      clock_(world.clock),
      reads_(world.reads),
      writer_(world.writer),
      ports_(std::move(ports)),
      owner_(std::move(owner)) {}

// ---- Finding what is due.

Task<void> RolloutDriver::Survey() {
  if (finding_ || ending_) co_return;
  finding_ = true;
  auto find = FindRunning();
  const Status found = co_await std::move(find);
  finding_ = false;
  const std::string trouble = found ? "" : Describe(found.error());
  if (!found && find_trouble_.empty()) {
    LogWarning("rollouts are not driven: the registry does not say which run",
               {{"error", trouble}});
  }
  if (found && !find_trouble_.empty()) LogInfo("rollouts are driven again", {});
  find_trouble_ = trouble;
  for (std::size_t wanted = due_.size(); wanted > 0 && lanes_ < kLanes; --wanted) {
    ++lanes_;
    ports_.spawn(Lane());
  }
}

Task<Status> RolloutDriver::FindRunning() {
  auto read = RunOn(reads_, [this] { return RunningIn(store_); });
  const Result<store::Page<Rollout>> running = co_await std::move(read);
  if (!running) co_return Fail(running.error());
  NoteRunning(*running);
  due_.clear();
  for (const Rollout& rollout : running->items) {
    if (!busy_.contains(rollout.id)) due_.insert(rollout.id);
  }
  co_return Status();
}

Task<void> RolloutDriver::Lane() {
  while (const std::optional<RolloutId> id = NextDue()) {
    busy_.insert(*id);
    auto drive = Drive(*id);
    co_await std::move(drive);
    busy_.erase(*id);
  }
  --lanes_;
}

std::optional<RolloutId> RolloutDriver::NextDue() {
  if (ending_ || due_.empty()) return std::nullopt;
  return due_.extract(due_.begin()).value();
}

// ---- One look.

Task<void> RolloutDriver::Drive(RolloutId id) {
  auto ask = HasLease(id);
  const Result<bool> mine = co_await std::move(ask);
  if (!mine) co_return NoteTrouble(id, "its lease", mine.error());
  NoteDriver(id, *mine);
  if (!*mine) co_return;
  auto read = Look(id);
  Result<RolloutLook> look = co_await std::move(read);
  if (!look) co_return NoteTrouble(id, "its evidence", look.error());
  auto act = Act(std::move(*look));
  const Status done = co_await std::move(act);
  if (!done) co_return NoteTrouble(id, kItsNextMove, done.error());
  // That a step up has failed is told until one comes through.
  const Known& known = KnownOf(id);
  if (!known.rising && clock_.SteadyNow() >= known.up_not_before) NoteWell(id);
}

// Prolonged in good time: whoever may act for half of it needs more than half of that.
Task<Result<bool>> RolloutDriver::HasLease(RolloutId id) {
  const Known& known = KnownOf(id);
  if (known.held && clock_.SteadyNow() - known.held->since < kRolloutLease / 4) co_return true;
  auto take = TakeLease(std::move(id));
  co_return co_await std::move(take);
}

Task<Result<bool>> RolloutDriver::TakeLease(RolloutId id) {
  const SteadyTime now = clock_.SteadyNow();
  Known& known = KnownOf(id);
  auto take = RunOn(writer_, [&] { return store_.TakeLease(id, owner_, kRolloutLease); });
  Result<std::optional<store::RolloutLease>> taken = co_await std::move(take);
  if (!taken) {
    if (!MayAct(known)) known.held.reset();
    if (known.held) co_return true;  // For as long as the one before lasts.
    co_return Fail(std::move(taken).error());
  }
  known.held.reset();
  if (*taken) known.held = Held{std::move(**taken), now};
  if (!*taken) {
    known.closed = {};
    known.broken.reset();
  }
  co_return known.held.has_value();
}

// A look may take longer than any lease. While the token is the same nobody else has driven since,
// and what people did is another revision than the one that a move is pinned to.
Task<Result<bool>> RolloutDriver::HoldsStill(RolloutId id) {
  const Known& known = KnownOf(id);
  if (MayAct(known)) co_return true;
  const auto token = known.held->lease.token;
  auto take = TakeLease(id);
  const Result<bool> mine = co_await std::move(take);
  if (!mine) co_return Fail(mine.error());
  NoteDriver(id, *mine);
  if (!*mine) co_return false;
  co_return known.held->lease.token == token;
}

Task<Result<RolloutLook>> RolloutDriver::Look(RolloutId id) {
  const LogPeak peak = KnownOf(id).peak;
  ClosedEpochs closed = std::exchange(KnownOf(id).closed, {});
  auto read = RunOn(reads_, [this, id, peak, &closed]() -> Result<RolloutLook> {
    PODIUM_TRY_ASSIGN(store::RolloutEvidence stored, store_.ReadEvidence(id, closed.versions));
    if (stored.rollout.epochs.empty()) {
      return Fail(ErrorCode::kInternal, "rollout {} has no epoch", id.get());
    }
    const rollout::EpochBaseline baseline = ports_.baseline(stored.rollout.primary);
    return LookAt(std::move(stored), baseline, peak, closed);
  });
  Result<RolloutLook> look = co_await std::move(read);
  KnownOf(id).closed = std::move(closed);
  co_return look;
}

Task<Status> RolloutDriver::Act(RolloutLook look) {
  const Rollout& rollout = look.stored.rollout;
  Known& known = KnownOf(rollout.id);
  if (!IsSticky(rollout.plan.unit)) known.peak = std::max(known.peak, look.verdict.log_e_rollback);
  NoteLook(look);
  Result<std::optional<store::MoveRollout>> move = NextMove(
      look, {.harm = HarmOf(rollout, known), .held_up = clock_.SteadyNow() < known.up_not_before});
  if (!move) co_return Fail(std::move(move).error());
  if (*move) {
    auto ask = HoldsStill(rollout.id);
    const Result<bool> still = co_await std::move(ask);
    if (!still) co_return Fail(still.error());
    if (!*still) co_return Status();  // The next look is of what the other one has left.
  }
  const bool up = *move && GoesUp(rollout, **move);
  // A page or a further part would move the row away under a step up that is on its way.
  const bool waits = *move && !TakesAway(**move) && (known.rising || (up && rising_ >= kLanes));
  if (!*move || waits) {
    auto keep = Keep(look);
    co_return co_await std::move(keep);
  }
  (*move)->token = known.held->lease.token;
  if (up) {
    BeginRise(std::move(**move), known);
    co_return Status();
  }
  auto carry = Carry(**move);
  const Status done = co_await std::move(carry);
  co_return NoteOutcome(**move, done);
}

// Apart from the look that decided it: replicas may take minutes to be ready.
void RolloutDriver::BeginRise(store::MoveRollout move, Known& known) {
  known.rising = true;
  ++rising_;
  ports_.spawn(Rise(std::move(move)));
}

Task<void> RolloutDriver::Rise(store::MoveRollout move) {
  auto carry = Carry(move);
  const Status done = co_await std::move(carry);
  --rising_;
  Known& known = KnownOf(move.id);
  known.rising = false;
  if (!done) known.up_not_before = clock_.SteadyNow() + kStepUpRetry;
  const Status noted = NoteOutcome(move, done);
  if (!noted) NoteTrouble(move.id, kItsNextMove, noted.error());
}

// Somebody else was quicker, as a rule, which the next look shows; twice at the same revision it
// is another matter.
Status RolloutDriver::NoteOutcome(const store::MoveRollout& move, const Status& done) {
  Known& known = KnownOf(move.id);
  const bool conflict = !done && done.error().code == ErrorCode::kConflict;
  const bool again = conflict && known.refused_at == move.seen;
  known.refused_at.reset();
  if (conflict) known.refused_at = move.seen;
  return conflict && !again ? Status() : done;
}

Task<Status> RolloutDriver::Carry(store::MoveRollout move) {
  store::MutationContext context;
  context.actor = "podium";
  context.origin = "rollout";
  context.reason = move.said;
  auto carry_out = ports_.carry_out(std::move(move), std::move(context));
  const Result<store::Committed> done = co_await std::move(carry_out);
  if (!done) co_return Fail(done.error());
  if (done->rollout) {
    LogInfo("a rollout moved", {{"route", done->rollout->route.get()},
                                {"rollout", done->rollout->id.get()},
                                {"phase", NameOf(done->rollout->phase)},
                                {"share_pct", FormatPercent(done->rollout->share())},
                                {"said", done->rollout->said}});
  }
  co_return Status();
}

Task<Status> RolloutDriver::Keep(const RolloutLook& look) {
  Known& known = KnownOf(look.stored.rollout.id);
  store::RolloutVerdict latest = LatestLook(look);
  const SteadyTime now = clock_.SteadyNow();
  const rollout::Evidence evidence = Timeless(look.evidence);
  const bool decided = latest.decision != known.kept_decision;
  const bool changed = !known.kept || *known.kept != evidence;
  if (!decided && (!changed || now - known.kept_at < kKeepLookEvery)) co_return Status();
  const store::LookPin pin{known.held ? known.held->lease.token : 0, look.stored.rollout.revision};
  auto keep = RunOn(writer_, [&] { return store_.KeepLook(latest, pin); });
  const Status kept = co_await std::move(keep);
  // Another one drives by now, or somebody has moved it: the next look is of that.
  if (!kept && kept.error().code == ErrorCode::kConflict) co_return Status();
  if (!kept) co_return Fail(kept.error());
  known.kept = evidence;
  known.kept_decision = latest.decision;
  known.kept_at = now;
  co_return Status();
}

bool RolloutDriver::MayAct(const Known& known) const {
  return known.held && clock_.SteadyNow() - known.held->since < kRolloutLease / 2;
}

std::string RolloutDriver::HarmOf(const Rollout& rollout, Known& known) const {
  if (!ports_.is_broken || !ports_.is_broken(rollout)) {
    known.broken.reset();
    return "";
  }
  const SteadyTime now = clock_.SteadyNow();
  if (!known.broken || now - known.broken->seen > kBrokenSeen) known.broken = Broken{now, now};
  known.broken->seen = now;
  if (now - known.broken->since <= kBrokenFor) return "";
  return fmt::format("The circuit breaker of {} has not closed for more than {} seconds.",
                     rollout.candidate.get(), kBrokenFor.count());
}

// ---- The end.

void RolloutDriver::GiveUpLeases() {
  for (auto& [id, known] : known_) {
    // A registry that is away would hold up the stop; the lease runs out by itself.
    if (!known.held || !known.trouble.empty()) continue;
    if (const Status given = store_.GiveUpLease(id, owner_); !given) {
      LogWarning("a rollout waits until the lease of this replica has run out",
                 {{"rollout", id.get()}, {"error", Describe(given.error())}});
      return;
    }
    known.held.reset();
  }
}

// ---- What is told.

RolloutDriver::Known& RolloutDriver::KnownOf(const RolloutId& id) { return known_[id]; }

void RolloutDriver::NoteRunning(const store::Page<Rollout>& running) {
  std::set<RolloutId> ids;
  for (const Rollout& rollout : running.items) ids.insert(rollout.id);
  for (const std::string& id : running.unread) ids.insert(RolloutId(id));
  std::erase_if(known_, [&](const auto& one) {
    return !ids.contains(one.first) && !busy_.contains(one.first) && !one.second.rising;
  });
  const std::lock_guard lock(mutex_);
  std::erase_if(standings_, [&](const auto& one) { return !ids.contains(one.first); });
  for (const Rollout& rollout : running.items) {
    view::RolloutStanding& standing =
        standings_.try_emplace(rollout.id, StandingFrom(rollout)).first->second;
    if (standing.unread) standing = StandingFrom(rollout);  // Mended.
    Update(rollout, standing);
  }
  for (const std::string& id : running.unread) NoteUnread(RolloutId(id));
}

// Once, not each second. REQUIRES: mutex_ is held.
void RolloutDriver::NoteUnread(const RolloutId& id) {
  view::RolloutStanding& standing = standings_[id];
  if (standing.unread) return;
  standing.id = id;
  standing.unread = true;
  standing.driven_here = false;
  standing.trouble =
      "its row cannot be read, so nobody drives it: set its phase to 'aborted' by SQL";
  LogWarning("a rollout runs and is not driven",
             {{"rollout", id.get()}, {"error", standing.trouble}});
}

void RolloutDriver::NoteLook(const RolloutLook& look) {
  const std::lock_guard lock(mutex_);
  const auto found = standings_.find(look.stored.rollout.id);
  if (found == standings_.end()) return;
  view::RolloutStanding& standing = found->second;
  Update(look.stored.rollout, standing);
  standing.decision = WordOf(look.verdict.decision);
  standing.sentence = look.sentence;
  standing.log_e = look.verdict.log_e_rollback;
  standing.log_e_needs = look.verdict.rollback_needs;
  standing.log_e_sample_ratio = look.verdict.log_e_sample_ratio;
  standing.sample_ratio_needs = look.verdict.sample_ratio_needs;
  standing.looked_at = look.stored.now;
  if (look.evidence.steps.empty()) return;
  standing.canary_units = look.evidence.steps.back().canary_units;
  standing.units = look.evidence.steps.back().units;
}

void RolloutDriver::NoteDriver(const RolloutId& id, bool here) {
  const std::lock_guard lock(mutex_);
  const auto found = standings_.find(id);
  if (found == standings_.end()) return;
  view::RolloutStanding& standing = found->second;
  standing.driven_here = here;
  if (here) return;
  standing.decision.clear();  // Of a look from here: the driver's are newer.
  standing.sentence.clear();
  standing.trouble.clear();
}

// Once for each kind: it is tried again every second.
void RolloutDriver::NoteTrouble(const RolloutId& id, std::string_view what, const Error& error) {
  Known& known = KnownOf(id);
  const std::string kind = fmt::format("{}: {}", what, TraitsOf(error.code).slug);
  if (known.trouble != kind) {
    LogWarning("a rollout does not go on: tried again shortly",
               {{"rollout", id.get()}, {"at", what}, {"error", Describe(error)}});
  }
  known.trouble = kind;
  const std::lock_guard lock(mutex_);
  const auto found = standings_.find(id);
  if (found != standings_.end()) found->second.trouble = Describe(error);
}

void RolloutDriver::NoteWell(const RolloutId& id) {
  Known& known = KnownOf(id);
  if (known.trouble.empty()) return;
  known.trouble.clear();
  LogInfo("a rollout goes on", {{"rollout", id.get()}});
  const std::lock_guard lock(mutex_);
  const auto found = standings_.find(id);
  if (found != standings_.end()) found->second.trouble.clear();
}

std::vector<view::RolloutStanding> RolloutDriver::Standings() const {
  const std::lock_guard lock(mutex_);
  std::vector<view::RolloutStanding> standings;
  for (const auto& [id, standing] : standings_) standings.push_back(standing);
  return standings;
}

std::optional<view::RolloutStanding> RolloutDriver::StandingOf(const RolloutId& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = standings_.find(id);
  if (found == standings_.end()) return std::nullopt;
  return found->second;
}

}  // namespace podium::control
