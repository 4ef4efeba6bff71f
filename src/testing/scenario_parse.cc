#include "testing/scenario_parse.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "domain/promotion.h"
#include "testing/scenario_rollouts.h"
#include "testing/scenario_values.h"
#include "testing/scenario_words.h"

namespace podium::testing::scenario {
namespace {

// How the value behind a fact's key is written.
enum class Value { kName, kText, kShare, kNumber, kRevision, kTime };
struct FactKey {
  std::string_view key;
  Value value;
};
using FactKeys = std::vector<FactKey>;

const FactKeys& RouteKeys() {
  static const FactKeys keys = {
      {"primary", Value::kName},  {"canary", Value::kName}, {"share", Value::kShare},
      {"previous", Value::kName}, {"policy", Value::kName}, {"sticky", Value::kName},
      {"follows", Value::kName},  {"held", Value::kText},   {"revision", Value::kRevision}};
  return keys;
}

const FactKeys& VersionKeys() {
  static const FactKeys keys = {{"status", Value::kName},  {"share", Value::kShare},
                                {"route", Value::kName},   {"name", Value::kName},
                                {"version", Value::kName}, {"provider", Value::kName},
                                {"parent", Value::kName},  {"created", Value::kTime},
                                {"updated", Value::kTime}, {"revision", Value::kRevision}};
  return keys;
}

const FactKeys& RolloutKeys() {
  static const FactKeys keys = {{"phase", Value::kName},    {"step", Value::kNumber},
                                {"share", Value::kShare},   {"candidate", Value::kName},
                                {"primary", Value::kName},  {"attempt", Value::kNumber},
                                {"epochs", Value::kNumber}, {"said", Value::kText}};
  return keys;
}

const FactKeys& AuditKeys() {
  static const FactKeys keys = {
      {"from", Value::kName},    {"to", Value::kName},         {"by", Value::kName},
      {"because", Value::kText}, {"before", Value::kShare},    {"after", Value::kShare},
      {"at", Value::kTime},      {"undoes", Value::kRevision}, {"revision", Value::kRevision}};
  return keys;
}

const FactKeys& ChoiceKeys() {
  static const FactKeys keys = {{"because", Value::kName}, {"bucket", Value::kNumber},
                                {"fine", Value::kNumber},  {"propensity", Value::kShare},
                                {"sticky", Value::kName},  {"generation", Value::kRevision}};
  return keys;
}

class LineParser {
 public:
  LineParser(Words words, std::set<std::string>& notes) : words_(std::move(words)), notes_(notes) {}

  Result<Deed> Parse() {
    PODIUM_TRY_ASSIGN(Deed deed, Statement());
    PODIUM_TRY(words_.End());
    return deed;
  }

 private:
  Result<Deed> Statement() {
    static const std::vector<std::string_view> keywords = {
        "register", "activate", "promote", "retire",   "delete", "canary",   "end",
        "rollback", "arms",     "follow",  "unfollow", "resume", "rollout",  "after",
        "clock",    "reopen",   "as",      "suppose",  "note",   "remember", "expect"};
    PODIUM_TRY_ASSIGN(const std::string first, words_.OneOf("a statement", keywords));
    if (first == "after") return After();
    if (first == "clock") return ClockBack();
    if (first == "reopen") return Deed(Reopen{});
    if (first == "as") return Speaker();
    if (first == "suppose") return Supposition();
    if (first == "note") return TakeNote();
    if (first == "remember") return Memory();
    if (first == "expect") return Expectation();
    PODIUM_TRY_ASSIGN(Act act, ActOf(first));
    return Deed(std::move(act));
  }

  // --- acts ---

  Result<Act> ActOf(const std::string& verb) {
    Act act;
    PODIUM_TRY_ASSIGN(act.mutation, MutationOf(verb));
    PODIUM_TRY(Circumstances(act));
    return act;
  }

