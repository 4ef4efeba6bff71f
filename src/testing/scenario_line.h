// The nouns of the scenario language, read from a line: routes, ids, shares, times, revisions.
// Internal to the parser.
#pragma once

#include <chrono>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/ids.h"
#include "domain/traffic.h"
#include "domain/version.h"
#include "testing/scenario.h"
#include "testing/scenario_words.h"

namespace podium::testing::scenario {

/// A line's words, and what the lines before it have noted. Each method takes what it reads, or
/// fails and says what should stand there.
class Line : public Words {
 public:
  /// `notes` outlives this.
  Line(Words words, std::set<std::string>& notes);

  Result<RouteName> Route();
  Result<ModelId> Id();
  Result<BasisPoints> Share();
  Result<int> Number(std::string_view what);
  Result<std::chrono::milliseconds> Time();
  Result<Crowd> Sessions();  ///< With the word `sessions` before them.
  Result<VersionStatus> Role();
  Result<RevisionRef> RevisionOrNote();

  void AddNote(const std::string& name);
  /// Fails, at the word taken last, where nothing was noted under this name.
  Status CheckNote(const std::string& name) const;

 private:
  std::set<std::string>& notes_;
};

}  // namespace podium::testing::scenario
