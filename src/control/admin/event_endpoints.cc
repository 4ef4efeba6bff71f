// /api/v1/events: what has happened, as a page or as a stream that goes on.
#include <charconv>
#include <memory>
#include <utility>

#include "base/limits.h"
#include "control/admin/context.h"
#include "control/admin/event_stream.h"
#include "control/admin/query.h"

namespace podium::control {
namespace {

Result<std::int64_t> Sequence(std::string_view name, std::string_view text) {
  std::int64_t sequence = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), sequence);
  if (error == std::errc() && end == text.data() + text.size() && sequence >= 0) return sequence;
  return Fail(
      Error{ErrorCode::kInvalidArgument,
            fmt::format("{} must be the id of an event, such as 12, not \"{}\"", name, text),
            std::string(name), nullptr});
}

// "a,b"
std::set<std::string, std::less<>> TypesOf(std::string_view text) {
  std::set<std::string, std::less<>> types;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    if (const std::string_view type = text.substr(0, comma); !type.empty()) types.emplace(type);
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return types;
}

EventFilter FilterOf(const net::RequestHead& head) {
  return {TypesOf(QueryText(head, "type").value_or("")), QueryText(head, "route")};
}

// Where the reader wants to go on; nullopt: it did not say.
Result<std::optional<std::int64_t>> AfterOf(const net::RequestHead& head) {
  if (const auto last = head.Find("last-event-id"); last && !last->empty()) {
    PODIUM_TRY_ASSIGN(const std::int64_t sequence, Sequence("Last-Event-ID", *last));
    return std::optional(sequence);
  }
  if (const auto after = QueryText(head, "after")) {
    PODIUM_TRY_ASSIGN(const std::int64_t sequence, Sequence("after", *after));
    return std::optional(sequence);
  }
  return std::optional<std::int64_t>();
}

bool WantsStream(const net::RequestHead& head) {
  return head.Find("accept").value_or("").find("text/event-stream") != std::string_view::npos;
}

constexpr int kMostLooks = 100;  // Of kEventPage events each, for one page of few.

/// A place among the readers, given back unless it was handed on.
class ReaderPlace {
 public:
  explicit ReaderPlace(std::atomic<std::size_t>& readers) : readers_(&readers) {
    granted_ = ++*readers_ <= limits::kMaxEventReaders;
  }
  ~ReaderPlace() {
    if (readers_ != nullptr) --*readers_;
  }
  ReaderPlace(const ReaderPlace&) = delete;
  ReaderPlace& operator=(const ReaderPlace&) = delete;
  bool granted() const { return granted_; }
  void HandOn() { readers_ = nullptr; }

 private:
  std::atomic<std::size_t>* readers_;
  bool granted_ = false;
};

AdminReply Stream(AdminCall& call, std::optional<std::int64_t> after) {
  const AdminContext& c = call.context;
  ReaderPlace place(c.event_readers);
  if (!place.granted()) {
    co_return Fail(ErrorCode::kLimited, "{} readers follow the events already: end one first",
                   limits::kMaxEventReaders);
  }
  if (!after) {
    auto look = RunOn(c.pools.reads, [&] { return c.store.ReadNewestEvent(); });
    const Result<std::int64_t> newest = co_await std::move(look);
    if (!newest) co_return Fail(newest.error());
    after = *newest;
  }
  net::Response response;
  response.content_type = "text/event-stream";
  response.headers.Add("Cache-Control", "no-store");
  response.headers.Add("X-Accel-Buffering", "no");  // A proxy that waits for more shows nothing.
  response.stream = std::make_unique<EventStream>(c, FilterOf(call.exchange.head()), *after,
                                                  fmt::format("retry: 1000\nid: {}\n\n", *after));
  place.HandOn();
  co_return response;
}

/// What of one look goes into a page.
struct PageItems {
  Json items = Json::array();
  std::int64_t last = 0;
  bool more = false;
};

// Blocking: runs on the pool for reads, which filters and formats too. At most `room` of one look.
Result<PageItems> ReadItems(store::RegistryStore& store, const EventFilter& filter,
                            std::int64_t after, std::size_t room) {
  PODIUM_TRY_ASSIGN(const std::vector<store::OutboxEvent> events,
                    store.ReadOutbox(after, limits::kEventPage));
  PageItems page{Json::array(), after, events.size() == std::size_t{limits::kEventPage}};
  for (const store::OutboxEvent& event : events) {
    if (page.items.size() == room) {
      page.more = true;
      break;
    }
    page.last = event.sequence;
    if (Wants(filter, event)) page.items.push_back(CloudEvent(event));
  }
  return page;
}

AdminReply Page(AdminCall& call, std::int64_t after) {
  const net::RequestHead& head = call.exchange.head();
  const Result<int> limit = PageLimit(head);
  if (!limit) co_return Fail(limit.error());
  const EventFilter filter = FilterOf(head);
  Json items = Json::array();
  std::int64_t last = after;
  bool more = true;
  // Filters look at what is read: pages are read until one of the caller's is full, or it is
  // enough.
  for (int looks = 0; more && items.size() < static_cast<std::size_t>(*limit); ++looks) {
    if (looks == kMostLooks) break;
    const std::size_t room = static_cast<std::size_t>(*limit) - items.size();
    auto read = RunOn(call.context.pools.reads,
                      [&] { return ReadItems(call.context.store, filter, last, room); });
    Result<PageItems> page = co_await std::move(read);
    if (!page) co_return Fail(page.error());
    more = page->more;
    last = page->last;
    for (Json& item : page->items) items.push_back(std::move(item));
  }
  auto look = RunOn(call.context.pools.reads, [&] { return call.context.store.ReadNewestEvent(); });
  const Result<std::int64_t> newest = co_await std::move(look);
  if (!newest) co_return Fail(newest.error());
  net::Response response = PageResponse(call, std::move(items), more ? fmt::to_string(last) : "");
  response.headers.Add("X-Podium-Newest-Event", *newest);
  co_return response;
}

AdminReply Events(AdminCall& call) {
  const net::RequestHead& head = call.exchange.head();
  if (Status known = CheckQuery(head, {"after", "type", "route", "limit", "cursor"}); !known) {
    co_return Fail(std::move(known).error());
  }
  Result<std::optional<std::int64_t>> after = AfterOf(head);
  if (!after) co_return Fail(std::move(after).error());
  if (WantsStream(head)) {
    auto stream = Stream(call, *after);
    co_return co_await std::move(stream);
  }
  std::int64_t from = after->value_or(0);
  if (const auto cursor = QueryText(head, "cursor"); cursor && !cursor->empty()) {
    const Result<std::int64_t> place = Sequence("cursor", *cursor);
    if (!place) co_return Fail(place.error());
    from = *place;
  }
  auto page = Page(call, from);
  co_return co_await std::move(page);
}

}  // namespace

void AddEventEndpoints(AdminRoutes& routes) {
  routes.Add(net::HttpMethod::kGet, "/api/v1/events", {Events});
}

}  // namespace podium::control
