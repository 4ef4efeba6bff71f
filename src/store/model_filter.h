// The search grammar of MLflow's registry: `name LIKE 'iris%' AND tags.team = 'ml'`.
//
// Pure, and the one judge of what matches: databases compare text differently (case, patterns), so
// adapters bring candidates and ask here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/registered_model.h"

namespace podium::store {

enum class FilterField : std::uint8_t { kName, kRunId, kSourcePath, kVersionNumber, kTag };
enum class Comparator : std::uint8_t {
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kLike,   ///< `%` is any text, `_` one character; nothing escapes them. Case counts.
  kILike,  ///< The same without regard to the case of ASCII letters.
  kIn,
  kNotIn,
};

struct FilterClause {
  FilterField field = FilterField::kName;
  std::string tag;  ///< The key, of kTag.
  Comparator comparator = Comparator::kEqual;
  std::vector<std::string> values;  ///< One, but for IN and NOT IN.
  std::int64_t number = 0;          ///< Of kVersionNumber, instead.
  bool operator==(const FilterClause&) const = default;
};
/// All of them must hold. Empty: everything matches.
using Filter = std::vector<FilterClause>;

/// kInvalidArgument says what of the text is not understood. What may be compared, and how, differs
/// between models and versions.
Result<Filter> ParseModelFilter(std::string_view text);
Result<Filter> ParseVersionFilter(std::string_view text);

/// A clause on a tag holds only for what has the tag. One exception: what has no tag
/// `mlflow.prompt.is_prompt` is no prompt, as if the tag were 'false'; clients rely on it.
///
/// Prompts match only a filter that asks for them: whose first clause on that tag is = 'true' or
/// != 'false'. All else is a search for models.
bool Matches(const Filter& filter, const RegisteredModel& model);
bool Matches(const Filter& filter, const RegisteredVersion& version);

/// Whether these are the tags of a prompt: MLflow keeps its prompts among the models.
bool IsPrompt(const TagMap& tags);

/// The only value that `field` may have by this filter, when one says so: lets an adapter read
/// less.
std::optional<std::string> PinnedBy(const Filter& filter, FilterField field);

}  // namespace podium::store
