#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "domain/signature.h"

namespace podium {
namespace {

constexpr std::size_t kShownNameBytes = 64;

std::string Quoted(std::string_view name) {
  const bool whole = name.size() <= kShownNameBytes;
  return fmt::format("\"{}\"{}", name.substr(0, kShownNameBytes), whole ? "" : "...");
}

using Tensors = std::vector<DeclaredTensor>;

const DeclaredTensor* FindByName(const Tensors& tensors, std::string_view name) {
  const auto found = std::find_if(tensors.begin(), tensors.end(),
                                  [&](const DeclaredTensor& t) { return t.name == name; });
  return found == tensors.end() ? nullptr : &*found;
}

enum class Kind : std::uint8_t { kInput, kOutput };

std::string_view KindName(Kind kind) { return kind == Kind::kInput ? "input" : "output"; }

// A caller sends what the primary takes, and reads what the primary gives: an input may not be
// narrower than the primary's, an output only if the primary left it open.
bool DimensionFits(Kind kind, std::int64_t candidate, std::int64_t primary) {
  if (candidate == primary || candidate == -1) return true;
  return kind == Kind::kOutput && primary == -1;
}

class Comparison {
 public:
  void Compare(Kind kind, const std::optional<Tensors>& candidate,
               const std::optional<Tensors>& primary) {
    if (!candidate || !primary) {
      Unknown(fmt::format("the {}s of the {} are not known", KindName(kind),
                          candidate ? "primary" : (primary ? "candidate" : "two versions")));
      return;
    }
    for (const DeclaredTensor& wanted : *primary) {
      const DeclaredTensor* found = FindByName(*candidate, wanted.name);
      if (found == nullptr) {
        Differ(fmt::format("the candidate has no {} {}", KindName(kind), Quoted(wanted.name)));
      } else {
        CompareTensor(kind, *found, wanted);
      }
    }
    if (kind == Kind::kInput) CompareExtra(*candidate, *primary);
    if (kind == Kind::kOutput) CompareFirst(*candidate, *primary);
  }

  void CompareNames(std::string_view what, const std::vector<std::string>& candidate,
                    const std::vector<std::string>& primary) {
    if (candidate.empty() && primary.empty()) return;
    if (candidate.empty() || primary.empty()) {
      Unknown(fmt::format("the {} of the {} are not known", what,
                          candidate.empty() ? "candidate" : "primary"));
      return;
    }
    if (candidate.size() != primary.size()) {
      Differ(fmt::format("the candidate has {} {} instead of {}", candidate.size(), what,
                         primary.size()));
      return;
    }
    const auto [ours, theirs] = std::mismatch(candidate.begin(), candidate.end(), primary.begin());
    if (ours == candidate.end()) return;
    Differ(fmt::format("of the {}, number {} is {} instead of {}", what,
                       ours - candidate.begin() + 1, Quoted(*ours), Quoted(*theirs)));
  }

  SignatureFit Take() && {
    if (!fit_.differences.empty()) {
      fit_.fit = Fit::kIncompatible;
    } else if (!fit_.unknown.empty()) {
      fit_.fit = Fit::kUnknown;
    }
    Shorten(fit_.differences);
    Shorten(fit_.unknown);
    return std::move(fit_);
  }

 private:
  void Differ(std::string sentence) { fit_.differences.push_back(std::move(sentence)); }
  void Unknown(std::string sentence) { fit_.unknown.push_back(std::move(sentence)); }

  void CompareTensor(Kind kind, const DeclaredTensor& candidate, const DeclaredTensor& primary) {
    const std::string what = fmt::format("{} {}", KindName(kind), Quoted(primary.name));
    if (!candidate.type || !primary.type) {
      Unknown(fmt::format("the type of {} is not known", what));
    } else if (*candidate.type != *primary.type) {
      Differ(fmt::format("{} is {} instead of {}", what, NameOf(*candidate.type),
                         NameOf(*primary.type)));
    }
    // A model may leave even the rank open.
    if (!candidate.shape || !primary.shape || candidate.shape->empty() || primary.shape->empty()) {
      Unknown(fmt::format("the shape of {} is not known", what));
      return;
    }
    CompareShape(kind, what, *candidate.shape, *primary.shape);
  }

  void CompareShape(Kind kind, const std::string& what, const Shape& candidate,
                    const Shape& primary) {
    if (candidate.size() != primary.size()) {
      Differ(fmt::format("{} has {} dimensions instead of {}", what, candidate.size(),
                         primary.size()));
      return;
    }
    const bool fits =
        std::equal(candidate.begin(), candidate.end(), primary.begin(),
                   [&](std::int64_t a, std::int64_t b) { return DimensionFits(kind, a, b); });
    if (fits) return;
    Differ(fmt::format("{} has shape {} instead of {}", what, FormatShape(candidate),
                       FormatShape(primary)));
  }

  void CompareExtra(const Tensors& candidate, const Tensors& primary) {
    for (const DeclaredTensor& input : candidate) {
      if (FindByName(primary, input.name) != nullptr) continue;
      Differ(fmt::format("the candidate takes an input {} that callers do not send",
                         Quoted(input.name)));
    }
  }

  // Predictions are read from the first output.
  void CompareFirst(const Tensors& candidate, const Tensors& primary) {
    if (candidate.empty() || primary.empty()) return;
    if (candidate.front().name == primary.front().name) return;
    if (FindByName(candidate, primary.front().name) == nullptr) return;  // Said already.
    Differ(fmt::format("the first output, which predictions are read from, is {} instead of {}",
                       Quoted(candidate.front().name), Quoted(primary.front().name)));
  }

  static void Shorten(std::vector<std::string>& sentences) {
    const std::size_t most = limits::kMaxSignatureSentences;
    if (sentences.size() <= most) return;
    const std::size_t more = sentences.size() - (most - 1);
    sentences.resize(most - 1);
    sentences.push_back(fmt::format("and {} more", more));
  }

  SignatureFit fit_;
};

}  // namespace

std::string_view NameOf(Fit fit) {
  switch (fit) {
    case Fit::kCompatible:
      return "compatible";
    case Fit::kUnknown:
      return "unknown";
    case Fit::kIncompatible:
      break;
  }
  return "incompatible";
}

SignatureFit CompareSignatures(const DeclaredSignature& candidate,
                               const DeclaredSignature& primary) {
  Comparison comparison;
  comparison.Compare(Kind::kInput, candidate.inputs, primary.inputs);
  comparison.Compare(Kind::kOutput, candidate.outputs, primary.outputs);
  comparison.CompareNames("columns", candidate.columns, primary.columns);
  comparison.CompareNames("class labels", candidate.classes, primary.classes);
  return std::move(comparison).Take();
}

}  // namespace podium
