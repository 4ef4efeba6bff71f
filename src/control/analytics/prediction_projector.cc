#include "control/analytics/prediction_projector.h"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "base/json.h"
#include "base/log.h"
#include "predictions/record.h"
#include "predictions/segment.h"
#include "predictions/segment_reader.h"

namespace podium::control {
namespace {

constexpr std::chrono::seconds kSavePositionEvery{1};
constexpr std::chrono::seconds kLookForNextEvery{1};  // A month of segments is a long list.

}  // namespace

PredictionProjector::PredictionProjector(std::string folder, std::string replica,
                                         store::PredictionStore& store, const Clock& clock)
    : folder_(std::move(folder)), replica_(std::move(replica)), store_(store), clock_(clock) {}

std::string PredictionProjector::PathOfPosition() const {
  return fmt::format("{}/{}.indexed.json", folder_, replica_);
}

// A position that cannot be read costs time, not rows: everything that is there is read again.
Status PredictionProjector::Load() {
  if (loaded_) return {};
  loaded_ = true;
  std::ifstream file(PathOfPosition());
  if (!file) return {};
  std::stringstream text;
  text << file.rdbuf();
  const Result<Json> json = ParseJson(text.str());
  if (json && json->is_object() && json->contains("segment") && json->contains("offset") &&
      (*json)["segment"].is_string() && (*json)["offset"].is_number_integer()) {
    read_ = {(*json)["segment"].get<std::string>(), (*json)["offset"].get<std::int64_t>()};
    // A repair may have moved the lines of a segment that was open; those of a closed one stay.
    if (!json->contains("closed") || (*json)["closed"] != true) read_.offset = 0;
  } else {
    LogWarning("the position of the prediction index cannot be read: it begins anew",
               {{"file", PathOfPosition()}});
  }
  stored_ = read_;
  saved_ = read_;
  return {};
}

std::optional<std::string> PredictionProjector::NextSegment() const {
  for (const predictions::SegmentFile& file : predictions::ListSegments(folder_)) {
    if (file.name > read_.segment && predictions::ReplicaOfSegment(file.name) == replica_) {
      return file.name;
    }
  }
  return std::nullopt;
}

bool PredictionProjector::IsOpen(const std::string& segment) const {
  return std::filesystem::exists(
      fmt::format("{}/{}{}", folder_, segment, predictions::kOpenSuffix));
}

void PredictionProjector::TakeLine(std::int64_t offset, std::string_view text) {
  read_.offset = offset + static_cast<std::int64_t>(text.size()) + 1;
  Result<PredictionRow> row = predictions::RowOfLine(text);
  if (!row) {
    ++unreadable_;
    return;
  }
  row->segment = read_.segment;
  row->offset = offset;
  pending_.push_back(*std::move(row));
  ends_.push_back(read_.offset);
}

Status PredictionProjector::ReadSegment() {
  // Asked before it is read: what is written in between is read then. The writer has one segment at
  // a time: nothing is added to those before it, though they may wait long to be packed.
  bool was_open = IsOpen(read_.segment);
  if (was_open && clock_.SteadyNow() >= next_look_) {
    next_look_ = clock_.SteadyNow() + kLookForNextEvery;
    was_open = !NextSegment();
  }
  Status lines = predictions::ReadLines(folder_, read_.segment, read_.offset,
                                        [&](const predictions::SegmentLine& line) {
                                          TakeLine(line.offset, line.text);
                                          return pending_.size() < limits::kPredictionsRead;
                                        });
  if (!lines && lines.error().code == ErrorCode::kUnavailable) return lines;
  if (!lines && lines.error().code == ErrorCode::kUnprocessable) {
    ++unreadable_;
    LogWarning("a segment of the prediction log is damaged: its rest is not indexed",
               {{"segment", read_.segment}, {"error", lines.error().message}});
  }  // Else retention was quicker: what is gone cannot be listed either.
  ended_ = pending_.empty() && !was_open;
  return {};
}

// Fills `pending_` from one segment; goes on to the next one when that has ended.
Status PredictionProjector::Read() {
  while (pending_.empty()) {
    if (!read_.segment.empty() && !ended_) {
      PODIUM_TRY(ReadSegment());
      if (!ended_) return {};
    }
    std::optional<std::string> next = NextSegment();
    if (!next) return {};
    read_ = {*std::move(next), 0};
    ended_ = false;
  }
  return {};
}

Result<bool> PredictionProjector::Step() {
  PODIUM_TRY(Load());
  if (pending_.empty()) PODIUM_TRY(Read());
  if (pending_.empty()) {
    stored_ = read_;
    return false;
  }
  PODIUM_TRY_ASSIGN(const store::RecordedPredictions done, store_.RecordPredictions(pending_));
  rows_ += done.inserted;
  const auto taken = static_cast<std::ptrdiff_t>(done.taken);
  stored_ = {read_.segment, ends_[done.taken - 1]};
  pending_.erase(pending_.begin(), pending_.begin() + taken);
  ends_.erase(ends_.begin(), ends_.begin() + taken);
  return true;  // The next look says whether there is more, here or in the next segment.
}

bool PredictionProjector::save_due() const {
  return stored_ != saved_ && clock_.SteadyNow() >= next_save_;
}

Status PredictionProjector::Save() {
  next_save_ = clock_.SteadyNow() + kSavePositionEvery;
  const std::string path = PathOfPosition();
  const std::string fresh = path + ".new";
  const Position position = stored_;
  {
    std::ofstream file(fresh, std::ios::trunc);
    const Json json = {{"segment", position.segment},
                       {"offset", position.offset},
                       {"closed", !IsOpen(position.segment)}};
    file << DumpJson(json) << '\n';
    if (!file.flush()) {
      return Fail(ErrorCode::kUnavailable, "the position {} cannot be written", fresh);
    }
  }
  // After a crash an older position will do: it costs a second look at some lines.
  if (std::rename(fresh.c_str(), path.c_str()) != 0) {
    return Fail(ErrorCode::kUnavailable, "the position {} cannot be replaced", path);
  }
  saved_ = position;
  return {};
}

Status PredictionProjector::Drain() {
  while (true) {
    PODIUM_TRY_ASSIGN(const bool more, Step());
    if (more) continue;
    return stored_ == saved_ ? Status() : Save();
  }
}

void PredictionProjector::WriteMetrics(Exposition& out) const {
  out.Family("podium_predictions_indexed_total", "counter",
             "Rows of this replica's predictions that were brought to the index.");
  out.Sample({}, static_cast<double>(rows_.load(std::memory_order_relaxed)));
  out.Family("podium_predictions_unreadable_total", "counter",
             "Lines of the prediction log that could not be read.");
  out.Sample({}, static_cast<double>(unreadable_.load(std::memory_order_relaxed)));
}

}  // namespace podium::control
