#include "testing/scenario_expectations.h"

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "domain/promotion.h"
#include "testing/scenario_acts.h"
#include "testing/scenario_parse.h"
#include "testing/scenario_values.h"

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
      {"primary", Value::kName},  {"canary", Value::kName},  {"share", Value::kShare},
      {"previous", Value::kName}, {"policy", Value::kName},  {"sticky", Value::kName},
      {"follows", Value::kName},  {"held", Value::kText},    {"revision", Value::kRevision},
      {"copies", Value::kShare},  {"watched", Value::kName}, {"challenger", Value::kName},
      {"weight", Value::kShare},  {"testing", Value::kName}};
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

// As the runner writes what is so: values are compared as text.
Result<std::string> FactValue(Line& line, Value kind) {
  switch (kind) {
    case Value::kName:
      return line.Name("a name, or nobody");
    case Value::kText:
      return line.Text("a text");
    case Value::kShare: {
      PODIUM_TRY_ASSIGN(const BasisPoints share, line.Share());
      return FormatPercent(share) + "%";
    }
    case Value::kNumber: {
      PODIUM_TRY_ASSIGN(const int number, line.Number("a number"));
      return fmt::format("{}", number);
    }
    case Value::kRevision: {
      if (line.Take("nothing")) return std::string("nothing");
      PODIUM_TRY_ASSIGN(const RevisionRef revision, line.RevisionOrNote());
      if (const auto* note = std::get_if<std::string>(&revision)) return *note;
      return fmt::format("{}", std::get<Revision>(revision).get());
    }
    case Value::kTime: {
      PODIUM_TRY_ASSIGN(const std::chrono::milliseconds time, line.Time());
      return FormatPass(time);
    }
  }
  return line.Expected("a value");
}

Status TakeFact(Line& line, std::vector<Fact>& facts, const FactKeys& keys) {
  std::vector<std::string_view> names;
  for (const FactKey& key : keys) names.push_back(key.key);
  Fact fact;
  PODIUM_TRY_ASSIGN(fact.key, line.OneOf("something to expect", names));
  for (const FactKey& key : keys) {
    if (key.key != fact.key) continue;
    PODIUM_TRY_ASSIGN(fact.value, FactValue(line, key.value));
  }
  facts.push_back(std::move(fact));
  return {};
}

Result<Deed> ReadRefusal(Line& line) {
  ExpectRefusal expect;
  PODIUM_TRY_ASSIGN(expect.http_status, line.Number("a status (400 to 599)"));
  if (expect.http_status < 400 || expect.http_status > 599) {
    return line.WrongLast("a refusal has a status of 400 to 599");
  }
  PODIUM_TRY_ASSIGN(expect.says, line.Text("what the refusal says"));
  if (expect.says.empty()) return line.WrongLast("say a part of the refusal's text");
  PODIUM_TRY(line.Need("when"));
  PODIUM_TRY_ASSIGN(const std::string verb, line.OneOf("a verb", ActVerbs()));
  PODIUM_TRY_ASSIGN(expect.act, ReadAct(line, verb));
  return Deed(std::move(expect));
}

Result<Deed> ReadNothing(Line& line) {
  PODIUM_TRY_ASSIGN(const std::string what, line.OneOf("an end", {"changed", "set"}));
  if (what == "changed") return Deed(ExpectNoChange{});
  PODIUM_TRY(line.Need("aside"));
  return Deed(ExpectSetAside{});
}

Result<Deed> ReadAbsent(Line& line) {
  PODIUM_TRY_ASSIGN(const std::string what, line.OneOf("a noun", {"route", "version"}));
  PODIUM_TRY_ASSIGN(std::string name, line.Name("a name"));
  return Deed(ExpectAbsent{what == "route", std::move(name)});
}

Result<Deed> ReadRegistryRevision(Line& line) {
  PODIUM_TRY_ASSIGN(std::string value, FactValue(line, Value::kRevision));
  return Deed(ExpectFacts{Subject::kRegistry, "", {{"revision", std::move(value)}}});
}

