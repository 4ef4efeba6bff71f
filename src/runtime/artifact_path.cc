#include "runtime/artifact_path.h"

#include <optional>
#include <string>

#include "base/utf8.h"
#include "domain/model_limits.h"
#include "runtime/path_text.h"

namespace podium::runtime {
namespace {

Failure NoArtifactPath(std::string_view why) {
  return Fail(
      Error{ErrorCode::kInvalidArgument, fmt::format("Invalid path: {}", why), "path", nullptr});
}

Status CheckStep(const std::string& step) {
  if (step.size() > limits::kMaxArtifactStepBytes) {
    return NoArtifactPath(fmt::format("a step has {} bytes, the limit is {}", step.size(),
                                      limits::kMaxArtifactStepBytes));
  }
  // Whatever stands between us and the file system may decode again, or read it as a URI.
  const std::optional<std::string> decoded = DecodedFully(step);
  if (step.empty() || !decoded || *decoded == "." || LeadsUp(*decoded) ||
      decoded->find_first_of("/\\") != std::string::npos) {
    return NoArtifactPath("its steps must be names, none of them empty, '.' or '..'");
  }
  const bool is_drive = step.size() == 2 && step[1] == ':';
  if (is_drive || HasControl(*decoded) || !IsUtf8(step)) {
    return NoArtifactPath("its steps must be text without control characters, and no drives");
  }
  return {};
}

}  // namespace

Result<ArtifactPath> ParseArtifactPath(std::string_view text) {
  if (text.size() > limits::kMaxUriBytes) {
    return NoArtifactPath(
        fmt::format("it has {} bytes, the limit is {}", text.size(), limits::kMaxUriBytes));
  }
  ArtifactPath path;
  if (text.empty()) return path;
  while (true) {
    const std::size_t end = text.find('/');
    path.emplace_back(text.substr(0, end));
    PODIUM_TRY(CheckStep(path.back()));
    if (path.size() > limits::kMaxArtifactSteps) {
      return NoArtifactPath(fmt::format("it has more than {} steps", limits::kMaxArtifactSteps));
    }
    if (end == std::string_view::npos || end + 1 == text.size()) return path;
    text.remove_prefix(end + 1);
  }
}

}  // namespace podium::runtime
