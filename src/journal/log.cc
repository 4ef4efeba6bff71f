#include "journal/log.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/whole_file.h"

namespace podium::journal {
namespace {

namespace fs = std::filesystem;

std::optional<std::uint64_t> ParseNumber(std::string_view text, int base) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, base);
  if (text.empty() || error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

std::optional<std::uint64_t> IncarnationOf(const fs::path& folder) {
  const std::string name = folder.filename().string();
  const std::optional<std::uint64_t> number = ParseNumber(name, 16);
  if (!number || LogFolderName(*number) != name) return std::nullopt;
  return number;
}

/// Core and number of a file name; nullopt for files that are no segments.
std::optional<std::pair<std::uint32_t, std::uint64_t>> ParseSegmentName(const std::string& name) {
  const std::size_t dash = name.find('-');
  if (dash == std::string::npos || !name.ends_with(".seg")) return std::nullopt;
  const auto core = ParseNumber(std::string_view(name).substr(0, dash), 10);
  const auto number =
      ParseNumber(std::string_view(name).substr(dash + 1, name.size() - dash - 5), 10);
  if (!core || !number || *core > UINT32_MAX) return std::nullopt;
  return std::pair(static_cast<std::uint32_t>(*core), *number);
}

}  // namespace

std::string LogFolderName(std::uint64_t incarnation) { return fmt::format("{:016x}", incarnation); }

std::vector<std::string> LogFolders(const std::string& root) {
  std::vector<std::string> folders;
  std::error_code failed;
  for (fs::directory_iterator at(root, failed), end; !failed && at != end; at.increment(failed)) {
    if (IncarnationOf(at->path())) folders.push_back(at->path().string());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

Result<std::unique_ptr<DeadLog>> DeadLog::Open(const std::string& folder) {
  const std::optional<std::uint64_t> incarnation = IncarnationOf(folder);
  if (!incarnation) {
    return Fail(ErrorCode::kInvalidArgument, "{} is no folder of a journal", folder);
  }
  PODIUM_TRY_ASSIGN(std::optional<LifeFolder> held, LifeFolder::Take(folder));
  if (!held) return std::unique_ptr<DeadLog>();
  std::unique_ptr<DeadLog> log(new DeadLog(std::move(*held), *incarnation));
  std::error_code failed;
  for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
    if (const auto name = ParseSegmentName(at->path().filename().string())) {
      log->segments_[name->first].insert(name->second);
    }
  }
  if (failed == std::errc::no_such_file_or_directory) return std::unique_ptr<DeadLog>();
  if (failed) {
    return Fail(ErrorCode::kUnavailable, "the journal cannot list {}: {}", folder,
                failed.message());
  }
  return log;
}

DeadLog::DeadLog(LifeFolder folder, std::uint64_t incarnation)
    : folder_(std::move(folder)), incarnation_(incarnation) {}

std::vector<std::uint32_t> DeadLog::cores() const {
  std::vector<std::uint32_t> cores;
  for (const auto& [core, numbers] : segments_) cores.push_back(core);
  return cores;
}

std::optional<std::uint64_t> DeadLog::NextSegment(std::uint32_t core, std::uint64_t number) {
  const auto of_core = segments_.find(core);
  if (of_core == segments_.end()) return std::nullopt;
  const auto found = of_core->second.lower_bound(number);
  if (found == of_core->second.end()) return std::nullopt;
  return *found;
}

Result<SegmentBytes> DeadLog::Look(std::uint32_t core, std::uint64_t number) {
  const SegmentId id{incarnation_, core, number};
  if (loaded_id_ != id) {
    loaded_id_.reset();
    const std::string path = folder() + "/" + SegmentFileName(core, number);
    PODIUM_TRY_ASSIGN(std::optional<std::string> bytes,
                      ReadWholeFile(path, limits::kMaxJournalFileBytes));
    if (!bytes) return Fail(ErrorCode::kUnprocessable, "{} is gone", path);
    loaded_ = std::move(*bytes);
    loaded_id_ = id;
  }
  PODIUM_TRY_ASSIGN(const std::uint64_t salt, ReadSegmentHead(loaded_, id));
  return SegmentBytes{loaded_, salt, /*ended=*/true};
}

void DeadLog::DropBefore(std::uint32_t core, std::uint64_t number) {
  std::set<std::uint64_t>& numbers = segments_[core];
  std::error_code ignored;  // What stays is read once more, and its events are known.
  while (!numbers.empty() && *numbers.begin() < number) {
    fs::remove(folder() + "/" + SegmentFileName(core, *numbers.begin()), ignored);
    numbers.erase(numbers.begin());
  }
}

void DeadLog::Remove() { folder_.Remove(); }

}  // namespace podium::journal