Result<Deed> ReadFacts(Line& line, Subject subject, std::string_view what, const FactKeys& keys) {
  ExpectFacts expect;
  expect.subject = subject;
  PODIUM_TRY_ASSIGN(expect.name, line.Name(what));
  do {
    PODIUM_TRY(TakeFact(line, expect.facts, keys));
  } while (!line.empty());
  return Deed(std::move(expect));
}

Result<Deed> ReadRoles(Line& line) {
  ExpectRoles expect;
  PODIUM_TRY_ASSIGN(expect.route, line.Route());
  if (line.Take("none")) return Deed(std::move(expect));
  do {
    PODIUM_TRY_ASSIGN(std::string role, line.Name("a model id"));
    PODIUM_TRY_ASSIGN(const VersionStatus status, line.Role());
    role += fmt::format(" {}", NameOf(status));
    if (status == VersionStatus::kCanary) {
      PODIUM_TRY_ASSIGN(const BasisPoints share, line.Share());
      role += fmt::format(" {}%", FormatPercent(share));
    }
    expect.roles.push_back(std::move(role));
  } while (!line.empty());
  return Deed(std::move(expect));
}

Result<Deed> ReadExpectedArms(Line& line) {
  ExpectArms expect;
  PODIUM_TRY_ASSIGN(expect.route, line.Route());
  PODIUM_TRY_ASSIGN(expect.arms, ReadArms(line));
  return Deed(std::move(expect));
}

Result<Deed> ReadSalt(Line& line, bool canary) {
  ExpectSalt expect;
  expect.canary = canary;
  if (canary) PODIUM_TRY(line.Need("salt"));
  PODIUM_TRY(line.Need("of"));
  PODIUM_TRY_ASSIGN(expect.route, line.Route());
  PODIUM_TRY(line.Need("is"));
  expect.same = !line.Take("not");
  if (expect.same && line.Take("none")) return Deed(std::move(expect));
  PODIUM_TRY_ASSIGN(expect.note, line.Name("a note"));
  PODIUM_TRY(line.CheckNote(expect.note));
  return Deed(std::move(expect));
}

Result<Deed> ReadNewestAudit(Line& line) {
  ExpectFacts expect;
  expect.subject = Subject::kNewestAudit;
  PODIUM_TRY_ASSIGN(std::string kind, line.Name("a kind of audit row"));
  if (!ParsePromotionKind(kind)) return line.WrongLast("no audit row is of this kind");
  expect.facts.push_back({"kind", std::move(kind)});
  while (!line.empty()) PODIUM_TRY(TakeFact(line, expect.facts, AuditKeys()));
  return Deed(std::move(expect));
}

Result<Deed> ReadAudit(Line& line) {
  if (line.Take("intact")) return Deed(ExpectAudit{});
  if (line.Take("newest")) return ReadNewestAudit(line);
  PODIUM_TRY_ASSIGN(const int rows, line.Number("intact, newest or a number of rows"));
  PODIUM_TRY(line.Need("rows"));
  return Deed(ExpectAudit{rows});
}

Result<Deed> ReadEvent(Line& line) {
  PODIUM_TRY(line.Need("newest"));
  PODIUM_TRY_ASSIGN(std::string type, line.Name("a type of event"));
  return Deed(ExpectFacts{Subject::kNewestEvent, "", {{"type", std::move(type)}}});
}

Result<Deed> ReadChoice(Line& line) {
  ExpectChoice expect;
  PODIUM_TRY_ASSIGN(expect.route, line.Route());
  while (!line.Take("->")) {
    PODIUM_TRY_ASSIGN(
        const std::string key,
        line.OneOf("an id of the caller, or ->", {"session", "user", "request", "version", "->"}));
    std::string& id = key == "session"   ? expect.session
                      : key == "user"    ? expect.user
                      : key == "request" ? expect.request
                                         : expect.forced;
    PODIUM_TRY_ASSIGN(id, line.Name("an id"));
  }
  PODIUM_TRY_ASSIGN(expect.id, line.Name("a model id, or nobody"));
  while (!line.empty()) PODIUM_TRY(TakeFact(line, expect.facts, ChoiceKeys()));
  return Deed(std::move(expect));
}

