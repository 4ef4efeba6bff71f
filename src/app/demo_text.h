// What the demo says besides its live view: the first lines, a line for a log, the last words.
//
// Pure: state in, lines out.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "app/demo_frame.h"

namespace podium::app {

/// What the first and last lines tell.
struct DemoBanner {
  std::string url;          ///< "http://127.0.0.1:8080"
  std::string server_flag;  ///< " --server HOST:PORT", or empty where the default finds it.
  std::string program;      ///< As typed, for the commands to paste.
  std::string data_dir;
  bool kept = false;  ///< data_dir stays.
  DemoCandidate candidate = DemoCandidate::kBetter;
  bool reopened = false;      ///< The registry was there before and is as it was left.
  bool live = false;          ///< A view follows.
  std::string example_file;   ///< A request body for route `digits`.
  std::string example_label;  ///< Its known label.
  bool needs_token = false;   ///< Calls of language models do, with an admin token.
  double rate = 0;            ///< Requests per second.
  std::optional<std::chrono::milliseconds> duration;
  std::chrono::milliseconds first_after{0};  ///< From start to the first routed answer.
  std::string notice;                        ///< One line more, or empty: another port than usual.
};

/// At most 26 lines. Commands are whole, however long: they are to be pasted. The lines of the
/// SDK's snippet stand at the margin, since Python minds, and end with an empty one.
std::vector<std::string> BannerLines(const DemoBanner& banner);

/// One route for output that is no terminal:
/// "00:01:25 digits: v1 primary asked 95% seen 94.8% 1190 requests ... | v2 canary ...".
std::string RouteLine(const FrameRoute& route, std::chrono::seconds elapsed);

/// The language model route in one line, likewise.
std::string ChatLine(const FrameChat& chat, std::chrono::seconds elapsed);

/// At most 6 lines.
std::vector<std::string> SummaryLines(const DemoFrame& frame, const DemoBanner& banner);

}  // namespace podium::app
