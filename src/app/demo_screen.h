// Where the demo prints: a terminal that is redrawn in place, or a stream of lines.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/demo_view.h"

namespace podium::app {

/// Threads: one at a time.
class DemoScreen {
 public:
  /// Looks at stdout and the environment (TERM, NO_COLOR).
  DemoScreen();

  bool live() const { return live_; }  ///< Whether Draw works in place.
  DemoCanvas canvas() const;           ///< As the terminal is now: it may be resized.

  void Print(const std::vector<std::string>& lines);
  /// Replaces what was drawn last. After a resize the terminal has moved lines about: it is cleared
  /// and `above`, what was printed before, comes again. REQUIRES: live().
  void Draw(const std::vector<std::string>& lines, const DemoCanvas& canvas,
            const std::vector<std::string>& above);
  /// Nobody reads any more (a closed pipe): there is no point in going on.
  bool closed() const { return closed_; }

 private:
  void Write(std::string_view bytes);

  bool live_ = false;
  bool colour_ = false;
  bool closed_ = false;
  std::size_t drawn_ = 0;  ///< Lines of the last picture.
  DemoCanvas last_;
};

}  // namespace podium::app
