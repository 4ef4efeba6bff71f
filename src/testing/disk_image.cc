#include "testing/disk_image.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <vector>

namespace podium::testing {
namespace {

constexpr std::size_t kSectorBytes = 512;

struct TrackedFile {
  std::optional<std::string> synced;  // None: no name on the disk yet.
  std::vector<const DiskEvent*> pending;
  std::optional<std::string> ghost;  // What was deleted and may still be there.
};

void Apply(const DiskEvent& event, std::size_t bytes, std::string& content) {
  const auto offset = static_cast<std::size_t>(event.offset);
  if (event.kind == DiskEvent::Kind::kTruncate) return content.resize(offset);
  if (content.size() < offset + bytes) content.resize(offset + bytes);
  std::copy_n(event.bytes.begin(), bytes, content.begin() + event.offset);
}

// How much of a write that was never synced is on the disk; all of a truncation or nothing.
std::optional<std::size_t> Arrived(const DiskEvent& event, Rng& rng) {
  switch (rng.Next64() % 3) {
    case 0:
      return std::nullopt;
    case 1:
      return event.bytes.size();
    default:
      return event.bytes.size() / 2 / kSectorBytes * kSectorBytes;
  }
}

std::optional<std::string> Survivor(const TrackedFile& file, Unsynced unsynced, Rng& rng) {
  if (unsynced == Unsynced::kLost) return file.synced ? file.synced : file.ghost;
  if (file.ghost && rng.Next64() % 2 == 0) return file.ghost;
  if (!file.synced && file.pending.empty()) return std::nullopt;
  std::string content = file.synced.value_or("");
  for (const DiskEvent* event : file.pending) {
    if (const auto bytes = Arrived(*event, rng)) Apply(*event, *bytes, content);
  }
  return content;
}

}  // namespace

std::map<std::string, std::string> AfterPowerCut(std::span<const DiskEvent> events,
                                                 Unsynced unsynced, Rng& rng) {
  std::map<std::string, TrackedFile> files;
  for (const DiskEvent& event : events) {
    TrackedFile& file = files[event.path];
    switch (event.kind) {
      case DiskEvent::Kind::kFound:
        file.synced = event.bytes;
        break;
      case DiskEvent::Kind::kWrite:
      case DiskEvent::Kind::kTruncate:
        file.pending.push_back(&event);
        break;
      case DiskEvent::Kind::kSync: {
        if (!file.synced) {
          for (auto& [path, other] : files) other.ghost.reset();
        }
        std::string content = file.synced.value_or("");
        for (const DiskEvent* done : file.pending) Apply(*done, done->bytes.size(), content);
        file = {std::move(content), {}, std::nullopt};
        break;
      }
      case DiskEvent::Kind::kDelete:
        file = {std::nullopt, {}, event.offset == 0 ? file.synced : std::nullopt};
        break;
    }
  }
  std::map<std::string, std::string> left;
  for (const auto& [path, file] : files) {
    if (auto content = Survivor(file, unsynced, rng)) left[path] = std::move(*content);
  }
  return left;
}

void WriteImage(const std::map<std::string, std::string>& files, const std::string& directory) {
  for (const auto& [path, content] : files) {
    std::ofstream(directory / std::filesystem::path(path).filename(), std::ios::binary) << content;
  }
}

}  // namespace podium::testing