  Result<store::Mutation> MutationOf(const std::string& verb) {
    if (verb == "register") return Registration();
    if (verb == "canary") return Canary();
    if (verb == "arms") return Arms();
    if (verb == "follow") return Following();
    if (verb == "rollout") return ReadRollout(words_);
    if (verb == "end") {
      PODIUM_TRY(words_.Need("canary"));
      PODIUM_TRY(words_.Need("on"));
    }
    if (verb == "end" || verb == "rollback" || verb == "unfollow" || verb == "resume") {
      PODIUM_TRY_ASSIGN(const RouteName route, Route());
      if (verb == "end") return store::Mutation(store::EndCanary{route});
      if (verb == "unfollow") return store::Mutation(store::SetFollow{route, std::nullopt});
      if (verb == "resume") return store::Mutation(store::ResumeFollow{route});
      return store::Mutation(store::RollBackRoute{route});
    }
    PODIUM_TRY_ASSIGN(const ModelId id, Id());
    if (verb == "activate") return store::Mutation(store::ActivateVersion{id});
    if (verb == "promote")
      return store::Mutation(store::PromoteVersion{id, words_.Take("aborting")});
    if (verb == "retire") return store::Mutation(store::RetireVersion{id});
    return Deletion(id);
  }

  Result<store::Mutation> Registration() {
    store::RegisterVersion verb;
    PODIUM_TRY_ASSIGN(verb.version.route, Route());
    PODIUM_TRY_ASSIGN(verb.version.version, words_.Name("a version"));
    PODIUM_TRY(words_.Need("as"));
    PODIUM_TRY_ASSIGN(verb.version.model_id, Id());
    if (words_.Take("shadow")) verb.version.status = VersionStatus::kShadow;
    if (words_.Take("name")) {
      PODIUM_TRY_ASSIGN(verb.version.name, words_.Name("a name"));
    }
    if (words_.Take("parent")) {
      PODIUM_TRY_ASSIGN(verb.version.parent_id, Id());
    }
    return store::Mutation(std::move(verb));
  }

  Result<store::Mutation> Canary() {
    store::SetCanary verb;
    PODIUM_TRY_ASSIGN(verb.id, Id());
    if (words_.Take("on")) {
      PODIUM_TRY_ASSIGN(verb.route, Route());
    }
    PODIUM_TRY(words_.Need("at"));
    PODIUM_TRY_ASSIGN(verb.share, Share());
    return store::Mutation(std::move(verb));
  }

  Result<store::Mutation> Following() {
    store::SetFollow verb;
    PODIUM_TRY_ASSIGN(verb.route, Route());
    Follow& follow = verb.follow.emplace();
    PODIUM_TRY_ASSIGN(follow.model, words_.Name("a registered model"));
    if (words_.Take("champion")) {
      PODIUM_TRY_ASSIGN(follow.champion, words_.Name("@alias or a stage"));
    }
    if (words_.Take("challenger")) {
      PODIUM_TRY_ASSIGN(follow.challenger, words_.Name("@alias, a stage or none"));
    }
    if (words_.Take("at")) {
      PODIUM_TRY_ASSIGN(follow.challenger_share, Share());
    }
    if (words_.Take("rollout")) follow.on_champion = OnChampion::kRollout;
    return store::Mutation(std::move(verb));
  }

  Result<store::Mutation> Arms() {
    store::SetArms verb;
    PODIUM_TRY_ASSIGN(verb.route, Route());
    PODIUM_TRY_ASSIGN(verb.arms, ArmList());
    return store::Mutation(std::move(verb));
  }

  // "m2 20% m3 30%" or "none"; ends where a circumstance begins.
  Result<std::vector<RouteArm>> ArmList() {
    std::vector<RouteArm> arms;
    if (words_.Take("none")) return arms;
    do {
      RouteArm arm;
      PODIUM_TRY_ASSIGN(arm.model_id, Id());
      PODIUM_TRY_ASSIGN(arm.weight, Share());
      arm.slot = static_cast<int>(arms.size());
      arms.push_back(std::move(arm));
    } while (words_.Peek() != nullptr && !AtCircumstance());
    return arms;
  }

  Result<store::Mutation> Deletion(const ModelId& id) {
    store::DeleteVersion verb{id};
    if (words_.Take("even")) {
      PODIUM_TRY(words_.Need("live"));
      verb.allow_live = true;
    }
    return store::Mutation(std::move(verb));
  }

  bool AtCircumstance() const {
    const Word* word = words_.Peek();
    static const std::set<std::string_view> begins = {"as", "in", "by", "because", "if"};
    return !word->quoted && begins.contains(word->text);
  }

