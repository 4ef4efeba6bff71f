#include "predictions/segment_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "predictions/gzip.h"
#include "predictions/segment.h"

namespace podium::predictions {
namespace {

constexpr std::size_t kReadBytes = 256 * 1024;

/// Pieces in, whole lines out.
class LineCutter {
 public:
  LineCutter(std::int64_t from, std::function<bool(const SegmentLine&)> visit)
      : from_(from), visit_(std::move(visit)) {}

  /// False: enough.
  bool Take(std::string_view piece) {
    if (skipped_ < from_) {
      const auto skip =
          std::min<std::int64_t>(from_ - skipped_, static_cast<std::int64_t>(piece.size()));
      piece.remove_prefix(static_cast<std::size_t>(skip));
      skipped_ += skip;
      at_ = skipped_;
    }
    rest_ += piece;
    std::size_t start = 0;
    bool goes_on = true;
    for (std::size_t end = rest_.find('\n'); goes_on && end != std::string::npos;
         end = rest_.find('\n', start)) {
      goes_on = visit_({at_, std::string_view(rest_).substr(start, end - start)});
      at_ += static_cast<std::int64_t>(end + 1 - start);
      start = end + 1;
    }
    rest_.erase(0, start);
    return goes_on;
  }

 private:
  const std::int64_t from_;
  const std::function<bool(const SegmentLine&)> visit_;
  std::int64_t skipped_ = 0;
  std::int64_t at_ = 0;  // Where rest_ begins.
  std::string rest_;
};

}  // namespace

Status ReadLines(const std::string& folder, const std::string& name, std::int64_t offset,
                 const std::function<bool(const SegmentLine&)>& visit) {
  if (!ReplicaOfSegment(name)) {
    return Fail(ErrorCode::kInvalidArgument, "\"{}\" is no segment of the prediction log", name);
  }
  const std::string open = fmt::format("{}/{}{}", folder, name, kOpenSuffix);
  const std::string closed = fmt::format("{}/{}{}", folder, name, kClosedSuffix);
  std::ifstream plain(open, std::ios::binary);
  if (plain) {
    plain.seekg(offset);
    LineCutter cutter(
        0, [&](const SegmentLine& line) { return visit({line.offset + offset, line.text}); });
    std::string piece(kReadBytes, '\0');
    while (plain) {
      plain.read(piece.data(), static_cast<std::streamsize>(piece.size()));
      if (plain.gcount() == 0) break;
      if (!cutter.Take({piece.data(), static_cast<std::size_t>(plain.gcount())})) break;
    }
    return {};
  }
  if (!std::filesystem::exists(closed)) {
    return Fail(ErrorCode::kNotFound,
                "the segment {} is not here: another replica has it, or it "
                "was removed by predictions.retention",
                name);
  }
  LineCutter cutter(offset, visit);
  return Unpack(closed, [&](std::string_view piece) { return cutter.Take(piece); });
}

Result<std::string> FindLine(const std::string& folder, const std::string& name,
                             std::int64_t offset, const std::string& id) {
  const std::string start = fmt::format("{{\"id\":\"{}\",", id);
  std::string found;
  PODIUM_TRY(ReadLines(folder, name, offset, [&](const SegmentLine& line) {
    if (line.text.starts_with(start)) found = line.text;
    return false;
  }));
  if (found.empty()) {
    PODIUM_TRY(ReadLines(folder, name, 0, [&](const SegmentLine& line) {
      if (!line.text.starts_with(start)) return true;
      found = line.text;
      return false;
    }));
  }
  if (!found.empty()) return found;
  return Fail(ErrorCode::kNotFound, "prediction {} is not in its segment any more", id);
}

}  // namespace podium::predictions
