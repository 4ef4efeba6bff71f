#include "net/media_type.h"

#include <gtest/gtest.h>

namespace podium::net {
namespace {

TEST(MediaType, IsTheTypeWithoutItsParameters) {
  for (const char* same : {"application/json", "Application/JSON", "application/json;charset=utf-8",
                           "application/json ; charset=utf-8", "application/json\t;x"}) {
    EXPECT_TRUE(IsMediaType(same, "application/json")) << same;
  }
  for (const char* other : {"", ";", " ", "application/jsonl", "application/json-patch+json",
                            "text/plain; application/json", "application / json"}) {
    EXPECT_FALSE(IsMediaType(other, "application/json")) << other;
  }
}

}  // namespace
}  // namespace podium::net