  Status Circumstances(Act& act) {
    if (words_.Take("as")) {
      PODIUM_TRY_ASSIGN(const std::string who, words_.OneOf("a role", {"follower", "driver"}));
      act.as_follower = who == "follower";
      act.as_driver = who == "driver";
    }
    if (words_.Take("in")) {
      PODIUM_TRY(words_.Need("person"));
      act.in_person = true;
    }
    if (words_.Take("by")) {
      PODIUM_TRY_ASSIGN(act.actor, words_.Name("an actor"));
    }
    if (words_.Take("because")) {
      PODIUM_TRY_ASSIGN(act.reason, words_.Text("a reason"));
    }
    while (words_.Take("if")) {
      PODIUM_TRY_ASSIGN(const std::string what,
                        words_.OneOf("a condition", {"revision", "primary"}));
      if (what == "primary") PODIUM_TRY(words_.Need("since"));
      PODIUM_TRY_ASSIGN((what == "revision" ? act.if_revision : act.if_primary_since),
                        RevisionOf());
    }
    return {};
  }

  // --- time, people, suppositions, notes ---

  Result<Deed> After() {
    PODIUM_TRY_ASSIGN(const std::chrono::milliseconds time, Time());
    return Deed(Pass{time, false});
  }

  Result<Deed> ClockBack() {
    PODIUM_TRY(words_.Need("back"));
    PODIUM_TRY_ASSIGN(const std::chrono::milliseconds time, Time());
    return Deed(Pass{time, true});
  }

  Result<Deed> Speaker() {
    PODIUM_TRY_ASSIGN(std::string actor, words_.Name("an actor"));
    return Deed(SpeakAs{std::move(actor)});
  }

  Result<Deed> Supposition() {
    Suppose suppose;
    if (words_.Take("nothing")) return Deed(suppose);
    if (words_.Take("provider")) {
      suppose.what = Suppose::What::kProvider;
    } else if (words_.Take("salt")) {
      suppose.what = Suppose::What::kSalt;
    } else if (words_.Take("canary")) {
      PODIUM_TRY(words_.Need("salt"));
      suppose.what = Suppose::What::kCanarySalt;
    } else {
      return SupposedStatus();
    }
    PODIUM_TRY(words_.Need("of"));
    PODIUM_TRY_ASSIGN(suppose.subject, words_.Name("a route or model id"));
    PODIUM_TRY(words_.Need("is"));
    if (words_.Take("none")) return Deed(suppose);
    PODIUM_TRY_ASSIGN(suppose.value, words_.Name("a value"));
    return Deed(suppose);
  }

  Result<Deed> SupposedStatus() {
    Suppose suppose;
    suppose.what = Suppose::What::kStatus;
    PODIUM_TRY_ASSIGN(suppose.subject, words_.Name("a model id"));
    PODIUM_TRY(words_.Need("is"));
    PODIUM_TRY_ASSIGN(suppose.status, RoleName());
    return Deed(suppose);
  }

  Result<Deed> TakeNote() {
    Note note;
    PODIUM_TRY_ASSIGN(const std::string what,
                      words_.OneOf("something to note", {"revision", "primary", "salt", "canary"}));
    if (what == "canary") PODIUM_TRY(words_.Need("salt"));
    if (what == "primary") PODIUM_TRY(words_.Need("since"));
    PODIUM_TRY(words_.Need("of"));
    const bool of_route = what == "revision" && words_.Take("route");
    PODIUM_TRY_ASSIGN(note.subject, words_.Name("a route or model id"));
    PODIUM_TRY(words_.Need("as"));
    PODIUM_TRY_ASSIGN(note.name, words_.Name("a name for the note"));
    if (ReadNumber(note.name)) return words_.WrongLast("a note is called by a word");
    notes_.insert(note.name);
    note.what = what == "salt"      ? Noted::kSalt
                : what == "canary"  ? Noted::kCanarySalt
                : what == "primary" ? Noted::kPrimarySince
                : of_route          ? Noted::kRevisionOfRoute
                                    : Noted::kRevisionOfVersion;
    return Deed(std::move(note));
  }

  Result<Deed> Memory() {
    Remember remember;
    PODIUM_TRY(words_.Need("choices"));
    PODIUM_TRY(words_.Need("of"));
    PODIUM_TRY_ASSIGN(remember.route, Route());
    PODIUM_TRY(words_.Need("for"));
    PODIUM_TRY_ASSIGN(remember.crowd, Sessions());
    return Deed(std::move(remember));
  }

  // --- expectations ---

