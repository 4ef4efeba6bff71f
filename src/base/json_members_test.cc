#include "base/json_members.h"

#include <gtest/gtest.h>

namespace podium {
namespace {

using Places = JsonMembers::Places;

/// As the readers built on this: lists of objects, one inside the other.
class Steps : public JsonMembers {
 public:
  using JsonMembers::JsonMembers;

  void ReadStep(const char* key, std::size_t element, Places places, double& share) {
    const Json* list = FindList(key, 2);
    if (list == nullptr) return;
    Steps step((*list)[element], Place(key, element), places, "is unknown");
    step.Read("share", share);
    Take(step.Finish());
  }
};

std::string FaultOf(const Status& status) {
  return status ? "none" : status.error().where + ": " + status.error().message;
}

// Who sent a plan of many steps is told which member of which step is wrong.
TEST(JsonMembers, NamesThePlaceOfAFault) {
  const Json json = {{"steps", {{{"share", 1.0}}, {{"share", "all"}}}}};
  for (const auto& [places, want] :
       {std::pair(Places::kPointer, "/steps/1/share: must be a number"),
        std::pair(Places::kDotted, "steps[1].share: must be a number")}) {
    Steps steps(json, "", places, "is unknown");
    double share = 0;
    steps.ReadStep("steps", 0, places, share);
    steps.ReadStep("steps", 1, places, share);
    EXPECT_EQ(share, 1.0);
    EXPECT_EQ(FaultOf(steps.Finish()), want);
  }
}

TEST(JsonMembers, KeepsTheFirstFault) {
  const Json json = {{"a", "x"}, {"b", "y"}, {"c", true}};
  JsonMembers members(json, "", Places::kPointer, "is unknown");
  double number = 0;
  bool flag = false;
  members.Read("b", flag);
  members.Read("a", number);
  members.Read("c", flag);
  EXPECT_FALSE(flag) << "nothing is read after a fault";
  EXPECT_EQ(FaultOf(members.Finish()), "/b: must be true or false");
}

TEST(JsonMembers, FindsWhatNobodyAskedFor) {
  const Json json = {{"asked", 1.0}, {"mispelt", 2.0}};
  const auto left_over = [&](std::string_view says) {
    JsonMembers members(json, "plan", Places::kDotted, says);
    double number = 0;
    members.Read("asked", number);
    EXPECT_EQ(number, 1.0);
    return FaultOf(members.Finish());
  };
  EXPECT_EQ(left_over("is unknown"), "plan.mispelt: is unknown");
  EXPECT_EQ(left_over(""), "none");
}

TEST(JsonMembers, WantsAnObjectAndListsOfALength) {
  const Json number = 7;
  EXPECT_EQ(FaultOf(JsonMembers(number, "plan", Places::kDotted, "is unknown").Finish()),
            "plan: must be an object");
  for (const auto& [list, want] : {std::pair(Json{1, 2, 3}, "/steps: must be a list of at most 2"),
                                   std::pair(Json("x"), "/steps: must be a list of at most 2")}) {
    const Json json = {{"steps", list}};
    Steps steps(json, "", Places::kPointer, "is unknown");
    double share = 0;
    steps.ReadStep("steps", 0, Places::kPointer, share);
    EXPECT_EQ(FaultOf(steps.Finish()), want);
  }
}

}  // namespace
}  // namespace podium
