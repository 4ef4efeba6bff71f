#include "testing/scenario_run.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "routing/choose.h"
#include "testing/scenario_facts.h"
#include "testing/scenario_rollouts.h"
#include "testing/scenario_table.h"

namespace podium::testing::scenario {
namespace {

using TablePtr = std::shared_ptr<const routing::RoutesPart>;

template <typename... Args>
Failure Broken(fmt::format_string<Args...> format, Args&&... args) {
  return Fail(ErrorCode::kConflict, format, std::forward<Args>(args)...);
}

Status Compare(std::string_view what, std::string_view wanted, std::string_view found) {
  if (wanted == found) return {};
  return Broken("expected {} {}, got {}", what, wanted, found);
}

std::string SessionOf(const Crowd& crowd, int number) {
  return fmt::format("{}{}", crowd.prefix, number);
}

std::string AssignedId(const routing::Decision& decision) {
  if (decision.version == routing::kNoVersion) return std::string(kNobody);
  return decision.route->At(decision.version).model_id.get();
}

class Play {
 public:
  explicit Play(const Stage& stage) : stage_(stage), store_(stage.open()), start_(Now()) {}

  Status Run(const Deed& deed) {
    return std::visit([this](const auto& one) { return Do(one); }, deed);
  }

 private:
  WallTime Now() const { return stage_.clock.Now(); }

  // --- acts ---

  Result<store::Committed> Perform(const Act& act) {
    store::MutationContext context;
    context.actor = act.actor.empty() ? actor_ : act.actor;
    context.reason = act.reason;
    context.as_follower = act.as_follower;
    context.named_person = act.in_person;
    if (act.if_revision) context.if_match = Resolve(*act.if_revision);
    if (act.if_primary_since) context.pinned_primary = Resolve(*act.if_primary_since);
    store::Mutation mutation = act.mutation;
    auto* canary = std::get_if<store::SetCanary>(&mutation);
    if (canary != nullptr && canary->route.get().empty()) {
      PODIUM_TRY_ASSIGN(const ModelVersion row, store_->FindVersion(canary->id));
      canary->route = row.route;
    }
    PODIUM_TRY(FindItsRollout(*store_, act.as_driver, mutation));
    return store_->Apply(mutation, context);
  }

  Status Do(const Act& act) {
    const Result<store::Committed> done = Perform(act);
    if (!done) return Broken("expected this to be done, got {}", Describe(done.error()));
    changed_ = done->changed;
    return CheckInvariants();
  }

  Status Do(const ExpectRefusal& expect) {
    PODIUM_TRY_ASSIGN(const Revision before, store_->ReadRevision());
    const Result<store::Committed> done = Perform(expect.act);
    if (done) return Broken("expected a refusal with {}, got it done", expect.http_status);
    const int status = TraitsOf(done.error().code).http_status;
    if (status != expect.http_status ||
        done.error().message.find(expect.says) == std::string::npos) {
      return Broken("expected {} \"{}\", got {} \"{}\"", expect.http_status, expect.says, status,
                    done.error().message);
    }
    PODIUM_TRY_ASSIGN(const Revision after, store_->ReadRevision());
    if (after != before) {
      return Broken("expected a refusal to leave revision {}, got {}", before.get(), after.get());
    }
    return CheckInvariants();
  }

  Status CheckInvariants() {
    PODIUM_TRY_ASSIGN(const store::TableDelta table, store_->ReadTable(Revision(0)));
    std::map<std::pair<std::string, VersionStatus>, int> holders;
    for (const ModelVersion& row : table.versions) {
      const bool single =
          row.status == VersionStatus::kPrimary || row.status == VersionStatus::kCanary;
      if (!single || row.deleted) continue;
      if (++holders[{row.route.get(), row.status}] > 1) {
        return Broken("invariant 1: route {} has a second {}, {}", row.route.get(),
                      NameOf(row.status), row.model_id.get());
      }
    }
    PODIUM_TRY_ASSIGN(const store::AuditVerdict verdict, store_->VerifyAudit());
    if (!verdict.intact()) return Broken("invariant 2: the audit is broken: {}", verdict.problem);
    if (verdict.rows != table.revision.get()) {
      return Broken("invariant 2: {} audit rows at revision {}", verdict.rows,
                    table.revision.get());
    }
    return {};
  }

  Status Do(const Pass& pass) {
    if (pass.back) {
      stage_.clock.SetWall(Now() - pass.time);
    } else {
      stage_.clock.Advance(pass.time);
    }
    return {};
  }

