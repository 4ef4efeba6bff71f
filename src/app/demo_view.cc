#include "app/demo_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "app/demo_format.h"

namespace podium::app {
namespace {

constexpr std::size_t kMaxVersionsShown = 5;  ///< Per route.
constexpr std::size_t kMaxTroublesShown = 3;
constexpr std::size_t kMaxRolloutLines = 4;
constexpr std::size_t kShareBarWidth = 18;
constexpr int kHighestRank = 5;

constexpr std::string_view kReset = "\x1b[0m";
constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kDim = "\x1b[2m";
constexpr std::string_view kRed = "\x1b[31m";
constexpr std::string_view kGreen = "\x1b[32m";
constexpr std::string_view kYellow = "\x1b[33m";

std::string Latency(const FrameVersion& version, std::chrono::nanoseconds time) {
  return version.figures.answered() == 0 ? "-" : ShowMilliseconds(time);
}

std::string ShareBar(const FrameVersion& version) {
  const double share = version.figures.share_seen.value_or(0);
  const auto full =
      std::min(static_cast<std::size_t>(std::lround(share * kShareBarWidth)), kShareBarWidth);
  return std::string(full, '#') + std::string(kShareBarWidth - full, '.');
}

/// Columns of the highest `rank` go first when the width does not hold them all.
struct Column {
  std::string_view title;
  std::size_t width;
  bool left;
  int rank;
  std::string (*text)(const std::string& route, const FrameVersion& version);
};

using RouteText = const std::string&;
using VersionRow = const FrameVersion&;

const Column kColumns[] = {
    {"route", 6, true, 0, [](RouteText route, VersionRow) { return route; }},
    {"version", 7, true, 0, [](RouteText, VersionRow version) { return version.version; }},
    {"role", 7, true, 0, [](RouteText, VersionRow version) { return version.role; }},
    {"asked", 6, false, 0, [](RouteText, VersionRow v) { return ShortPercent(v.asked_pct) + "%"; }},
    {"seen", 6, false, 0,
     [](RouteText, VersionRow v) { return ShowRatio(v.figures.share_seen, 1); }},
    {"", kShareBarWidth, true, 5, [](RouteText, VersionRow version) { return ShareBar(version); }},
    {"requests", 8, false, 1,
     [](RouteText, VersionRow v) { return fmt::format("{}", v.figures.requests); }},
    {"accuracy", 8, false, 1,
     [](RouteText, VersionRow v) { return ShowRatio(v.figures.accuracy(), 2); }},
    {"right/answers", 15, false, 4,
     [](RouteText, VersionRow v) {
       return fmt::format("{}/{}", v.figures.right, v.figures.answered());
     }},
    {"p50", 5, false, 3, [](RouteText, VersionRow v) { return Latency(v, v.figures.p50); }},
    {"p95", 5, false, 3, [](RouteText, VersionRow v) { return Latency(v, v.figures.p95); }},
    {"p99", 5, false, 2, [](RouteText, VersionRow v) { return Latency(v, v.figures.p99); }},
    {"errors", 6, false, 1,
     [](RouteText, VersionRow v) { return fmt::format("{}", v.figures.errors); }},
};

std::size_t WidthOf(const std::vector<const Column*>& columns, std::size_t gap) {
  std::size_t width = gap * (columns.size() - 1);
  for (const Column* column : columns) width += column->width;
  return width;
}

std::vector<const Column*> ColumnsFor(std::size_t width) {
  std::vector<const Column*> columns;
  for (int rank = kHighestRank; rank >= 0; --rank) {
    columns.clear();
    for (const Column& column : kColumns) {
      if (column.rank <= rank) columns.push_back(&column);
    }
    if (WidthOf(columns, 1) <= width) break;
  }
  while (columns.size() > 1 && WidthOf(columns, 1) > width) columns.pop_back();
  return columns;
}

// Sparse: who serves, who is tried, what went wrong.
std::string_view ColourOf(std::string_view title, const FrameVersion& version) {
  if (title == "errors" && version.figures.errors > 0) return kRed;
  if (title != "role") return {};
  if (version.role == "primary") return kGreen;
  return version.role == "canary" ? kYellow : std::string_view();
}

struct ProviderColumn {
  std::string_view title;
  std::size_t width;
  bool left;
  std::string (*text)(const FrameProvider& provider);
};

using At = const FrameProvider&;

// Whatever the width: the first ones are those that matter most.
const ProviderColumn kProviderColumns[] = {
    {"provider", 11, true, [](At at) { return at.provider; }},
    {"version", 7, true, [](At at) { return at.version; }},
    {"role", 7, true, [](At at) { return at.role; }},
    {"answered", 8, false, [](At at) { return fmt::format("{}", at.figures.answered); }},
    {"failed", 6, false, [](At at) { return fmt::format("{}", at.figures.failed); }},
    {"retries", 7, false, [](At at) { return fmt::format("{}", at.figures.retries); }},
    {"fallbacks", 9, false, [](At at) { return fmt::format("{}", at.figures.fallbacks); }},
    {"breaker", 9, true, [](At at) { return at.figures.breaker; }},
};

std::string_view ColourOf(std::string_view title, const FrameProvider& provider) {
  if (title == "role" && provider.role == "primary") return kGreen;
  if (title == "breaker" && provider.figures.breaker != "closed") return kRed;
  return title == "fallbacks" && provider.figures.fallbacks > 0 ? kYellow : std::string_view();
}

class View {
 public:
  explicit View(const DemoCanvas& canvas)
      : canvas_(canvas),
        columns_(ColumnsFor(canvas.width)),
        gap_(WidthOf(columns_, 2) <= canvas.width ? 2 : 1) {}

