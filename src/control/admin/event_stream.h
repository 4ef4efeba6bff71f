// The registry's events as CloudEvents, and as a stream that a reader can resume.
//
// Each replica streams by itself from the outbox table: there is no dispatcher whose death or lease
// would have to be waited for. A reader holds a place in the table and one page of it, nothing
// else; whatever it has not acknowledged by reading on it gets again when it resumes: at least
// once, and in the order of the commits.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "control/admin/context.h"
#include "net/body_stream.h"
#include "store/registry_store.h"

namespace podium::control {

/// Which events are wanted.
struct EventFilter {
  std::set<std::string, std::less<>> types;  ///< Empty: all.
  std::optional<std::string> route;
};

/// The route that an event is about; empty when it is about none. Pure.
std::string RouteOf(const store::OutboxEvent& event);
bool Wants(const EventFilter& filter, const store::OutboxEvent& event);
/// {specversion, id, source, type, subject, time, datacontenttype, data}
Json CloudEvent(const store::OutboxEvent& event);

/// One server-sent event: id, event, data. Pure.
std::string EventFrame(const store::OutboxEvent& event);
/// The registry's events were numbered anew below `asked`: a backup stands in its place. The reader
/// goes on behind `newest`, and what was between is not known to this registry.
std::string ResetFrame(std::int64_t asked, std::int64_t newest);

/// What one look at the table found.
struct EventPiece {
  std::string frames;      ///< Of the events that are wanted, and of a reset.
  std::int64_t after = 0;  ///< Where the next look begins.
  std::int64_t told = 0;   ///< The last id among the frames; 0: there is none.
  bool full = false;       ///< There may be more.
};
/// Of a page of events behind `after`. Pure.
EventPiece PieceOf(const std::vector<store::OutboxEvent>& page, const EventFilter& filter,
                   std::int64_t after);
/// A comment, and the place of a reader that has been told nothing for so long: when it comes back
/// it need not look through again what it does not want. Pure.
std::string CommentFrame(std::int64_t after, std::int64_t told);

/// Threads: as BodyStream. Counts itself among the context's readers while it lives.
class EventStream final : public net::BodyStream {
 public:
  /// REQUIRES: the caller has counted this reader already; the stream counts it out.
  EventStream(const AdminContext& context, EventFilter filter, std::int64_t after,
              std::string opening);
  ~EventStream() override;

  Task<Result<std::string_view>> Next() override;
  void Cancel() override { left_ = true; }

 private:
  /// Blocking: runs on the pool for reads, which filters and formats too. Large events would hold
  /// up a core.
  Result<EventPiece> ReadPiece() const;
  Task<Status> Read();
  std::uint64_t Moves() const;

  const AdminContext& context_;
  const EventFilter filter_;
  std::int64_t after_;
  std::int64_t told_;  ///< The newest id that the reader has: behind `after_` when it filters.
  std::string out_;
  std::uint64_t seen_moves_ = 0;
  bool behind_ = true;  ///< There may be more in the table than was read.
  bool begun_ = false;  ///< The opening was given away.
  bool left_ = false;
  SteadyTime sent_;
  SteadyTime retry_at_;  ///< After an error of the registry: not before.
};

}  // namespace podium::control
