// The contract of ModelStore, on every database. What MLflow's clients rely on is told here once.
#include "store/model_store_contract.h"

#include <chrono>

#include "base/json.h"
#include "domain/model_limits.h"

namespace podium::store {
namespace {

using testing::SimClock;

INSTANTIATE_TEST_SUITE_P(Stores, ModelContract, ::testing::ValuesIn(ModelBackends()),
                         [](const auto& info) { return info.param.name; });

TEST_P(ModelContract, AModelComesBackAsItWasMade) {
  const TagMap tags = {{"team", "ml"}, {"odd 'key'; --", "ü\n\"{}"}};
  Do(CreateModel{"it's a; DROP TABLE registered_models", "words\nand ü", tags});
  Model("bare");
  const ModelListing full = *store().ReadModel("it's a; DROP TABLE registered_models");
  EXPECT_EQ(full.model.description, "words\nand ü");
  EXPECT_EQ(full.model.tags, tags);
  EXPECT_EQ(full.model.created_at, SimClock::kStart + std::chrono::seconds(1));
  EXPECT_EQ(full.model.updated_at, full.model.created_at);
  EXPECT_TRUE(full.latest.empty());
  EXPECT_EQ(store().ReadModel("bare")->model.description, std::nullopt);
  EXPECT_EQ(store().ReadModel("gone").error().message, "Registered Model with name=gone not found");
}

TEST_P(ModelContract, AVersionComesBackAsItWasMade) {
  Model("m");
  RegisteredVersion version;
  version.name = "m";
  version.source = "models:/m-1";
  version.storage_location = "s3://b/it's";
  version.run_id = "r";
  version.run_link = "http://x/?a=1&b='";
  version.model_id = "m-1";
  version.description = "d";
  version.tags = {{"k", std::string(1000, 'x')}};
  const RegisteredVersion made = *Do(CreateVersion{version}).version;
  version.number = 1;
  version.user = "ann";
  version.created_at = SimClock::kStart + std::chrono::seconds(2);
  version.updated_at = version.created_at;
  EXPECT_EQ(made, version);
  EXPECT_EQ(*store().ReadModelVersion("m", 1), version);
  EXPECT_EQ(store().ReadModel("m")->model.updated_at, version.created_at);
  EXPECT_EQ(store().ReadModelVersion("m", 2).error().message,
            "Model Version (name=m, version=2) not found");
  EXPECT_EQ(store().ReadModelVersion("x", 1).error().code, ErrorCode::kNotFound);
}

TEST_P(ModelContract, ANameIsTakenOnce) {
  Model("m");
  EXPECT_EQ(Refuse(CreateModel{"m", "", {}}),
            "conflict: Registered Model (name=m) already exists.");
  Model("M");
  EXPECT_EQ(Models(""), "M m") << "names differ by case";
}

// A number that came back would point people at another model than the one they tested.
TEST_P(ModelContract, NumbersAreNeverGivenAgain) {
  Model("m");
  EXPECT_EQ(Version("m"), 1);
  EXPECT_EQ(Version("m"), 2);
  EXPECT_EQ(Version("m"), 3);
  Do(DeleteModelVersion{"m", 3});
  Do(DeleteModelVersion{"m", 1});
  EXPECT_EQ(Version("m"), 4);
  EXPECT_EQ(Versions("m"), "2=None 4=None");
  Do(DeleteModel{"m"});
  Model("m");
  EXPECT_EQ(Version("m"), 1) << "a new model of the old name";
}

TEST_P(ModelContract, UpdatesReplaceTheDescription) {
  Model("m");
  Version("m");
  Do(UpdateModel{"m", "new"});
  const WallTime at = clock_.Now();
  EXPECT_EQ(store().ReadModel("m")->model.description, "new");
  EXPECT_EQ(store().ReadModel("m")->model.updated_at, at);
  Do(UpdateModel{"m", ""});
  EXPECT_EQ(store().ReadModel("m")->model.description, "");
  Do(UpdateVersion{"m", 1, "v"});
  EXPECT_EQ(store().ReadModelVersion("m", 1)->description, "v");
  EXPECT_EQ(store().ReadModelVersion("m", 1)->updated_at, clock_.Now());
  EXPECT_EQ(Refuse(UpdateModel{"x", ""}), "not_found: Registered Model with name=x not found");
}

TEST_P(ModelContract, ARenameTakesEverythingAlong) {
  Model("old", {{"t", "1"}});
  Model("taken");
  Version("old");
  Version("old");
  Do(DeleteModelVersion{"old", 2});
  Do(SetAlias{"old", "champion", 1});
  Do(SetVersionTag{"old", 1, "k", "v"});
  EXPECT_EQ(Refuse(RenameModel{"old", "taken"}),
            "conflict: Registered Model (name=taken) already exists.");
  EXPECT_EQ(Refuse(RenameModel{"old", "old"}),
            "conflict: Registered Model (name=old) already exists.");
  Do(RenameModel{"old", "new"});
  EXPECT_EQ(store().ReadModel("old").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(store().ReadModel("new")->model.tags, (TagMap{{"t", "1"}}));
  EXPECT_EQ(store().ReadModel("new")->model.aliases, (AliasMap{{"champion", 1}}));
  EXPECT_EQ(Versions("new"), "1=None@champion");
  EXPECT_EQ(store().ReadModelVersion("new", 1)->tags, (TagMap{{"k", "v"}}));
  EXPECT_EQ(store().ReadModelVersion("new", 1)->updated_at, clock_.Now());
  EXPECT_EQ(store().ReadAlias("new", "champion")->number, 1);
  EXPECT_EQ(Found(""), "new/1");
  EXPECT_EQ(Version("new"), 3) << "the number of a deleted version is not given again";
}

TEST_P(ModelContract, ADeletedModelTakesEverythingAlong) {
  Model("m", {{"t", "1"}});
  Version("m");
  Do(SetAlias{"m", "champion", 1});
  Do(DeleteModel{"m"});
  EXPECT_EQ(Refuse(DeleteModel{"m"}), "not_found: Registered Model with name=m not found");
  EXPECT_EQ(Found(""), "");
  Model("m");
  EXPECT_TRUE(store().ReadModel("m")->model.tags.empty());
  EXPECT_TRUE(store().ReadModel("m")->model.aliases.empty());
}

TEST_P(ModelContract, TagsAreSetAndDeletedWithoutTouchingTimes) {
  Model("m");
  Version("m");
  const WallTime model_at = store().ReadModel("m")->model.updated_at;
  const WallTime version_at = store().ReadModelVersion("m", 1)->updated_at;
  EXPECT_TRUE(Do(SetModelTag{"m", "a", "1"}).changed);
  EXPECT_TRUE(Do(SetModelTag{"m", "a", "2"}).changed);
  EXPECT_FALSE(Do(SetModelTag{"m", "a", "2"}).changed);
  Do(SetModelTag{"m", "b", ""});
  Do(SetVersionTag{"m", 1, "c", "3"});
  EXPECT_EQ(store().ReadModel("m")->model.tags, (TagMap{{"a", "2"}, {"b", ""}}));
  EXPECT_EQ(store().ReadModelVersion("m", 1)->tags, (TagMap{{"c", "3"}}));
  EXPECT_TRUE(Do(DeleteModelTag{"m", "a"}).changed);
  EXPECT_FALSE(Do(DeleteModelTag{"m", "a"}).changed);
  Do(DeleteVersionTag{"m", 1, "c"});
  EXPECT_FALSE(Do(DeleteVersionTag{"m", 1, "c"}).changed);
  EXPECT_EQ(store().ReadModel("m")->model.tags, (TagMap{{"b", ""}}));
  EXPECT_TRUE(store().ReadModelVersion("m", 1)->tags.empty());
  EXPECT_EQ(store().ReadModel("m")->model.updated_at, model_at);
  EXPECT_EQ(store().ReadModelVersion("m", 1)->updated_at, version_at);
  EXPECT_EQ(Refuse(SetModelTag{"x", "a", ""}), "not_found: Registered Model with name=x not found");
  EXPECT_EQ(Refuse(DeleteVersionTag{"m", 2, "a"}),
            "not_found: Model Version (name=m, version=2) not found");
}

TEST_P(ModelContract, AnAliasNamesOneVersion) {
  Model("m");
  Version("m");
  Version("m");
  const WallTime at = store().ReadModel("m")->model.updated_at;
  Do(SetAlias{"m", "champion", 1});
  Do(SetAlias{"m", "also", 1});
  EXPECT_EQ(Versions("m"), "1=None@also@champion 2=None");
  EXPECT_TRUE(Do(SetAlias{"m", "champion", 2}).changed);
  EXPECT_FALSE(Do(SetAlias{"m", "champion", 2}).changed);
  EXPECT_EQ(Versions("m"), "1=None@also 2=None@champion");
  EXPECT_EQ(store().ReadAlias("m", "champion")->number, 2);
  EXPECT_EQ(store().ReadAlias("m", "champion")->aliases, std::vector<std::string>{"champion"});
  EXPECT_EQ(store().ReadModel("m")->model.updated_at, at) << "aliases move no time";
  EXPECT_EQ(store().ReadModelVersion("m", 2)->updated_at, at);
  EXPECT_EQ(Refuse(SetAlias{"m", "x", 3}),
            "not_found: Model Version (name=m, version=3) not found");
  EXPECT_EQ(Refuse(SetAlias{"m", "v3", 1}),
            "invalid_argument: Version alias name 'v3' is reserved.");
  Do(DeleteAlias{"m", "also"});
  EXPECT_FALSE(Do(DeleteAlias{"m", "also"}).changed);
  EXPECT_EQ(Versions("m"), "1=None 2=None@champion");
}

// 400 for an alias that is not there, 404 for a model: clients tell the two apart.
TEST_P(ModelContract, AMissingAliasIsTheCallersMistake) {
  Model("m");
  EXPECT_EQ(store().ReadAlias("m", "champion").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(store().ReadAlias("m", "champion").error().message,
            "Registered model alias champion not found.");
  EXPECT_EQ(store().ReadAlias("m", "latest").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(store().ReadAlias("x", "champion").error().code, ErrorCode::kNotFound);
  Version("m");
  Version("m");
  EXPECT_EQ(store().ReadAlias("m", "Latest")->number, 2);
  Do(DeleteModelVersion{"m", 2});
  EXPECT_EQ(store().ReadAlias("m", "latest")->number, 1);
}

TEST_P(ModelContract, ATransitionArchivesOthersOnlyWhenAsked) {
  Model("m");
  for (int i = 0; i < 4; ++i) Version("m");
  Do(TransitionVersion{"m", 1, ModelStage::kProduction, false});
  Do(TransitionVersion{"m", 2, ModelStage::kProduction, false});
  Do(TransitionVersion{"m", 3, ModelStage::kStaging, false});
  EXPECT_EQ(Versions("m"), "1=Production 2=Production 3=Staging 4=None");
  const WallTime before = store().ReadModelVersion("m", 3)->updated_at;
  Do(TransitionVersion{"m", 4, ModelStage::kProduction, true});
  EXPECT_EQ(Versions("m"), "1=Archived 2=Archived 3=Staging 4=Production");
  for (const int number : {1, 2, 4}) {
    EXPECT_EQ(store().ReadModelVersion("m", number)->updated_at, clock_.Now());
  }
  EXPECT_EQ(store().ReadModelVersion("m", 3)->updated_at, before);
  EXPECT_EQ(store().ReadModel("m")->model.updated_at, clock_.Now());
  Do(TransitionVersion{"m", 4, ModelStage::kProduction, true});
  EXPECT_EQ(Versions("m"), "1=Archived 2=Archived 3=Staging 4=Production");
  for (const ModelStage stage : {ModelStage::kNone, ModelStage::kArchived}) {
    EXPECT_TRUE(Refuse(TransitionVersion{"m", 4, stage, true}).starts_with("invalid_argument"));
  }
  EXPECT_EQ(Refuse(TransitionVersion{"m", 9, ModelStage::kStaging, true}),
            "not_found: Model Version (name=m, version=9) not found");
}

// The newest of a stage has the highest number, whenever it came there.
TEST_P(ModelContract, TheLatestOfEachStageIsTheHighestNumber) {
  Model("m");
  for (int i = 0; i < 5; ++i) Version("m");
  Do(TransitionVersion{"m", 3, ModelStage::kProduction, false});
  Do(TransitionVersion{"m", 2, ModelStage::kProduction, false});
  Do(TransitionVersion{"m", 4, ModelStage::kArchived, false});
  Do(SetAlias{"m", "champion", 3});
  std::string latest;
  const ModelListing listing = *store().ReadModel("m");
  for (const RegisteredVersion& row : listing.latest) {
    latest += fmt::format("{}={} ", row.number, NameOf(row.stage));
    EXPECT_EQ(row.aliases.size(), row.number == 3 ? 1U : 0U);
  }
  EXPECT_EQ(latest, "3=Production 4=Archived 5=None ");
}

TEST_P(ModelContract, ADeletedVersionIsGoneForReaders) {
  Model("m");
  Version("m");
  Version("m");
  Do(SetAlias{"m", "champion", 2});
  Do(TransitionVersion{"m", 2, ModelStage::kProduction, false});
  Do(DeleteModelVersion{"m", 2});
  EXPECT_EQ(store().ReadModelVersion("m", 2).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(store().ReadAlias("m", "champion").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(Found("name = 'm'"), "m/1");
  EXPECT_EQ(store().ReadModel("m")->latest.size(), 1U);
  EXPECT_TRUE(store().ReadModel("m")->model.aliases.empty());
  for (const ModelMutation& mutation :
       {ModelMutation(DeleteModelVersion{"m", 2}), ModelMutation(UpdateVersion{"m", 2, ""}),
        ModelMutation(SetAlias{"m", "a", 2}), ModelMutation(SetVersionTag{"m", 2, "k", ""}),
        ModelMutation(TransitionVersion{"m", 2, ModelStage::kStaging, false})}) {
    EXPECT_EQ(Refuse(mutation), "not_found: Model Version (name=m, version=2) not found");
  }
}

TEST_P(ModelContract, SearchesModels) {
  Model("b", {{"team", "ml"}});
  Model("a");
  Model("c", {{"mlflow.prompt.is_prompt", "true"}, {"team", "nlp"}});
  Model("d", {{"team", "nlp"}});
  Version("b");
  EXPECT_EQ(Models(""), "a b d");  // Prompts are shown to who asks for them.
  EXPECT_EQ(Models("tag.`mlflow.prompt.is_prompt` = 'true'"), "c");
  EXPECT_EQ(Models("", {"name DESC"}), "d b a");
  EXPECT_EQ(Models("", {"timestamp"}), "a d b");
  EXPECT_EQ(Models("", {"last_updated_timestamp DESC"}), "b d a");
  EXPECT_EQ(Models("tags.team LIKE '%l%'"), "b d");
  EXPECT_EQ(Models("name = 'b'"), "b");
  EXPECT_EQ(Models("name = 'x'"), "");
  EXPECT_EQ(Models("tag.`mlflow.prompt.is_prompt` != 'true'"), "a b d");
}

TEST_P(ModelContract, SearchesVersions) {
  Model("a");
  Model("b");
  Version("a", "s3://a/1");
  Version("b", "s3://b/1");
  Version("a", "s3://a/2");
  Do(SetVersionTag{"a", 1, "k", "v"});
  Do(SetAlias{"a", "x", 1});
  EXPECT_EQ(Found(""), "a/2 b/1 a/1") << "what moved last comes first";
  EXPECT_EQ(Found("name = 'a'", {"version_number"}), "a/1 a/2");
  EXPECT_EQ(Found("tags.k = 'v'"), "a/1");
  EXPECT_EQ(Found("source_path LIKE '%/1'", {"name"}), "a/1 b/1");
  EXPECT_EQ(Found("version_number > 1"), "a/2");
  EXPECT_EQ(Found("run_id = ''", {"name DESC"}), "b/1 a/2 a/1");
  const auto page = store().SearchModelVersions(
      {*ParseVersionFilter("tags.k = 'v'"), *ParseVersionOrder({}), 1, ""});
  EXPECT_EQ(page->items.at(0).aliases, std::vector<std::string>{"x"});
}

// Each name comes once, whatever is added and deleted between two pages.
// A page asks for the aliases of many models at once, and gives each its own.
TEST_P(ModelContract, APageShowsTheAliasesOfEachModel) {
  for (int i = 0; i < 45; ++i) {
    const std::string name = fmt::format("m{:02}", i);
    Model(name);
    Version(name);
    Version(name);
    if (i % 3 != 0) Do(SetAlias{name, fmt::format("of-{}", name), 1 + i % 2});
  }
  const auto models = store().SearchModels({*ParseModelFilter(""), *ParseModelOrder({}), 100, ""});
  const auto versions =
      store().SearchModelVersions({*ParseVersionFilter(""), *ParseVersionOrder({}), 100, ""});
  ASSERT_TRUE(models && versions);
  ASSERT_EQ(models->items.size(), 45U);
  ASSERT_EQ(versions->items.size(), 90U);
  for (int i = 0; i < 45; ++i) {
    const ModelListing& row = models->items[static_cast<std::size_t>(i)];
    const std::string alias = "of-" + row.model.name;
    const bool named = i % 3 != 0;
    EXPECT_EQ(row.model.aliases, named ? AliasMap({{alias, 1 + i % 2}}) : AliasMap());
    const auto has = named ? std::vector<std::string>{alias} : std::vector<std::string>();
    EXPECT_EQ(row.latest.at(0).aliases, i % 2 == 1 ? has : std::vector<std::string>());
  }
  for (const RegisteredVersion& row : versions->items) {
    const int i = std::stoi(row.name.substr(1));
    const bool named = i % 3 != 0 && row.number == 1 + i % 2;
    EXPECT_EQ(row.aliases,
              named ? std::vector<std::string>{"of-" + row.name} : std::vector<std::string>());
  }
}

TEST_P(ModelContract, PagesGoOnWhileRowsComeAndGo) {
  for (int i = 0; i < 10; ++i) Model(fmt::format("m{}", i));
  ModelSearch search{*ParseModelFilter("name != 'm4'"), *ParseModelOrder({}), 3, ""};
  std::string names;
  do {
    const Result<Page<ModelListing>> page = store().SearchModels(search);
    ASSERT_TRUE(page) << Describe(page.error());
    for (const ModelListing& row : page->items) names += row.model.name + " ";
    search.page_token = page->next_cursor;
    if (names == "m0 m1 m2 ") {
      Model("m00");
      Do(DeleteModel{"m2"});
      Do(DeleteModel{"m5"});
    }
  } while (!search.page_token.empty());
  EXPECT_EQ(names, "m0 m1 m2 m3 m6 m7 m8 m9 ");
  search.page_token = "nonsense";
  EXPECT_EQ(store().SearchModels(search).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(store().SearchModelVersions({{}, *ParseVersionOrder({}), 1, "00"}).error().code,
            ErrorCode::kInvalidArgument);
}

// A page that is full to the last row is the last one.
TEST_P(ModelContract, TheLastPageHasNoToken) {
  Model("a");
  Model("b");
  EXPECT_EQ(store().SearchModels({{}, *ParseModelOrder({}), 2, ""})->next_cursor, "");
  EXPECT_NE(store().SearchModels({{}, *ParseModelOrder({}), 1, ""})->next_cursor, "");
}

// INV-2: one event for each change, none for what was so already; it says who.
TEST_P(ModelContract, Inv2EachChangeHasItsEvent) {
  Model("m");
  Version("m");
  Do(SetAlias{"m", "champion", 1});
  Do(SetAlias{"m", "champion", 1});
  Do(TransitionVersion{"m", 1, ModelStage::kProduction, true});
  Do(DeleteModelTag{"m", "absent"});
  Do(RenameModel{"m", "n"});
  Do(DeleteModelVersion{"n", 1});
  Do(DeleteModel{"n"});
  std::vector<std::string> types;
  for (const auto& [type, data] : opened_.events()) {
    types.push_back(type);
    const Result<Json> json = ParseJson(data);
    ASSERT_TRUE(json) << data;
    EXPECT_EQ(json->value("actor", ""), "ann");
    EXPECT_EQ(json->value("origin", ""), "mlflow");
    EXPECT_EQ(json->value("request_id", ""), "r-1");
  }
  EXPECT_EQ(types, (std::vector<std::string>{
                       "podium.registered_model.created", "podium.model_version.created",
                       "podium.registered_model.alias_set", "podium.model_version.transitioned",
                       "podium.registered_model.renamed", "podium.model_version.deleted",
                       "podium.registered_model.deleted"}));
  const Json moved = *ParseJson(opened_.events().at(3).second);
  EXPECT_EQ(moved.value("from", ""), "None");
  EXPECT_EQ(moved.value("to", ""), "Production");
}

// INV-2: a row of the trail for each change: who, and what it was before and after.
TEST_P(ModelContract, Inv2EachChangeHasItsAuditRow) {
  Model("m", {{"team", "ml"}, {"kept", "1"}});
  Version("m");
  Do(SetModelTag{"m", "team", "ops"});
  Do(SetAlias{"m", "champion", 1});
  Do(SetAlias{"m", "champion", 1});
  Do(TransitionVersion{"m", 1, ModelStage::kProduction, true});
  Version("m");
  Do(TransitionVersion{"m", 2, ModelStage::kProduction, true});
  Do(DeleteModel{"m"});
  const auto page = store().ListModelAudit({"", 100, ""});
  ASSERT_TRUE(page) << Describe(page.error());
  std::vector<ModelAudit> rows = page->items;
  std::ranges::reverse(rows);
  ASSERT_EQ(rows.size(), 8U);
  EXPECT_EQ(page->next_cursor, "");
  const auto change = [&](std::size_t at) { return rows[at].before + " -> " + rows[at].after; };
  EXPECT_EQ(change(2), R"({"tags":{"team":"ml"}} -> {"tags":{"team":"ops"}})");
  EXPECT_EQ(change(3), R"({"aliases":{}} -> {"aliases":{"champion":1}})");
  EXPECT_EQ(change(4),
            R"({"versions":{"1":{"stage":"None"}}} -> {"versions":{"1":{"stage":"Production"}}})");
  EXPECT_EQ(change(6), R"({"versions":{"2":{"stage":"None"},"1":{"stage":"Production"}}} -> )"
                       R"({"versions":{"2":{"stage":"Production"},"1":{"stage":"Archived"}}})");
  EXPECT_EQ(rows[7].after, "{}");
  ChainWalk walk;
  for (const ModelAudit& row : rows) {
    EXPECT_EQ(row.model, "m");
    EXPECT_EQ(row.actor, "ann");
    EXPECT_EQ(row.origin, "mlflow");
    EXPECT_EQ(row.request_id, "r-1");
    walk.Add(LinkOf(row));
  }
  EXPECT_TRUE(std::move(walk).Finish({rows.back().hash, 8}).intact());
}

TEST_P(ModelContract, TheAuditComesInPages) {
  Model("a");
  Model("b");
  for (const char* value : {"1", "2", "3"}) Do(SetModelTag{"a", "k", value});
  std::string numbers;
  ModelAuditQuery query{"a", 2, ""};
  do {
    const auto page = store().ListModelAudit(query);
    ASSERT_TRUE(page) << Describe(page.error());
    for (const ModelAudit& row : page->items) numbers += std::to_string(row.number) + " ";
    query.cursor = page->next_cursor;
  } while (!query.cursor.empty());
  EXPECT_EQ(numbers, "5 4 3 1 ");
  EXPECT_EQ(store().ListModelAudit({"c", 2, ""})->items.size(), 0U);
  for (const ModelAuditQuery& bad : {ModelAuditQuery{"", 0, ""}, ModelAuditQuery{"", 1001, ""},
                                     ModelAuditQuery{"", 1, "7"}, ModelAuditQuery{"", 1, "613a"}}) {
    EXPECT_EQ(store().ListModelAudit(bad).error().code, ErrorCode::kInvalidArgument);
  }
}

TEST_P(ModelContract, EverythingHasALimit) {
  const auto text = [](std::size_t size) { return std::string(size, 'x'); };
  Do(CreateModel{text(limits::kMaxModelNameChars), text(limits::kMaxDescriptionChars), {}});
  const auto refused = [&](const ModelMutation& mutation) {
    return Refuse(mutation).starts_with("invalid_argument");
  };
  EXPECT_TRUE(refused(CreateModel{text(limits::kMaxModelNameChars + 1), "", {}}));
  EXPECT_TRUE(refused(CreateModel{"m", text(limits::kMaxDescriptionChars + 1), {}}));
  EXPECT_TRUE(refused(CreateModel{"m", "", {{"k", text(limits::kMaxModelTagValueChars + 1)}}}));
  EXPECT_TRUE(refused(CreateModel{"m", "", {{text(limits::kMaxTagKeyChars + 1), ""}}}));
  EXPECT_TRUE(refused(CreateModel{"m", std::string("\0", 1), {}}));
  Model("m");
  Do(SetModelTag{"m", text(limits::kMaxTagKeyChars), text(limits::kMaxModelTagValueChars)});
  EXPECT_TRUE(refused(SetModelTag{"m", "k", text(limits::kMaxModelTagValueChars + 1)}));
  EXPECT_TRUE(refused(RenameModel{"m", "a/b"}));
  EXPECT_TRUE(refused(UpdateModel{"m", text(limits::kMaxDescriptionChars + 1)}));

  const auto with = [](auto member, const std::string& value) {
    RegisteredVersion version;
    version.name = "m";
    version.source = "s3://b";
    version.*member = value;
    return CreateVersion{version};
  };
  struct Case {
    std::string RegisteredVersion::* member;
    std::size_t limit;
  };
  for (const Case& c : {Case{&RegisteredVersion::source, limits::kMaxSourceChars},
                        Case{&RegisteredVersion::storage_location, limits::kMaxSourceChars},
                        Case{&RegisteredVersion::run_link, limits::kMaxSourceChars},
                        Case{&RegisteredVersion::run_id, limits::kMaxRunIdChars},
                        Case{&RegisteredVersion::model_id, limits::kMaxRunIdChars},
                        Case{&RegisteredVersion::description, limits::kMaxDescriptionChars}}) {
    Do(with(c.member, text(c.limit)));
    EXPECT_TRUE(refused(with(c.member, text(c.limit + 1))));
  }
  Do(SetVersionTag{"m", 1, "k", text(limits::kMaxVersionTagValueChars)});
  EXPECT_TRUE(refused(SetVersionTag{"m", 1, "k", text(limits::kMaxVersionTagValueChars + 1)}));
}

TEST_P(ModelContract, AModelHasManyAliasesAndTagsButNotAnyNumber) {
  TagMap tags;
  for (std::size_t i = 0; i < limits::kMaxModelTags; ++i) tags[std::to_string(i)] = "";
  Model("m", tags);
  EXPECT_TRUE(Refuse(SetModelTag{"m", "one more", ""}).starts_with("invalid_argument"));
  EXPECT_TRUE(Do(SetModelTag{"m", "0", "changed"}).changed);
}

}  // namespace
}  // namespace podium::store