  Status Do(const Reopen&) {
    if (!stage_.keeps_rows) return {};
    store_.reset();
    store_ = stage_.open();
    return CheckInvariants();
  }

  Status Do(const SpeakAs& speak) {
    actor_ = speak.actor;
    return {};
  }

  Status Do(const Suppose& suppose) {
    table_.Add(suppose);
    return table_.Read(*store_).map([](const TablePtr&) {});
  }

  // --- notes ---

  Result<std::string> TextOfNote(const Note& note) {
    if (note.what == Noted::kRevisionOfVersion) {
      PODIUM_TRY_ASSIGN(const ModelVersion row, store_->FindVersion(ModelId(note.subject)));
      return fmt::format("{}", row.revision.get());
    }
    PODIUM_TRY_ASSIGN(const store::RouteState state, store_->ReadRoute(RouteName(note.subject)));
    if (note.what == Noted::kSalt) return state.route.salt;
    if (note.what == Noted::kCanarySalt) return state.route.canary_salt;
    const bool primary = note.what == Noted::kPrimarySince;
    return fmt::format("{}", (primary ? state.route.primary_since : state.route.revision).get());
  }

  Status Do(const Note& note) {
    PODIUM_TRY_ASSIGN(notes_[note.name], TextOfNote(note));
    return {};
  }

  Revision Resolve(const RevisionRef& ref) const {
    if (const auto* revision = std::get_if<Revision>(&ref)) return *revision;
    return Revision(std::stoll(notes_.at(std::get<std::string>(ref))));
  }

  /// What a fact should be: a revision may be given as a note.
  std::string Wanted(const Fact& fact) const {
    const bool revision =
        fact.key == "revision" || fact.key == "undoes" || fact.key == "generation";
    const auto note = notes_.find(fact.value);
    return revision && note != notes_.end() ? note->second : fact.value;
  }

  // --- what the store says ---

  Status Do(const ExpectNoChange&) {
    if (changed_) return Broken("expected the last act to change nothing, got a new revision");
    return {};
  }

  Status Do(const ExpectAbsent& expect) {
    const ErrorCode code = expect.route ? CodeOf(store_->ReadRoute(RouteName(expect.name)))
                                        : CodeOf(store_->FindVersion(ModelId(expect.name)));
    if (code == ErrorCode::kNotFound) return {};
    return Broken("expected no {} {}, got one", expect.route ? "route" : "version", expect.name);
  }

  /// kInternal for a value: only kNotFound is asked for.
  template <typename T>
  static ErrorCode CodeOf(const Result<T>& result) {
    return result ? ErrorCode::kInternal : result.error().code;
  }

  Status Do(const ExpectFacts& expect) {
    for (const Fact& fact : expect.facts) {
      PODIUM_TRY_ASSIGN(const std::string found, FactAbout(expect, fact.key));
      PODIUM_TRY(Compare(fmt::format("{}{}", SubjectText(expect), fact.key), Wanted(fact), found));
    }
    return {};
  }

  static std::string SubjectText(const ExpectFacts& expect) {
    switch (expect.subject) {
      case Subject::kRegistry:
        return "";
      case Subject::kRoute:
        return fmt::format("route {} ", expect.name);
      case Subject::kVersion:
        return fmt::format("version {} ", expect.name);
      case Subject::kRollout:
        return fmt::format("the newest rollout of {}: ", expect.name);
      case Subject::kNewestAudit:
        return "the newest audit row's ";
      case Subject::kNewestEvent:
        return "the newest event's ";
    }
    return "";
  }

  Result<std::string> FactAbout(const ExpectFacts& expect, std::string_view key) {
    switch (expect.subject) {
      case Subject::kRegistry:
        return store_->ReadRevision().map([](Revision at) { return fmt::format("{}", at.get()); });
      case Subject::kRoute:
        return store_->ReadRoute(RouteName(expect.name)).map([&](const store::RouteState& state) {
          return FactOf(state, key);
        });
      case Subject::kVersion:
        return store_->FindVersion(ModelId(expect.name)).map([&](const ModelVersion& row) {
          return FactOf(row, key, start_);
        });
      case Subject::kRollout:
        return NewestRollout(*store_, RouteName(expect.name)).map([&](const Rollout& row) {
          return FactOf(row, key);
        });
      case Subject::kNewestAudit:
        return NewestAudit().map([&](const Promotion& row) { return FactOf(row, key, start_); });
      case Subject::kNewestEvent:
        return NewestEventType();
    }
    return std::string();
  }

