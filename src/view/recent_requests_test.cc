#include "view/recent_requests.h"

#include <gtest/gtest.h>

#include <deque>

namespace podium::view {
namespace {

WallTime Second(int n) { return WallTime(std::chrono::seconds(n)); }

AnsweredRequest Request(std::string_view id, int second = 0) {
  AnsweredRequest request;
  request.request_id = id;
  request.route = "tumour";
  request.unit = id;
  request.at = Second(second);
  return request;
}

/// Cores that do at once what is posted to them.
RecentRequests::PostToCore AtOnce() {
  return [](std::size_t, const std::function<void()>& job) { job(); };
}

TEST(RecentRequests, EveryFactComesBack) {
  RecentRequests recent(2, AtOnce());
  const VersionStats assigned(2);
  const VersionStats served(2);
  AnsweredRequest request = Request("r-1", 5);
  request.unit = "alice";
  request.unit_kind = UnitKind::kSession;
  request.generation = Generation(77);
  request.fine_bucket = 9999;
  request.reason = routing::Reason::kCanary;
  request.serve_reason = routing::ServeReason::kPrimaryFallback;
  request.assigned = &assigned;
  request.served = &served;
  request.status = 503;
  recent.Record(1, request);
  const RecentRequests::Found found = recent.Find("r-1");
  ASSERT_TRUE(found.request);
  EXPECT_EQ(found.request->request_id, "r-1");
  EXPECT_EQ(found.request->route, "tumour");
  EXPECT_EQ(found.request->unit, "alice");
  EXPECT_TRUE(found.request->unit_is_whole);
  EXPECT_EQ(found.request->unit_kind, UnitKind::kSession);
  EXPECT_EQ(found.request->generation, Generation(77));
  EXPECT_EQ(found.request->fine_bucket, 9999);
  EXPECT_EQ(found.request->reason, routing::Reason::kCanary);
  EXPECT_EQ(found.request->serve_reason, routing::ServeReason::kPrimaryFallback);
  EXPECT_EQ(found.request->assigned, &assigned);
  EXPECT_EQ(found.request->served, &served);
  EXPECT_EQ(found.request->status, 503);
  EXPECT_EQ(found.request->at, Second(5));
  EXPECT_EQ(found.matches, 1u);
  EXPECT_EQ(found.kept, 1u);
}

// Each core keeps its share, at the limit and one past it.
TEST(RecentRequests, TheOldestGoesWhenACoreIsFull) {
  RecentRequests recent(2, AtOnce(), 20);
  ASSERT_EQ(recent.per_core(), 10u);
  for (int i = 0; i < 10; ++i) recent.Record(0, Request("r-" + std::to_string(i), i));
  EXPECT_TRUE(recent.Find("r-0").request);
  EXPECT_EQ(recent.Find("r-0").oldest, Second(0));
  recent.Record(0, Request("r-10", 10));
  EXPECT_FALSE(recent.Find("r-0").request);
  EXPECT_TRUE(recent.Find("r-1").request);
  EXPECT_TRUE(recent.Find("r-10").request);
  const RecentRequests::Found gone = recent.Find("r-0");
  EXPECT_EQ(gone.oldest, Second(1));
  EXPECT_EQ(gone.kept, 10u);
  recent.Record(1, Request("r-0", 11));
  EXPECT_TRUE(recent.Find("r-0").request) << "the other core has room of its own";
}

TEST(RecentRequests, TheLimitInAllIsTenThousand) {
  EXPECT_EQ(RecentRequests(4, AtOnce()).per_core(), 2500u);
  EXPECT_EQ(RecentRequests(1, AtOnce()).per_core(), 10'000u);
}

TEST(RecentRequests, NothingIsKeptAtFirst) {
  const RecentRequests recent(2, AtOnce());
  const RecentRequests::Found found = recent.Find("");
  EXPECT_FALSE(found.request);
  EXPECT_FALSE(found.oldest);
  EXPECT_EQ(found.kept, 0u);
}

// Of a long id the beginning is kept: at the limit it is whole, one byte more it is not, and ids
// of other lengths with the same beginning are other ids.
TEST(RecentRequests, LongTextsAreKeptUpToALength) {
  RecentRequests recent(1, AtOnce());
  const std::string whole(limits::kRecentTextBytes, 'u');
  const std::string longer = whole + "v";
  AnsweredRequest request = Request(whole);
  request.unit_kind = UnitKind::kSession;
  recent.Record(0, request);
  EXPECT_TRUE(recent.Find(whole).request->unit_is_whole);
  EXPECT_FALSE(recent.Find(longer).request);
  request.request_id = request.unit = longer;
  recent.Record(0, request);
  EXPECT_FALSE(recent.Find(longer).request->unit_is_whole);
  EXPECT_EQ(recent.Find(longer).request->unit, whole);
  EXPECT_EQ(recent.Find(whole).matches, 1u);
  const std::string longest(limits::kMaxUnitBytes, 'u');
  const std::string route(limits::kMaxNameBytes, 'n');
  request.request_id = request.unit = longest;
  request.route = route;
  recent.Record(0, request);
  EXPECT_EQ(recent.Find(longest).request->route, route);
}

// A retry sends the same id again: the newest is shown, wherever it was answered.
TEST(RecentRequests, OfSeveralWithOneIdTheNewestIsShown) {
  RecentRequests recent(2, AtOnce());
  AnsweredRequest request = Request("again", 1);
  recent.Record(0, request);
  request.at = Second(3);
  request.status = 200;
  recent.Record(1, request);
  request.at = Second(2);
  request.status = 500;
  recent.Record(0, request);
  const RecentRequests::Found found = recent.Find("again");
  EXPECT_EQ(found.matches, 3u);
  EXPECT_EQ(found.request->status, 200);
}

// A ring is read on its own core: whoever asks waits until each core has had its turn.
TEST(RecentRequests, EachCoreIsAskedForItsPart) {
  std::deque<std::size_t> asked;
  const RecentRequests recent(3, [&](std::size_t core, const std::function<void()>& job) {
    asked.push_back(core);
    job();
  });
  recent.Find("x");
  EXPECT_EQ(asked, (std::deque<std::size_t>{0, 1, 2}));
}

}  // namespace
}  // namespace podium::view
