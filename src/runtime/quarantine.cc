#include "runtime/quarantine.h"

#include <cstdint>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

#include "base/json.h"
#include "base/log.h"
#include "runtime/artifact.h"
#include "runtime/harm_limits.h"

namespace podium::runtime {
namespace {

namespace fs = std::filesystem;

std::string TextOf(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

std::int64_t NumberOf(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

const Json& ListOf(const Json& json, const char* key) {
  static const Json none = Json::array();
  const auto found = json.find(key);
  return found != json.end() && found->is_array() ? *found : none;
}

}  // namespace

Quarantine::Quarantine(fs::path file, const Clock& clock) : file_(std::move(file)), clock_(clock) {
  Read();
}

void Quarantine::Read() {
  std::error_code error;
  if (file_.empty() || !fs::exists(file_, error)) return;
  std::string text(limits::kMaxQuarantineBytes + 1, '\0');
  std::ifstream in(file_, std::ios::binary);
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (const Status parsed = Parse(text); !parsed) {
    LogWarning("the quarantine cannot be read: nothing is kept from loading",
               {{"file", file_.string()}, {"error", parsed.error().message}});
  }
}

Status Quarantine::Parse(const std::string& text) {
  if (text.size() > limits::kMaxQuarantineBytes) {
    return Fail(ErrorCode::kTooLarge, "it is larger than {} bytes", limits::kMaxQuarantineBytes);
  }
  PODIUM_TRY_ASSIGN(const Json json, ParseJson(text));
  for (const Json& item : ListOf(json, "artifacts")) {
    const std::string sha256 = TextOf(item, "sha256");
    if (!IsChecksum(sha256)) continue;
    const WallTime at{std::chrono::microseconds(NumberOf(item, "at_us"))};
    entries_[sha256] = {TextOf(item, "reason"), at};
  }
  for (const Json& item : ListOf(json, "strikes")) {
    const std::string sha256 = TextOf(item, "sha256");
    if (IsChecksum(sha256)) strikes_[sha256] = static_cast<int>(NumberOf(item, "deaths"));
  }
  return {};
}

void Quarantine::Add(const std::string& sha256, const std::string& reason) {
  Listener listener;
  {
    const std::lock_guard lock(mutex_);
    if (!entries_.try_emplace(sha256, Entry{reason, clock_.Now()}).second) return;
    if (entries_.size() > limits::kMaxQuarantined) ForgetOldest(sha256);
    changed_ = true;
    listener = listener_;
  }
  LogError("a model is quarantined", {{"sha256", sha256}, {"reason", reason}});
  if (listener) listener(sha256, reason);
}

void Quarantine::ForgetOldest(const std::string& newest) {
  auto oldest = entries_.end();
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
    if (entry->first == newest) continue;
    if (oldest == entries_.end() || entry->second.at < oldest->second.at) oldest = entry;
  }
  if (oldest != entries_.end()) entries_.erase(oldest);
}

bool Quarantine::Release(const std::string& sha256) {
  const std::lock_guard lock(mutex_);
  const bool known = entries_.erase(sha256) > 0;
  const bool suspected = strikes_.erase(sha256) > 0;
  changed_ = changed_ || known || suspected;
  return known;
}

std::optional<std::string> Quarantine::Find(const std::string& sha256) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(sha256);
  if (found == entries_.end()) return std::nullopt;
  return found->second.reason;
}

std::size_t Quarantine::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

Strikes Quarantine::strikes() const {
  const std::lock_guard lock(mutex_);
  return strikes_;
}

void Quarantine::SetStrikes(Strikes strikes) {
  const std::lock_guard lock(mutex_);
  changed_ = changed_ || strikes != strikes_;
  strikes_ = std::move(strikes);
}

void Quarantine::Listen(Listener listener) {
  const std::lock_guard lock(mutex_);
  listener_ = std::move(listener);
}

Status Quarantine::Save() {
  const std::lock_guard saving(saving_);
  std::string text;
  {
    const std::lock_guard lock(mutex_);
    if (!changed_ || file_.empty()) return {};
    changed_ = false;
    text = Render();
  }
  Status written = ReplaceFile(file_, text);
  if (written) return {};
  const std::lock_guard lock(mutex_);
  changed_ = true;
  return written;
}

std::string Quarantine::Render() const {
  Json json;
  json["artifacts"] = Json::array();
  for (const auto& [sha256, entry] : entries_) {
    json["artifacts"].push_back({{"sha256", sha256},
                                 {"reason", entry.reason},
                                 {"at", FormatUtc(entry.at)},
                                 {"at_us", entry.at.time_since_epoch().count()}});
  }
  json["strikes"] = Json::array();
  for (const auto& [sha256, deaths] : strikes_) {
    json["strikes"].push_back({{"sha256", sha256}, {"deaths", deaths}});
  }
  return DumpJsonPretty(json) + '\n';
}

}  // namespace podium::runtime
