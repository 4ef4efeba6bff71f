#include "control/admin/event_stream.h"

#include <utility>

#include "base/limits.h"

namespace podium::control {
namespace {

constexpr std::string_view kSource = "podium";
// After an error of the registry: many readers must not ask one that is away all the time.
constexpr std::chrono::seconds kEventRetry{1};

Json DataOf(const store::OutboxEvent& event) {
  Result<Json> data = ParseJson(event.data);
  return data ? std::move(*data) : Json(event.data);
}

}  // namespace

std::string RouteOf(const store::OutboxEvent& event) {
  const Json data = DataOf(event);
  if (!data.is_object()) return {};
  const auto route = data.find("route");
  return route != data.end() && route->is_string() ? route->get<std::string>() : std::string();
}

bool Wants(const EventFilter& filter, const store::OutboxEvent& event) {
  if (!filter.types.empty() && !filter.types.contains(event.type)) return false;
  return !filter.route || RouteOf(event) == *filter.route;
}

Json CloudEvent(const store::OutboxEvent& event) {
  Json json;
  json["specversion"] = "1.0";
  json["id"] = fmt::to_string(event.sequence);
  json["source"] = kSource;
  json["type"] = event.type;
  if (const std::string route = RouteOf(event); !route.empty()) json["subject"] = route;
  json["time"] = FormatUtc(event.at);
  json["datacontenttype"] = "application/json";
  json["data"] = DataOf(event);
  return json;
}

// JSON text holds no line ends, so one data line is enough.
std::string EventFrame(const store::OutboxEvent& event) {
  return fmt::format("id: {}\nevent: {}\ndata: {}\n\n", event.sequence, event.type,
                     DumpJson(CloudEvent(event)));
}

std::string ResetFrame(std::int64_t asked, std::int64_t newest) {
  return fmt::format(
      "id: {0}\nevent: podium.stream.reset\ndata: {{\"asked\":{1},\"newest\":{0}}}\n\n", newest,
      asked);
}

EventPiece PieceOf(const std::vector<store::OutboxEvent>& page, const EventFilter& filter,
                   std::int64_t after) {
  EventPiece piece;
  piece.after = after;
  for (const store::OutboxEvent& event : page) {
    piece.after = event.sequence;
    if (!Wants(filter, event)) continue;
    piece.frames += EventFrame(event);
    piece.told = event.sequence;
  }
  piece.full = page.size() == static_cast<std::size_t>(limits::kEventPage);
  return piece;
}

// A block without data is no event: it only moves the reader's last event id.
std::string CommentFrame(std::int64_t after, std::int64_t told) {
  if (after == told) return ": still here\n\n";
  return fmt::format(": still here\nid: {}\n\n", after);
}

EventStream::EventStream(const AdminContext& context, EventFilter filter, std::int64_t after,
                         std::string opening)
    : context_(context),
      filter_(std::move(filter)),
      after_(after),
      told_(after),
      out_(std::move(opening)),
      sent_(context.clock.SteadyNow()),
      retry_at_(sent_) {}

EventStream::~EventStream() { --context_.event_readers; }

std::uint64_t EventStream::Moves() const {
  return context_.moves == nullptr ? 0 : context_.moves->load();
}

Task<Result<std::string_view>> EventStream::Next() {
  // What was sent is taken: the next piece begins.
  if (std::exchange(begun_, true)) out_.clear();
  while (out_.empty()) {
    if (left_ || context_.draining) co_return std::string_view();
    const bool to_look = behind_ || Moves() != seen_moves_;
    if (to_look && context_.clock.SteadyNow() >= retry_at_) {
      auto read = Read();
      const Status looked = co_await std::move(read);
      if (!out_.empty()) break;
      if (looked && behind_) continue;
      // The registry is away: the reader stays, and hears more when it is back.
      if (!looked) {
        behind_ = true;
        retry_at_ = context_.clock.SteadyNow() + kEventRetry;
      }
    }
    if (context_.clock.SteadyNow() - sent_ >= limits::kEventComment) {
      out_ = CommentFrame(after_, std::exchange(told_, after_));
      break;
    }
    auto pause = Pause(limits::kEventLook);
    if (!co_await std::move(pause)) co_return std::string_view();
  }
  sent_ = context_.clock.SteadyNow();
  co_return out_;
}

Result<EventPiece> EventStream::ReadPiece() const {
  PODIUM_TRY_ASSIGN(const std::vector<store::OutboxEvent> page,
                    context_.store.ReadOutbox(after_, limits::kEventPage));
  EventPiece piece = PieceOf(page, filter_, after_);
  if (!page.empty()) return piece;
  PODIUM_TRY_ASSIGN(const std::int64_t newest, context_.store.ReadNewestEvent());
  if (newest >= after_) return piece;
  piece.frames = ResetFrame(after_, newest);
  piece.after = piece.told = newest;
  return piece;
}

Task<Status> EventStream::Read() {
  seen_moves_ = Moves();  // Before the look: what moves meanwhile is looked at again.
  behind_ = false;
  auto read = RunOn(context_.pools.reads, [this] { return ReadPiece(); });
  const Result<EventPiece> piece = co_await std::move(read);
  if (!piece) co_return Fail(piece.error());
  after_ = piece->after;
  if (!piece->frames.empty()) told_ = piece->told;
  out_ += piece->frames;
  behind_ = piece->full;
  co_return Status();
}

}  // namespace podium::control
