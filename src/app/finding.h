// One mistake in the settings, in the form that editors jump to:
//
//   podium.yaml:3:11: error: server.cores is 9999, must be within 0..1024
//       3 |   cores: 9999
//         |          ^~~~
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace podium::app {

enum class Severity { kError, kWarning };
std::string_view NameOf(Severity severity);

/// Where something was written.
struct Place {
  std::string origin;    ///< A file's name, "env NAME" or "flag --name"; never empty in a finding.
  std::size_t line = 0;  ///< From 1; 0 when the origin has no lines.
  std::size_t column = 0;  ///< From 1, in bytes as compilers count.
  std::size_t length = 1;  ///< Of what the caret line underlines.
};

struct Finding {
  Severity severity = Severity::kError;
  Place place;
  std::string message;
  std::string source;  ///< The line itself, secrets already masked; empty when there is none.
};

/// All lines of one finding, each with its end.
std::string Render(const Finding& finding);
/// "2 errors in podium.yaml, 1 in the environment, 1 warning"; "no mistakes" for none.
std::string Summary(const std::vector<Finding>& findings);
bool HasErrors(const std::vector<Finding>& findings);

/// `line` as it may be shown: what follows a key that sounds like a secret is masked, unless it is
/// a ${...} reference. REQUIRES: for values over several lines, see MaskedLines.
std::string MaskSecrets(std::string_view line);

/// The lines of `text`, each as it may be shown; the indented lines below a secret's key too.
std::vector<std::string> MaskedLines(std::string_view text);

}  // namespace podium::app
