#include "view/recent_requests.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <latch>
#include <utility>

namespace podium::view {
namespace {

constexpr std::size_t kTextBytes = limits::kRecentTextBytes;

std::string_view Kept(std::string_view text) { return text.substr(0, kTextBytes); }

}  // namespace

// Texts lie one behind the other, so that a request of usual size touches two cache lines or three.
struct RecentRequests::Slot {
  WallTime at;
  Generation generation;
  const VersionStats* assigned;
  const VersionStats* served;
  std::uint16_t id_size;    // As sent: the kept part may be shorter.
  std::uint16_t unit_size;  // As sent; 0 when the unit is the request id.
  std::uint16_t route_size;
  std::uint16_t fine_bucket;
  std::uint16_t status;
  UnitKind unit_kind;
  routing::Reason reason;
  routing::ServeReason serve_reason;
  bool sticky;
  std::array<char, kTextBytes + limits::kMaxNameBytes + kTextBytes> text;  // Id, route, unit.

  std::string_view id() const { return {text.data(), std::min<std::size_t>(id_size, kTextBytes)}; }
  std::string_view route() const { return {text.data() + id().size(), route_size}; }
  std::string_view unit() const {
    return {text.data() + id().size() + route_size, std::min<std::size_t>(unit_size, kTextBytes)};
  }
};

struct alignas(64) RecentRequests::Ring {
  // Not cleared: memory that no request has filled yet is never touched.
  explicit Ring(std::size_t size) : slots(std::make_unique_for_overwrite<Slot[]>(size)) {}

  std::unique_ptr<Slot[]> slots;
  std::size_t next = 0;
  std::size_t count = 0;
};

RecentRequests::RecentRequests(std::size_t cores, PostToCore post, std::size_t in_all)
    : per_core_(std::max<std::size_t>(1, in_all / std::max<std::size_t>(1, cores))),
      post_(std::move(post)) {
  for (std::size_t core = 0; core < cores; ++core) {
    rings_.push_back(std::make_unique<Ring>(per_core_));
  }
}

RecentRequests::~RecentRequests() = default;

void RecentRequests::Record(std::size_t core, const AnsweredRequest& request) {
  Ring& ring = *rings_[core];
  Slot& slot = ring.slots[ring.next];
  ring.next = ring.next + 1 == per_core_ ? 0 : ring.next + 1;
  ring.count = std::min(ring.count + 1, per_core_);

  slot.at = request.at;
  slot.generation = request.generation;
  slot.assigned = request.assigned;
  slot.served = request.served;
  slot.fine_bucket = static_cast<std::uint16_t>(request.fine_bucket);
  slot.status = static_cast<std::uint16_t>(request.status);
  slot.unit_kind = request.unit_kind;
  slot.reason = request.reason;
  slot.serve_reason = request.serve_reason;
  slot.sticky = request.sticky;

  const std::string_view route = request.route.substr(0, limits::kMaxNameBytes);
  const bool own_unit = request.unit_kind != UnitKind::kRequest;
  slot.id_size = static_cast<std::uint16_t>(request.request_id.size());
  slot.route_size = static_cast<std::uint16_t>(route.size());
  slot.unit_size = own_unit ? static_cast<std::uint16_t>(request.unit.size()) : std::uint16_t{0};
  char* end = slot.text.data();
  const auto add = [&end](std::string_view text) {
    // An empty view may hold a null pointer, which memcpy must not see.
    if (!text.empty()) std::memcpy(end, text.data(), text.size());
    end += text.size();
  };
  add(Kept(request.request_id));
  add(route);
  if (own_unit) add(Kept(request.unit));
}

RecentRequests::Found RecentRequests::FindOn(const Ring& ring, std::string_view request_id) const {
  Found found;
  found.kept = ring.count;
  const Slot* match = nullptr;
  for (std::size_t back = 1; back <= ring.count; ++back) {
    const Slot& slot = ring.slots[(ring.next + per_core_ - back) % per_core_];
    found.oldest = slot.at;
    if (slot.id_size != request_id.size() || slot.id() != Kept(request_id)) continue;
    ++found.matches;
    if (match == nullptr) match = &slot;
  }
  if (match == nullptr) return found;
  const bool own_unit = match->unit_kind != UnitKind::kRequest;
  RecentRequest& request = found.request.emplace();
  request.request_id = match->id();
  request.route = match->route();
  request.unit = own_unit ? match->unit() : match->id();
  request.unit_is_whole = (own_unit ? match->unit_size : match->id_size) <= kTextBytes;
  request.unit_kind = match->unit_kind;
  request.sticky = match->sticky;
  request.generation = match->generation;
  request.fine_bucket = match->fine_bucket;
  request.reason = match->reason;
  request.serve_reason = match->serve_reason;
  request.assigned = match->assigned;
  request.served = match->served;
  request.status = match->status;
  request.at = match->at;
  return found;
}

RecentRequests::Found RecentRequests::Find(std::string_view request_id) const {
  std::vector<Found> parts(rings_.size());
  std::latch answered(static_cast<std::ptrdiff_t>(rings_.size()));
  for (std::size_t core = 0; core < rings_.size(); ++core) {
    post_(core, [this, core, request_id, &parts, &answered] {
      parts[core] = FindOn(*rings_[core], request_id);
      answered.count_down();
    });
  }
  answered.wait();
  Found sum;
  for (Found& part : parts) {
    sum.kept += part.kept;
    sum.matches += part.matches;
    if (part.oldest && (!sum.oldest || *part.oldest < *sum.oldest)) sum.oldest = part.oldest;
    const bool newer = part.request && (!sum.request || part.request->at > sum.request->at);
    if (newer) sum.request = std::move(part.request);
  }
  return sum;
}

}  // namespace podium::view
