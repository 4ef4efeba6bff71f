// The demo's live view as lines of text.
//
// Pure: state in, lines out, none longer than the width and none with a control byte of others.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "app/demo_frame.h"

namespace podium::app {

struct DemoCanvas {
  std::size_t width = 80;   ///< Columns; no line is longer.
  std::size_t height = 24;  ///< Rows; the view takes at most one less, for the cursor.
  bool colour = false;

  bool operator==(const DemoCanvas&) const = default;
};

/// A title, a row per version, what was changed lately. At 80 columns everything essential is
/// there; below, columns go in the order of what is missed least; above, some are added.
std::vector<std::string> ViewLines(const DemoFrame& frame, const DemoCanvas& canvas);

/// Bytes that move up over the `drawn` lines of the last picture and put `lines` in their place.
std::string Repaint(const std::vector<std::string>& lines, std::size_t drawn);

}  // namespace podium::app