  void Add(std::string_view text, std::string_view colour = {}) {
    std::string line = Fit(text, canvas_.width);
    line.erase(line.find_last_not_of(' ') + 1);
    lines_.push_back(Painted(std::move(line), colour));
  }

  void AddHeads() {
    std::string line;
    for (const Column* column : columns_) Append(*column, column->title, {}, line);
    Add(line, kDim);
  }

  void AddVersion(const std::string& route, const FrameVersion& version) {
    std::string line;
    for (const Column* column : columns_) {
      Append(*column, column->text(route, version), ColourOf(column->title, version), line);
    }
    lines_.push_back(std::move(line));
  }

  void AddProviders(const std::vector<FrameProvider>& providers) {
    std::string heads;
    std::vector<std::string> rows(providers.size());
    std::size_t width = 0;
    for (const ProviderColumn& column : kProviderColumns) {
      width += column.width + (width > 0 ? 1 : 0);
      if (width > canvas_.width) break;
      const Cell cell{column.width, column.left, 1};
      Append(cell, column.title, {}, heads);
      for (std::size_t i = 0; i < providers.size(); ++i) {
        Append(cell, column.text(providers[i]), ColourOf(column.title, providers[i]), rows[i]);
      }
    }
    Add(heads, kDim);
    for (std::string& row : rows) {
      row.erase(row.find_last_not_of(' ') + 1);
      lines_.push_back(std::move(row));
    }
  }

  std::vector<std::string> Take() && {
    // One row stays for the cursor: the view must never scroll, or it would not be redrawn in
    // place.
    const std::size_t rows = std::max<std::size_t>(canvas_.height, 2) - 1;
    if (lines_.size() > rows) lines_.resize(rows);
    return std::move(lines_);
  }

 private:
  std::string Painted(std::string text, std::string_view colour) const {
    if (!canvas_.colour || colour.empty()) return text;
    return fmt::format("{}{}{}", colour, text, kReset);
  }

  struct Cell {
    std::size_t width;
    bool left;
    std::size_t gap;  ///< Before it, unless it is the line's first.
  };

  void Append(const Column& column, std::string_view text, std::string_view colour,
              std::string& line) const {
    Append(Cell{column.width, column.left, gap_}, text, colour, line);
  }

  void Append(const Cell& cell, std::string_view text, std::string_view colour,
              std::string& line) const {
    const std::size_t width = std::min(cell.width, canvas_.width);
    const std::string shown = Fit(text, width);
    const std::string pad(width - CharactersOf(shown), ' ');
    if (!line.empty()) line.append(cell.gap, ' ');
    line += cell.left ? Painted(shown, colour) + pad : pad + Painted(shown, colour);
  }

  const DemoCanvas canvas_;
  const std::vector<const Column*> columns_;
  const std::size_t gap_;
  std::vector<std::string> lines_;
};

std::string_view ColourOf(const DemoRollout& rollout) {
  if (rollout.phase == "promoted") return kGreen;
  return rollout.runs() ? kYellow : kRed;
}

void AddRoute(const FrameRoute& route, View& view) {
  std::string name = route.route;  // On a route's first row only.
  for (std::size_t i = 0; i < std::min(route.versions.size(), kMaxVersionsShown); ++i) {
    view.AddVersion(name, route.versions[i]);
    name.clear();
  }
  if (route.versions.empty()) view.Add(route.route + "  no version takes traffic");
  if (route.versions.size() > kMaxVersionsShown) {
    view.Add(fmt::format("        and {} more", route.versions.size() - kMaxVersionsShown), kDim);
  }
}

}  // namespace

std::vector<std::string> ViewLines(const DemoFrame& frame, const DemoCanvas& canvas) {
  View view(canvas);
  std::string title = fmt::format("{}  {}  {:g} requests/s  {}", ShowElapsed(frame.elapsed),
                                  frame.url, frame.rate, ShowCount(frame.errors, "error"));
  if (frame.skipped > 0) title += fmt::format("  {} skipped", frame.skipped);
  view.Add(title, kBold);
  view.AddHeads();
  for (const FrameRoute& route : frame.routes) AddRoute(route, view);
  if (frame.rollout) {
    for (const std::string& line : RolloutLines(*frame.rollout, canvas.width, kMaxRolloutLines)) {
      view.Add(line, ColourOf(*frame.rollout));
    }
  }
  if (!frame.chat.providers.empty()) {
    view.Add(ChatHeadline(frame.chat));
    view.AddProviders(frame.chat.providers);
  }
  for (std::size_t i = 0; i < std::min(frame.troubles.size(), kMaxTroublesShown); ++i) {
    view.Add("! " + frame.troubles[i], kRed);
  }
  view.Add("seen: since the route's last change, at most 60 s; all else: since start; ms", kDim);
  if (frame.changes.empty()) view.Add("No change yet by anybody.", kDim);
  if (!frame.changes.empty()) view.Add("Changes (UTC), newest first:");
  for (const std::string& change : frame.changes) view.Add("  " + change);
  return std::move(view).Take();
}

std::string Repaint(const std::vector<std::string>& lines, std::size_t drawn) {
  std::string out = "\r";
  if (drawn > 0) out += fmt::format("\x1b[{}A", drawn);
  // Cleared before it is written: after a line as wide as the terminal, clearing to the end would
  // take its last character.
  for (const std::string& line : lines) out += fmt::format("\x1b[2K{}\r\n", line);
  return out + "\x1b[J";
}

}  // namespace podium::app