  Result<Promotion> NewestAudit() {
    PODIUM_TRY_ASSIGN(const store::Page<Promotion> page,
                      store_->ListPromotions({std::nullopt, 1, ""}));
    if (page.items.empty()) return Broken("expected an audit row, got none");
    return page.items.front();
  }

  Result<std::string> NewestEventType() {
    PODIUM_TRY_ASSIGN(const Revision revision, store_->ReadRevision());
    std::string type = "no event";
    std::int64_t after = 0;
    for (;;) {
      PODIUM_TRY_ASSIGN(const std::vector<store::OutboxEvent> events,
                        store_->ReadOutbox(after, 500));
      if (events.empty()) return type;
      after = events.back().sequence;
      type = events.back().revision == revision ? events.back().type : "no event of this revision";
    }
  }

  Status Do(const ExpectRoles& expect) {
    PODIUM_TRY_ASSIGN(store::RouteState state, store_->ReadRoute(expect.route));
    std::vector<std::string> found;
    for (const ModelVersion& row : state.versions) found.push_back(RoleOf(row));
    std::vector<std::string> wanted = expect.roles;
    std::sort(found.begin(), found.end());
    std::sort(wanted.begin(), wanted.end());
    return Compare(fmt::format("roles of {}:", expect.route.get()),
                   fmt::format("{}", fmt::join(wanted, ", ")),
                   fmt::format("{}", fmt::join(found, ", ")));
  }

  Status Do(const ExpectArms& expect) {
    PODIUM_TRY_ASSIGN(const store::RouteState state, store_->ReadRoute(expect.route));
    return Compare(fmt::format("arms of {}:", expect.route.get()), TextOfArms(expect.arms),
                   TextOfArms(state.route.arms));
  }

  Status Do(const ExpectSalt& expect) {
    PODIUM_TRY_ASSIGN(const store::RouteState state, store_->ReadRoute(expect.route));
    const std::string& found = expect.canary ? state.route.canary_salt : state.route.salt;
    const std::string noted = expect.note.empty() ? "" : notes_.at(expect.note);
    if ((found == noted) == expect.same) return {};
    return Broken(
        "expected the {}salt of {} to be {}{}, got \"{}\"", expect.canary ? "canary " : "",
        expect.route.get(), expect.same ? "" : "another than ",
        expect.note.empty() ? "none" : fmt::format("\"{}\" ({})", noted, expect.note), found);
  }

  Status Do(const ExpectAudit& expect) {
    PODIUM_TRY_ASSIGN(const store::AuditVerdict verdict, store_->VerifyAudit());
    if (!expect.rows) return Compare("an intact audit:", "", verdict.problem);
    return Compare("audit rows:", fmt::format("{}", *expect.rows), fmt::format("{}", verdict.rows));
  }

  // --- what the routing says ---

  Result<const routing::CompiledRoute*> CompiledOf(const RouteName& route) {
    PODIUM_TRY_ASSIGN(compiled_, table_.Read(*store_));
    const routing::CompiledRoute* found = compiled_->Find(route.get());
    if (found == nullptr)
      return Broken("expected route {} in the routing table, got none", route.get());
    return found;
  }

  Result<routing::Decision> Choose(const ExpectChoice& expect) {
    PODIUM_TRY_ASSIGN(const routing::CompiledRoute* const route, CompiledOf(expect.route));
    routing::RequestIds ids{expect.session, expect.user, expect.request};
    ids.request_made_here = expect.request.empty();
    if (ids.request_made_here) ids.request = "made-here";
    if (expect.forced.empty()) return routing::Choose(*route, compiled_->generation(), ids);
    const routing::VersionIndex forced = routing::FindOverride(*route, expect.forced);
    return routing::ChooseOverride(*route, compiled_->generation(), ids, forced);
  }

  Status Do(const ExpectChoice& expect) {
    PODIUM_TRY_ASSIGN(const routing::Decision decision, Choose(expect));
    PODIUM_TRY(Compare("the choice to be", expect.id, AssignedId(decision)));
    for (const Fact& fact : expect.facts) {
      PODIUM_TRY(Compare("the choice's " + fact.key, Wanted(fact), FactOf(decision, fact.key)));
    }
    return {};
  }

  Result<std::vector<std::string>> Assignments(const RouteName& name, const Crowd& crowd) {
    PODIUM_TRY_ASSIGN(const routing::CompiledRoute* const route, CompiledOf(name));
    std::vector<std::string> assigned;
    for (int i = crowd.first; i <= crowd.last; ++i) {
      const std::string session = SessionOf(crowd, i);
      assigned.push_back(
          AssignedId(routing::Choose(*route, compiled_->generation(), {session, "", ""})));
    }
    return assigned;
  }

