#include "testing/scenario_line.h"

#include <optional>
#include <utility>
#include <vector>

#include "testing/scenario_values.h"

namespace podium::testing::scenario {
namespace {

template <typename T>
Result<T> TakeValue(Words& words, std::string_view what,
                    std::optional<T> (*read)(std::string_view)) {
  const Word* word = words.Peek();
  if (word == nullptr || word->quoted) return words.Expected(what);
  std::optional<T> value = read(word->text);
  if (!value) return words.Expected(what);
  PODIUM_TRY(words.Name(what));
  return std::move(*value);
}

}  // namespace

Line::Line(Words words, std::set<std::string>& notes) : Words(std::move(words)), notes_(notes) {}

Result<RouteName> Line::Route() {
  PODIUM_TRY_ASSIGN(std::string name, Name("a route"));
  return RouteName(std::move(name));
}

Result<ModelId> Line::Id() {
  PODIUM_TRY_ASSIGN(std::string name, Name("a model id"));
  return ModelId(std::move(name));
}

Result<BasisPoints> Line::Share() {
  return TakeValue(*this, "a share from 0% to 100% in steps of 0.01%", ReadShare);
}

Result<int> Line::Number(std::string_view what) { return TakeValue(*this, what, ReadNumber); }

Result<std::chrono::milliseconds> Line::Time() {
  return TakeValue(*this, "a time such as 250ms, 5s, 10m or 2h", ReadPass);
}

Result<Crowd> Line::Sessions() {
  PODIUM_TRY(Need("sessions"));
  return TakeValue(*this, "sessions such as u0..u9999, at most 100000", ReadCrowd);
}

Result<VersionStatus> Line::Role() {
  static const std::vector<std::string_view> names = {"primary", "canary",  "shadow",
                                                      "arm",     "standby", "retired"};
  PODIUM_TRY_ASSIGN(const std::string name, OneOf("a status", names));
  return *ParseVersionStatus(name);
}

Result<RevisionRef> Line::RevisionOrNote() {
  PODIUM_TRY_ASSIGN(std::string name, Name("a revision, or a note"));
  if (const std::optional<int> number = ReadNumber(name)) return RevisionRef(Revision(*number));
  PODIUM_TRY(CheckNote(name));
  return RevisionRef(std::move(name));
}

void Line::AddNote(const std::string& name) { notes_.insert(name); }

Status Line::CheckNote(const std::string& name) const {
  if (notes_.contains(name)) return {};
  return WrongLast(fmt::format("nothing was noted as \"{}\" before this line", name));
}

}  // namespace podium::testing::scenario
