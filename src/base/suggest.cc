#include "base/suggest.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace podium {
namespace {

constexpr std::size_t kMaxCompared = 64;  // Nobody mistypes longer names; the cost is quadratic.
constexpr std::size_t kPrefixAtLeast = 3;

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool StartsWith(std::string_view text, std::string_view start) {
  return text.size() >= start.size() &&
         std::equal(start.begin(), start.end(), text.begin(),
                    [](char a, char b) { return Lower(a) == Lower(b); });
}

// Insertions, deletions, replacements and swaps of neighbours that turn one into the other. Neither
// is longer than kMaxCompared. Strangers send wrong names: nothing is allocated, and only the rows
// of the table that the next one needs are kept.
std::size_t Slips(std::string_view a, std::string_view b) {
  using Row = std::array<std::size_t, kMaxCompared + 1>;
  std::array<Row, 3> rows{};
  Row* before = &rows[0];
  Row* above = &rows[1];
  Row* row = &rows[2];
  for (std::size_t j = 0; j <= b.size(); ++j) (*above)[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    (*row)[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = (*above)[j - 1] + (Lower(a[i - 1]) != Lower(b[j - 1]));
      (*row)[j] = std::min({(*above)[j] + 1, (*row)[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && Lower(a[i - 1]) == Lower(b[j - 2]) &&
          Lower(a[i - 2]) == Lower(b[j - 1])) {
        (*row)[j] = std::min((*row)[j], (*before)[j - 2] + 1);
      }
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return (*above)[b.size()];
}

std::size_t Difference(std::size_t a, std::size_t b) { return a > b ? a - b : b - a; }

}  // namespace

std::string_view Nearest(std::string_view text, const std::vector<std::string_view>& candidates) {
  if (text.empty() || text.size() > kMaxCompared) return {};
  std::string_view best;
  std::size_t best_slips = std::max<std::size_t>(1, text.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > kMaxCompared) continue;
    if (Difference(candidate.size(), text.size()) >= best_slips) continue;  // At least that many.
    const std::size_t slips = Slips(text, candidate);
    if (slips < best_slips && slips < candidate.size()) {
      best = candidate;
      best_slips = slips;
    }
  }
  if (!best.empty() || text.size() < kPrefixAtLeast) return best;
  for (const std::string_view candidate : candidates) {
    if (!StartsWith(candidate, text)) continue;
    if (!best.empty()) return {};  // Two go on from here: a guess would be one too many.
    best = candidate;
  }
  return best;
}

std::string DidYouMean(std::string_view text, const std::vector<std::string_view>& candidates) {
  const std::string_view near = Nearest(text, candidates);
  return near.empty() ? std::string() : fmt::format(" (did you mean \"{}\"?)", near);
}

}  // namespace podium