  Status Do(const ExpectEverybody& expect) {
    PODIUM_TRY_ASSIGN(const std::vector<std::string> assigned,
                      Assignments(expect.route, expect.crowd));
    for (std::size_t i = 0; i < assigned.size(); ++i) {
      const int number = expect.crowd.first + static_cast<int>(i);
      PODIUM_TRY(Compare(fmt::format("the choice for {} to be", SessionOf(expect.crowd, number)),
                         expect.id.get(), assigned[i]));
    }
    return {};
  }

  Status Do(const ExpectShare& expect) {
    PODIUM_TRY_ASSIGN(const ModelVersion row, store_->FindVersion(expect.id));
    PODIUM_TRY_ASSIGN(const std::vector<std::string> assigned,
                      Assignments(row.route, expect.crowd));
    const auto mine = std::count(assigned.begin(), assigned.end(), expect.id.get());
    // Both sides times the size of the crowd: no rounding between a count and a share.
    const auto size = static_cast<std::int64_t>(assigned.size());
    const std::int64_t scaled = mine * BasisPoints::kWhole;
    if (scaled >= expect.low.value() * size && scaled <= expect.high.value() * size) return {};
    return Broken("expected the share of {} within {}..{}, got {} of {} sessions", expect.id.get(),
                  TextOfShare(expect.low), TextOfShare(expect.high), mine, size);
  }

  Status Do(const Remember& remember) {
    PODIUM_TRY_ASSIGN(remembered_, Assignments(remember.route, remember.crowd));
    memory_ = remember;
    return {};
  }

  Status Do(const ExpectMoves& expect) {
    if (remembered_.empty()) return Broken("expected choices to be remembered before this line");
    PODIUM_TRY_ASSIGN(const std::vector<std::string> now,
                      Assignments(memory_.route, memory_.crowd));
    int moved = 0;
    for (std::size_t i = 0; i < now.size(); ++i) {
      const std::string& before = remembered_[i];
      if (now[i] == before) continue;
      ++moved;
      const bool allowed =
          expect.to && now[i] == expect.to->get() && (!expect.from || before == expect.from->get());
      if (allowed) continue;
      const int number = memory_.crowd.first + static_cast<int>(i);
      return Broken("expected {}, got {} moved from {} to {}", MovesText(expect),
                    SessionOf(memory_.crowd, number), before, now[i]);
    }
    if (expect.to && moved == 0) return Broken("expected {}, got nobody moved", MovesText(expect));
    return {};
  }

  static std::string MovesText(const ExpectMoves& expect) {
    if (!expect.to) return "nobody to move";
    return fmt::format("moves only{} to {}", expect.from ? " from " + expect.from->get() : "",
                       expect.to->get());
  }

  Status Do(const ExpectSetAside& expect) {
    PODIUM_TRY(table_.Read(*store_));
    std::string found;
    for (const routing::CompileFault& fault : table_.faults()) {
      const std::string& subject = fault.row.empty() ? fault.route.get() : fault.row;
      const bool named = subject == expect.id;
      if (named && fault.problem.find(expect.says) != std::string::npos) return {};
      found += fmt::format("{}{}: {}", found.empty() ? "" : "; ", subject, fault.problem);
    }
    if (expect.id.empty() && found.empty()) return {};
    return Broken("expected set aside: {} \"{}\", got: {}",
                  expect.id.empty() ? "nothing" : expect.id, expect.says,
                  found.empty() ? "nothing" : found);
  }

  const Stage& stage_;
  std::unique_ptr<store::RegistryStore> store_;
  WallTime start_;
  std::string actor_ = "local";
  bool changed_ = true;
  std::map<std::string, std::string> notes_;
  ScenarioTable table_;
  TablePtr compiled_;
  Remember memory_;
  std::vector<std::string> remembered_;  // One id per session of memory_.crowd.
};

}  // namespace

std::string RunScenario(const Scenario& scenario, const Stage& stage) {
  Play play(stage);
  for (const Statement& statement : scenario.statements) {
    if (const Status done = play.Run(statement.deed); !done) {
      return fmt::format("{}:{} on {}: {}", scenario.file, statement.line, stage.store,
                         Describe(done.error()));
    }
  }
  return "";
}

}  // namespace podium::testing::scenario
