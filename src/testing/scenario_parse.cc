#include "testing/scenario_parse.h"

#include <algorithm>
#include <set>
#include <utility>

#include "testing/scenario_acts.h"
#include "testing/scenario_expectations.h"
#include "testing/scenario_line.h"
#include "testing/scenario_values.h"

namespace podium::testing::scenario {
namespace {

Result<Deed> ReadPassing(Line& line) {
  PODIUM_TRY_ASSIGN(const std::chrono::milliseconds time, line.Time());
  return Deed(Pass{time, false});
}

Result<Deed> ReadClockBack(Line& line) {
  PODIUM_TRY(line.Need("back"));
  PODIUM_TRY_ASSIGN(const std::chrono::milliseconds time, line.Time());
  return Deed(Pass{time, true});
}

Result<Deed> ReadSpeaker(Line& line) {
  PODIUM_TRY_ASSIGN(std::string actor, line.Name("an actor"));
  return Deed(SpeakAs{std::move(actor)});
}

Result<Deed> ReadSupposedStatus(Line& line) {
  Suppose suppose;
  suppose.what = Suppose::What::kStatus;
  PODIUM_TRY_ASSIGN(suppose.subject, line.Name("a model id"));
  PODIUM_TRY(line.Need("is"));
  PODIUM_TRY_ASSIGN(suppose.status, line.Role());
  return Deed(suppose);
}

Result<Deed> ReadSupposition(Line& line) {
  Suppose suppose;
  if (line.Take("nothing")) return Deed(suppose);
  if (line.Take("provider")) {
    suppose.what = Suppose::What::kProvider;
  } else if (line.Take("salt")) {
    suppose.what = Suppose::What::kSalt;
  } else if (line.Take("canary")) {
    PODIUM_TRY(line.Need("salt"));
    suppose.what = Suppose::What::kCanarySalt;
  } else {
    return ReadSupposedStatus(line);
  }
  PODIUM_TRY(line.Need("of"));
  PODIUM_TRY_ASSIGN(suppose.subject, line.Name("a route or model id"));
  PODIUM_TRY(line.Need("is"));
  if (line.Take("none")) return Deed(suppose);
  PODIUM_TRY_ASSIGN(suppose.value, line.Name("a value"));
  return Deed(suppose);
}

Result<Deed> ReadNote(Line& line) {
  Note note;
  PODIUM_TRY_ASSIGN(const std::string what,
                    line.OneOf("something to note", {"revision", "primary", "salt", "canary"}));
  if (what == "canary") PODIUM_TRY(line.Need("salt"));
  if (what == "primary") PODIUM_TRY(line.Need("since"));
  PODIUM_TRY(line.Need("of"));
  const bool of_route = what == "revision" && line.Take("route");
  PODIUM_TRY_ASSIGN(note.subject, line.Name("a route or model id"));
  PODIUM_TRY(line.Need("as"));
  PODIUM_TRY_ASSIGN(note.name, line.Name("a name for the note"));
  if (ReadNumber(note.name)) return line.WrongLast("a note is called by a word");
  line.AddNote(note.name);
  note.what = what == "salt"      ? Noted::kSalt
              : what == "canary"  ? Noted::kCanarySalt
              : what == "primary" ? Noted::kPrimarySince
              : of_route          ? Noted::kRevisionOfRoute
                                  : Noted::kRevisionOfVersion;
  return Deed(std::move(note));
}

Result<Deed> ReadMemory(Line& line) {
  Remember remember;
  PODIUM_TRY(line.Need("choices"));
  PODIUM_TRY(line.Need("of"));
  PODIUM_TRY_ASSIGN(remember.route, line.Route());
  PODIUM_TRY(line.Need("for"));
  PODIUM_TRY_ASSIGN(remember.crowd, line.Sessions());
  return Deed(std::move(remember));
}

const std::vector<std::string_view>& StatementWords() {
  static const std::vector<std::string_view> words = [] {
    std::vector<std::string_view> all = ActVerbs();
    for (const std::string_view word :
         {"after", "clock", "reopen", "as", "suppose", "note", "remember", "expect"}) {
      all.push_back(word);
    }
    return all;
  }();
  return words;
}

Result<Deed> ReadStatement(Line& line) {
  PODIUM_TRY_ASSIGN(const std::string first, line.OneOf("a statement", StatementWords()));
  if (first == "after") return ReadPassing(line);
  if (first == "clock") return ReadClockBack(line);
  if (first == "reopen") return Deed(Reopen{});
  if (first == "as") return ReadSpeaker(line);
  if (first == "suppose") return ReadSupposition(line);
  if (first == "note") return ReadNote(line);
  if (first == "remember") return ReadMemory(line);
  if (first == "expect") return ReadExpectation(line);
  PODIUM_TRY_ASSIGN(Act act, ReadAct(line, first));
  return Deed(std::move(act));
}

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
    Line said(std::move(words), notes);
    PODIUM_TRY_ASSIGN(Deed deed, ReadStatement(said));
    PODIUM_TRY(said.End());
    scenario.statements.push_back({line, std::move(deed)});
  }
  return scenario;
}

}  // namespace podium::testing::scenario
