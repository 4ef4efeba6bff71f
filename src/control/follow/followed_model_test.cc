#include "control/follow/followed_model.h"

#include <gtest/gtest.h>

#include <string>

namespace podium::control {
namespace {

RegisteredVersion Version(std::int64_t number, ModelStage stage = ModelStage::kNone) {
  RegisteredVersion version;
  version.name = "m";
  version.number = number;
  version.stage = stage;
  return version;
}

Follow Following(std::string champion = "", std::string challenger = "") {
  Follow follow;
  follow.model = "m";
  follow.champion = std::move(champion);
  follow.challenger = std::move(challenger);
  return follow;
}

std::string Text(const FollowTargets& targets) {
  const auto number = [](const std::optional<std::int64_t>& one) {
    return one ? std::to_string(*one) : std::string("-");
  };
  return number(targets.champion) + " " + number(targets.challenger);
}

constexpr ModelStage kProduction = ModelStage::kProduction;
constexpr ModelStage kStaging = ModelStage::kStaging;

// F3: an alias beats a stage, and of a stage the highest version counts.
TEST(TargetsOf, ReadsAliasesAndStages) {
  const std::vector<RegisteredVersion> staged = {Version(1, kProduction), Version(3, kProduction),
                                                 Version(2, kStaging), Version(5, kStaging),
                                                 Version(9)};
  struct Case {
    const char* name;
    Follow follow;
    FollowedModel model;
    const char* want;
  };
  const Case cases[] = {
      {"nothing is said", Following(), {{}, {Version(1)}}, "- -"},
      {"the highest in a stage", Following(), {{}, staged}, "3 5"},
      {"an alias beats a stage",
       Following(),
       {{{"champion", 1}, {"challenger", 9}}, staged},
       "1 9"},
      {"one of each", Following(), {{{"challenger", 9}}, staged}, "3 9"},
      {"other aliases mean nothing", Following(), {{{"best", 9}}, staged}, "3 5"},
      {"an alias alone", Following("@best"), {{{"best", 9}, {"champion", 1}}, staged}, "9 5"},
      {"an alias alone that is not set", Following("@best"), {{{"champion", 1}}, staged}, "- 5"},
      {"a stage alone", Following("Production"), {{{"champion", 1}}, staged}, "3 5"},
      {"a stage in other letters", Following("sTaging", "none"), {{}, staged}, "5 -"},
      {"no challenger on purpose", Following("", "none"), {{{"challenger", 9}}, staged}, "3 -"},
      {"a champion is nobody's challenger",
       Following(),
       {{{"champion", 9}, {"challenger", 9}}, staged},
       "9 -"},
      {"nor by two ways", Following(), {{{"champion", 5}}, staged}, "5 -"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(Text(TargetsOf(c.follow, c.model)), c.want);
  }
}

// What a change would put in front of traffic must be known before it is committed.
TEST(After, ForeseesWhatAChangeBrings) {
  const FollowedModel model{
      {{"champion", 1}, {"challenger", 2}},
      {Version(1, kProduction), Version(2, kStaging), Version(3, kProduction)}};
  struct Case {
    const char* name;
    store::ModelMutation mutation;
    const char* want;  ///< "gone": the model is.
  };
  const Case cases[] = {
      {"an alias moves", store::SetAlias{"m", "champion", 2}, "2 -"},
      {"a new one beats the stage", store::SetAlias{"m", "other", 2}, "1 2"},
      {"without it the stage counts", store::DeleteAlias{"m", "champion"}, "3 2"},
      {"one that is not there", store::DeleteAlias{"m", "nobody"}, "1 2"},
      {"a version goes, its alias too", store::DeleteModelVersion{"m", 1}, "3 2"},
      {"a stage beside an alias", store::TransitionVersion{"m", 2, kProduction, false}, "1 2"},
      {"words change nothing", store::UpdateVersion{"m", 1, "d"}, "1 2"},
      {"the model goes", store::DeleteModel{"m"}, "gone"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto after = After(model, c.mutation);
    EXPECT_EQ(after ? Text(TargetsOf(Following(), *after)) : "gone", c.want);
  }
}

TEST(After, ForeseesWhereStagesLead) {
  const FollowedModel model{{}, {Version(1, kProduction), Version(2, kStaging), Version(3)}};
  const auto after = [&](std::int64_t number, ModelStage stage, bool archive) {
    return Text(TargetsOf(Following(),
                          *After(model, store::TransitionVersion{"m", number, stage, archive})));
  };
  EXPECT_EQ(after(3, kProduction, false), "3 2");
  EXPECT_EQ(after(2, kProduction, true), "2 -");
  EXPECT_EQ(after(3, kStaging, true), "1 3");
  EXPECT_EQ(after(1, ModelStage::kArchived, false), "- 2");
}

TEST(StageThatLosesItsHighest, IsTheOneThatTheHighestLeaves) {
  const FollowedModel model{{}, {Version(1, kProduction), Version(3, kProduction), Version(2)}};
  const auto lost = [&](const store::ModelMutation& mutation) {
    const auto stage = StageThatLosesItsHighest(model, mutation);
    return stage ? std::string(NameOf(*stage)) : std::string("-");
  };
  EXPECT_EQ(lost(store::TransitionVersion{"m", 3, ModelStage::kArchived, false}), "Production");
  EXPECT_EQ(lost(store::DeleteModelVersion{"m", 3}), "Production");
  EXPECT_EQ(lost(store::TransitionVersion{"m", 3, kProduction, false}), "-") << "it stays";
  EXPECT_EQ(lost(store::TransitionVersion{"m", 1, kStaging, false}), "-") << "a lower one";
  EXPECT_EQ(lost(store::DeleteModelVersion{"m", 9}), "-") << "nobody knows it";
  EXPECT_EQ(lost(store::SetAlias{"m", "champion", 3}), "-");
}

}  // namespace
}  // namespace podium::control
