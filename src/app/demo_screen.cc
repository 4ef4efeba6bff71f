#include "app/demo_screen.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace podium::app {
namespace {

std::string_view ProcessVariable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

}  // namespace

DemoScreen::DemoScreen() {
  const std::string_view terminal = ProcessVariable("TERM");
  live_ = ::isatty(STDOUT_FILENO) == 1 && !terminal.empty() && terminal != "dumb";
  colour_ = live_ && ProcessVariable("NO_COLOR").empty();
}

DemoCanvas DemoScreen::canvas() const {
  DemoCanvas canvas;
  canvas.colour = colour_;
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
    canvas.width = size.ws_col;
    canvas.height = size.ws_row;
  }
  return canvas;
}

void DemoScreen::Print(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  Write(text);
}

void DemoScreen::Draw(const std::vector<std::string>& lines, const DemoCanvas& canvas,
                      const std::vector<std::string>& above) {
  std::string bytes;
  if (drawn_ > 0 && canvas != last_) {
    bytes = "\x1b[H\x1b[2J";
    for (const std::string& line : above) bytes += line + "\r\n";
    drawn_ = 0;
  }
  bytes += Repaint(lines, drawn_);
  Write(bytes);
  drawn_ = lines.size();
  last_ = canvas;
}

void DemoScreen::Write(std::string_view bytes) {
  while (!bytes.empty() && !closed_) {
    const ssize_t written = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      closed_ = true;
    }
  }
}

}  // namespace podium::app