Result<Deed> ReadEverybody(Line& line) {
  ExpectEverybody expect;
  PODIUM_TRY_ASSIGN(expect.crowd, line.Sessions());
  PODIUM_TRY(line.Need("on"));
  PODIUM_TRY_ASSIGN(expect.route, line.Route());
  PODIUM_TRY(line.Need("->"));
  PODIUM_TRY_ASSIGN(expect.id, line.Id());
  return Deed(std::move(expect));
}

Result<Deed> ReadShareOfCrowd(Line& line) {
  ExpectShare expect;
  PODIUM_TRY(line.Need("of"));
  PODIUM_TRY_ASSIGN(expect.id, line.Id());
  PODIUM_TRY(line.Need("within"));
  PODIUM_TRY_ASSIGN(const std::string text, line.Name("a range such as 4.5%..5.5%"));
  const std::optional<ShareRange> range = ReadShareRange(text);
  if (!range) return line.WrongLast("a range is written as 4.5%..5.5%, the lower end first");
  expect.low = range->low;
  expect.high = range->high;
  PODIUM_TRY(line.Need("for"));
  PODIUM_TRY_ASSIGN(expect.crowd, line.Sessions());
  return Deed(std::move(expect));
}

Result<Deed> ReadSetAside(Line& line) {
  ExpectSetAside expect;
  PODIUM_TRY(line.Need("aside"));
  PODIUM_TRY_ASSIGN(expect.id, line.Name("a model id"));
  PODIUM_TRY_ASSIGN(expect.says, line.Text("why"));
  return Deed(std::move(expect));
}

Result<Deed> ReadMoves(Line& line, bool nobody) {
  if (nobody) {
    PODIUM_TRY(line.Need("moved"));
    return Deed(ExpectMoves{});
  }
  ExpectMoves expect;
  PODIUM_TRY(line.Need("only"));
  if (line.Take("from")) {
    PODIUM_TRY_ASSIGN(expect.from, line.Id());
  }
  PODIUM_TRY(line.Need("to"));
  PODIUM_TRY_ASSIGN(expect.to, line.Id());
  return Deed(std::move(expect));
}

}  // namespace

Result<Deed> ReadExpectation(Line& line) {
  static const std::vector<std::string_view> keywords = {
      "fails", "nothing", "no",     "revision", "route",  "version", "roles",
      "arms",  "salt",    "canary", "audit",    "event",  "choose",  "all",
      "share", "nobody",  "moves",  "set",      "rollout"};
  PODIUM_TRY_ASSIGN(const std::string what, line.OneOf("an expectation", keywords));
  if (what == "fails") return ReadRefusal(line);
  if (what == "nothing") return ReadNothing(line);
  if (what == "no") return ReadAbsent(line);
  if (what == "revision") return ReadRegistryRevision(line);
  if (what == "route") return ReadFacts(line, Subject::kRoute, "a route", RouteKeys());
  if (what == "version") return ReadFacts(line, Subject::kVersion, "a model id", VersionKeys());
  if (what == "rollout") return ReadFacts(line, Subject::kRollout, "a route", RolloutKeys());
  if (what == "roles") return ReadRoles(line);
  if (what == "arms") return ReadExpectedArms(line);
  if (what == "salt" || what == "canary") return ReadSalt(line, what == "canary");
  if (what == "audit") return ReadAudit(line);
  if (what == "event") return ReadEvent(line);
  if (what == "choose") return ReadChoice(line);
  if (what == "all") return ReadEverybody(line);
  if (what == "share") return ReadShareOfCrowd(line);
  if (what == "set") return ReadSetAside(line);
  return ReadMoves(line, what == "nobody");
}

}  // namespace podium::testing::scenario