  Result<Deed> Expectation() {
    static const std::vector<std::string_view> keywords = {
        "fails", "nothing", "no",     "revision", "route",  "version", "roles",
        "arms",  "salt",    "canary", "audit",    "event",  "choose",  "all",
        "share", "nobody",  "moves",  "set",      "rollout"};
    PODIUM_TRY_ASSIGN(const std::string what, words_.OneOf("an expectation", keywords));
    if (what == "fails") return Refusal();
    if (what == "nothing") return Nothing();
    if (what == "no") return Absent();
    if (what == "revision") return RegistryRevision();
    if (what == "route") return Facts(Subject::kRoute, "a route", RouteKeys());
    if (what == "version") return Facts(Subject::kVersion, "a model id", VersionKeys());
    if (what == "rollout") return Facts(Subject::kRollout, "a route", RolloutKeys());
    if (what == "roles") return Roles();
    if (what == "arms") return ExpectedArms();
    if (what == "salt" || what == "canary") return Salt(what == "canary");
    if (what == "audit") return Audit();
    if (what == "event") return Event();
    if (what == "choose") return Choice();
    if (what == "all") return Everybody();
    if (what == "share") return ShareOfCrowd();
    if (what == "set") return SetAside();
    return Moves(what == "nobody");
  }

  Result<Deed> Refusal() {
    static const std::vector<std::string_view> verbs = {
        "register", "activate", "promote", "retire",   "delete", "canary", "end",
        "rollback", "arms",     "follow",  "unfollow", "resume", "rollout"};
    ExpectRefusal expect;
    PODIUM_TRY_ASSIGN(expect.http_status, Number("a status (400 to 599)"));
    if (expect.http_status < 400 || expect.http_status > 599) {
      return words_.WrongLast("a refusal has a status of 400 to 599");
    }
    PODIUM_TRY_ASSIGN(expect.says, words_.Text("what the refusal says"));
    if (expect.says.empty()) return words_.WrongLast("say a part of the refusal's text");
    PODIUM_TRY(words_.Need("when"));
    PODIUM_TRY_ASSIGN(const std::string verb, words_.OneOf("a verb", verbs));
    PODIUM_TRY_ASSIGN(expect.act, ActOf(verb));
    return Deed(std::move(expect));
  }

  Result<Deed> Nothing() {
    PODIUM_TRY_ASSIGN(const std::string what, words_.OneOf("an end", {"changed", "set"}));
    if (what == "changed") return Deed(ExpectNoChange{});
    PODIUM_TRY(words_.Need("aside"));
    return Deed(ExpectSetAside{});
  }

  Result<Deed> Absent() {
    PODIUM_TRY_ASSIGN(const std::string what, words_.OneOf("a noun", {"route", "version"}));
    PODIUM_TRY_ASSIGN(std::string name, words_.Name("a name"));
    return Deed(ExpectAbsent{what == "route", std::move(name)});
  }

  Result<Deed> RegistryRevision() {
    PODIUM_TRY_ASSIGN(std::string value, FactValue(Value::kRevision));
    return Deed(ExpectFacts{Subject::kRegistry, "", {{"revision", std::move(value)}}});
  }

  Result<Deed> Facts(Subject subject, std::string_view what, const FactKeys& keys) {
    ExpectFacts expect;
    expect.subject = subject;
    PODIUM_TRY_ASSIGN(expect.name, words_.Name(what));
    do {
      PODIUM_TRY(TakeFact(expect.facts, keys));
    } while (!words_.empty());
    return Deed(std::move(expect));
  }

  Status TakeFact(std::vector<Fact>& facts, const FactKeys& keys) {
    std::vector<std::string_view> names;
    for (const FactKey& key : keys) names.push_back(key.key);
    Fact fact;
    PODIUM_TRY_ASSIGN(fact.key, words_.OneOf("something to expect", names));
    for (const FactKey& key : keys) {
      if (key.key != fact.key) continue;
      PODIUM_TRY_ASSIGN(fact.value, FactValue(key.value));
    }
    facts.push_back(std::move(fact));
    return {};
  }

  // As the runner writes what is so: values are compared as text.
  Result<std::string> FactValue(Value kind) {
    switch (kind) {
      case Value::kName:
        return words_.Name("a name, or nobody");
      case Value::kText:
        return words_.Text("a text");
      case Value::kShare: {
        PODIUM_TRY_ASSIGN(const BasisPoints share, Share());
        return FormatPercent(share) + "%";
      }
      case Value::kNumber: {
        PODIUM_TRY_ASSIGN(const int number, Number("a number"));
        return fmt::format("{}", number);
      }
      case Value::kRevision: {
        if (words_.Take("nothing")) return std::string("nothing");
        PODIUM_TRY_ASSIGN(const RevisionRef revision, RevisionOf());
        if (const auto* note = std::get_if<std::string>(&revision)) return *note;
        return fmt::format("{}", std::get<Revision>(revision).get());
      }
      case Value::kTime: {
        PODIUM_TRY_ASSIGN(const std::chrono::milliseconds time, Time());
        return FormatPass(time);
      }
    }
    return words_.Expected("a value");
  }

