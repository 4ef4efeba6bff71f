// The registry's events as a stream: nothing lost, nothing out of order, from where it was left.
#include "control/admin/event_stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/limits.h"

namespace podium::control {
namespace {

store::OutboxEvent EventOf(std::int64_t sequence, const std::string& type,
                           const std::string& data) {
  store::OutboxEvent event;
  event.sequence = sequence;
  event.type = type;
  event.data = data;
  event.at = WallTime(std::chrono::seconds(1'773'064'800));
  return event;
}

TEST(EventFrame, IsACloudEventUnderItsNumber) {
  const store::OutboxEvent event =
      EventOf(12, "podium.version.promoted", R"({"route":"iris","to":"m2"})");
  const Json json = CloudEvent(event);
  EXPECT_EQ(json["specversion"], "1.0");
  EXPECT_EQ(json["id"], "12");
  EXPECT_EQ(json["source"], "podium");
  EXPECT_EQ(json["type"], "podium.version.promoted");
  EXPECT_EQ(json["subject"], "iris");
  EXPECT_EQ(json["time"], "2026-03-09T14:00:00.000000Z");
  EXPECT_EQ(json["data"]["to"], "m2");
  const std::string frame = EventFrame(event);
  EXPECT_TRUE(frame.starts_with("id: 12\nevent: podium.version.promoted\ndata: {"));
  EXPECT_TRUE(frame.ends_with("}\n\n"));
}

// A line end within an event would begin another field, or another event.
TEST(EventFrame, WhatIsInAnEventCannotEndIt) {
  const std::string frame =
      EventFrame(EventOf(1, "podium.version.promoted", R"({"reason":"a\n\nid: 9\nevent: x"})"));
  EXPECT_EQ(std::count(frame.begin(), frame.end(), '\n'), 4);
}

TEST(EventFrame, AnEventThatIsNoJsonIsShownAsItStands) {
  EXPECT_EQ(CloudEvent(EventOf(1, "t", "{broken"))["data"], "{broken");
  EXPECT_EQ(RouteOf(EventOf(1, "t", "{broken")), "");
  EXPECT_FALSE(CloudEvent(EventOf(1, "t", R"({"revision":1})")).contains("subject"));
}

TEST(EventFilter, ByTypeAndRoute) {
  struct Case {
    const char* name;
    EventFilter filter;
    bool want;
  };
  const Case cases[] = {
      {"everything", {}, true},
      {"its type", {{"a", "b"}, {}}, true},
      {"another type", {{"b"}, {}}, false},
      {"its route", {{}, "iris"}, true},
      {"another route", {{}, "iri"}, false},
      {"its type on another route", {{"a"}, "chat"}, false},
  };
  const store::OutboxEvent event = EventOf(1, "a", R"({"route":"iris"})");
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(Wants(c.filter, event), c.want);
  }
}

TEST(EventPiece, MovesOnPastWhatIsNotWanted) {
  const std::vector<store::OutboxEvent> page = {EventOf(5, "a", "{}"), EventOf(7, "b", "{}"),
                                                EventOf(8, "a", "{}")};
  const EventPiece all = PieceOf(page, {}, 4);
  EXPECT_EQ(all.frames, EventFrame(page[0]) + EventFrame(page[1]) + EventFrame(page[2]));
  EXPECT_EQ(all.after, 8);
  EXPECT_EQ(all.told, 8);
  EXPECT_FALSE(all.full);
  const EventPiece some = PieceOf(page, {{"b"}, {}}, 4);
  EXPECT_EQ(some.frames, EventFrame(page[1]));
  EXPECT_EQ(some.after, 8);
  EXPECT_EQ(some.told, 7);
  const EventPiece none = PieceOf({}, {}, 4);
  EXPECT_EQ(none.frames, "");
  EXPECT_EQ(none.after, 4);
  const EventPiece page_full =
      PieceOf(std::vector(static_cast<std::size_t>(limits::kEventPage), page[0]), {{"b"}, {}}, 4);
  EXPECT_EQ(page_full.frames, "");
  EXPECT_TRUE(page_full.full);
}

TEST(CommentFrame, BringsTheReadersPlaceForward) {
  EXPECT_EQ(CommentFrame(8, 8), ": still here\n\n");
  EXPECT_EQ(CommentFrame(9, 8), ": still here\nid: 9\n\n");
}

TEST(ResetFrame, TakesTheReaderBehindTheNewest) {
  EXPECT_EQ(ResetFrame(90, 12),
            "id: 12\nevent: podium.stream.reset\ndata: {\"asked\":90,\"newest\":12}\n\n");
}

}  // namespace
}  // namespace podium::control
