#include "gateway/nearest_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>

namespace podium::gateway {
namespace {

constexpr std::size_t kMaxLength = 48;
constexpr std::size_t kMaxCompared = 256;

char Fold(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
  return c == '_' || c == '-' || c == '.' ? ' ' : c;
}

/// Insertions, deletions and replacements between the two, one row of the table at a time.
std::size_t Edits(std::string_view a, std::string_view b) {
  std::array<std::size_t, kMaxLength + 1> row{};
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (Fold(a[i - 1]) == Fold(b[j - 1]) ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string DidYouMean(std::string_view wrong, std::span<const std::string> known) {
  if (wrong.empty() || wrong.size() > kMaxLength) return {};
  std::string_view best;
  std::size_t fewest = wrong.size() / 3 + 1;  // As many edits as this are another word.
  for (const std::string& name : known.first(std::min(known.size(), kMaxCompared))) {
    if (name.size() > kMaxLength) continue;
    const std::size_t edits = Edits(wrong, name);
    if (edits < fewest) {
      fewest = edits;
      best = name;
    }
  }
  return best.empty() ? std::string() : fmt::format(" (did you mean \"{}\"?)", best);
}

}  // namespace podium::gateway