  Result<Deed> Roles() {
    ExpectRoles expect;
    PODIUM_TRY_ASSIGN(expect.route, Route());
    if (words_.Take("none")) return Deed(std::move(expect));
    do {
      PODIUM_TRY_ASSIGN(std::string role, words_.Name("a model id"));
      PODIUM_TRY_ASSIGN(const VersionStatus status, RoleName());
      role += fmt::format(" {}", NameOf(status));
      if (status == VersionStatus::kCanary) {
        PODIUM_TRY_ASSIGN(const BasisPoints share, Share());
        role += fmt::format(" {}%", FormatPercent(share));
      }
      expect.roles.push_back(std::move(role));
    } while (!words_.empty());
    return Deed(std::move(expect));
  }

  Result<Deed> ExpectedArms() {
    ExpectArms expect;
    PODIUM_TRY_ASSIGN(expect.route, Route());
    PODIUM_TRY_ASSIGN(expect.arms, ArmList());
    return Deed(std::move(expect));
  }

  Result<Deed> Salt(bool canary) {
    ExpectSalt expect;
    expect.canary = canary;
    if (canary) PODIUM_TRY(words_.Need("salt"));
    PODIUM_TRY(words_.Need("of"));
    PODIUM_TRY_ASSIGN(expect.route, Route());
    PODIUM_TRY(words_.Need("is"));
    expect.same = !words_.Take("not");
    if (expect.same && words_.Take("none")) return Deed(std::move(expect));
    PODIUM_TRY_ASSIGN(expect.note, words_.Name("a note"));
    PODIUM_TRY(CheckNote(expect.note));
    return Deed(std::move(expect));
  }

  Result<Deed> Audit() {
    if (words_.Take("intact")) return Deed(ExpectAudit{});
    if (words_.Take("newest")) return NewestAudit();
    PODIUM_TRY_ASSIGN(const int rows, Number("intact, newest or a number of rows"));
    PODIUM_TRY(words_.Need("rows"));
    return Deed(ExpectAudit{rows});
  }

  Result<Deed> NewestAudit() {
    ExpectFacts expect;
    expect.subject = Subject::kNewestAudit;
    PODIUM_TRY_ASSIGN(std::string kind, words_.Name("a kind of audit row"));
    if (!ParsePromotionKind(kind)) return words_.WrongLast("no audit row is of this kind");
    expect.facts.push_back({"kind", std::move(kind)});
    while (!words_.empty()) PODIUM_TRY(TakeFact(expect.facts, AuditKeys()));
    return Deed(std::move(expect));
  }

  Result<Deed> Event() {
    PODIUM_TRY(words_.Need("newest"));
    PODIUM_TRY_ASSIGN(std::string type, words_.Name("a type of event"));
    return Deed(ExpectFacts{Subject::kNewestEvent, "", {{"type", std::move(type)}}});
  }

  Result<Deed> Choice() {
    ExpectChoice expect;
    PODIUM_TRY_ASSIGN(expect.route, Route());
    while (!words_.Take("->")) {
      PODIUM_TRY_ASSIGN(const std::string key,
                        words_.OneOf("an id of the caller, or ->",
                                     {"session", "user", "request", "version", "->"}));
      std::string& id = key == "session"   ? expect.session
                        : key == "user"    ? expect.user
                        : key == "request" ? expect.request
                                           : expect.forced;
      PODIUM_TRY_ASSIGN(id, words_.Name("an id"));
    }
    PODIUM_TRY_ASSIGN(expect.id, words_.Name("a model id, or nobody"));
    while (!words_.empty()) PODIUM_TRY(TakeFact(expect.facts, ChoiceKeys()));
    return Deed(std::move(expect));
  }

  Result<Deed> Everybody() {
    ExpectEverybody expect;
    PODIUM_TRY_ASSIGN(expect.crowd, Sessions());
    PODIUM_TRY(words_.Need("on"));
    PODIUM_TRY_ASSIGN(expect.route, Route());
    PODIUM_TRY(words_.Need("->"));
    PODIUM_TRY_ASSIGN(expect.id, Id());
    return Deed(std::move(expect));
  }

  Result<Deed> ShareOfCrowd() {
    ExpectShare expect;
    PODIUM_TRY(words_.Need("of"));
    PODIUM_TRY_ASSIGN(expect.id, Id());
    PODIUM_TRY(words_.Need("within"));
    PODIUM_TRY_ASSIGN(const std::string text, words_.Name("a range such as 4.5%..5.5%"));
    const std::optional<ShareRange> range = ReadShareRange(text);
    if (!range) return words_.WrongLast("a range is written as 4.5%..5.5%, the lower end first");
    expect.low = range->low;
    expect.high = range->high;
    PODIUM_TRY(words_.Need("for"));
    PODIUM_TRY_ASSIGN(expect.crowd, Sessions());
    return Deed(std::move(expect));
  }

  Result<Deed> SetAside() {
    ExpectSetAside expect;
    PODIUM_TRY(words_.Need("aside"));
    PODIUM_TRY_ASSIGN(expect.id, words_.Name("a model id"));
    PODIUM_TRY_ASSIGN(expect.says, words_.Text("why"));
    return Deed(std::move(expect));
  }

  Result<Deed> Moves(bool nobody) {
    if (nobody) {
      PODIUM_TRY(words_.Need("moved"));
      return Deed(ExpectMoves{});
    }
    ExpectMoves expect;
    PODIUM_TRY(words_.Need("only"));
    if (words_.Take("from")) {
      PODIUM_TRY_ASSIGN(expect.from, Id());
    }
    PODIUM_TRY(words_.Need("to"));
    PODIUM_TRY_ASSIGN(expect.to, Id());
    return Deed(std::move(expect));
  }

  // --- words ---

  Result<RouteName> Route() {
    PODIUM_TRY_ASSIGN(std::string name, words_.Name("a route"));
    return RouteName(std::move(name));
  }

  Result<ModelId> Id() {
    PODIUM_TRY_ASSIGN(std::string name, words_.Name("a model id"));
    return ModelId(std::move(name));
  }

  template <typename T>
  Result<T> Read(std::string_view what, std::optional<T> (*read)(std::string_view)) {
    const Word* word = words_.Peek();
    if (word == nullptr || word->quoted) return words_.Expected(what);
    std::optional<T> value = read(word->text);
    if (!value) return words_.Expected(what);
    PODIUM_TRY(words_.Name(what));
    return std::move(*value);
  }

  Result<BasisPoints> Share() {
    return Read("a share from 0% to 100% in steps of 0.01%", ReadShare);
  }
  Result<int> Number(std::string_view what) { return Read(what, ReadNumber); }
  Result<std::chrono::milliseconds> Time() {
    return Read("a time such as 250ms, 5s, 10m or 2h", ReadPass);
  }

  Result<Crowd> Sessions() {
    PODIUM_TRY(words_.Need("sessions"));
    return Read("sessions such as u0..u9999, at most 100000", ReadCrowd);
  }

  Result<VersionStatus> RoleName() {
    static const std::vector<std::string_view> names = {"primary", "canary",  "shadow",
                                                        "arm",     "standby", "retired"};
    PODIUM_TRY_ASSIGN(const std::string name, words_.OneOf("a status", names));
    return *ParseVersionStatus(name);
  }

  Result<RevisionRef> RevisionOf() {
    PODIUM_TRY_ASSIGN(std::string name, words_.Name("a revision, or a note"));
    if (const std::optional<int> number = ReadNumber(name)) return RevisionRef(Revision(*number));
    PODIUM_TRY(CheckNote(name));
    return RevisionRef(std::move(name));
  }

  Status CheckNote(const std::string& name) const {
    if (notes_.contains(name)) return {};
    return words_.WrongLast(fmt::format("nothing was noted as \"{}\" before this line", name));
  }

  Words words_;
  std::set<std::string>& notes_;
};

}  // namespace

Result<Scenario> ParseScenario(std::string_view file, std::string_view text) {
  Scenario scenario;
  scenario.file = file;
  std::set<std::string> notes;
  for (int line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view here = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    PODIUM_TRY_ASSIGN(Words words, Words::Split({file, line}, here));
    if (static_cast<std::size_t>(line) > kMaxLines) {
      return words.WrongLast(fmt::format("a scenario holds at most {} lines", kMaxLines));
    }
    if (words.empty()) continue;
    PODIUM_TRY_ASSIGN(Deed deed, LineParser(std::move(words), notes).Parse());
    scenario.statements.push_back({line, std::move(deed)});
  }
  return scenario;
}

}  // namespace podium::testing::scenario
