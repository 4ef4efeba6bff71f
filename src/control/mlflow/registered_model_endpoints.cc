// registered-models/…: create, read, change, rename, delete, search, tags.
#include <algorithm>
#include <utility>
#include <vector>

#include "control/mlflow/context.h"
#include "control/mlflow/search_page.h"
#include "control/mlflow/shapes.h"
#include "domain/model_limits.h"

namespace podium::control {
namespace {

using net::HttpMethod;

// What a mutation of a model is answered with: the model as it is now, with its newest versions.
MlflowReply AnswerModel(MlflowCall& call, store::ModelMutation mutation, std::string name) {
  auto carry_out = CarryOut(call, std::move(mutation));
  const Result<store::ModelCommitted> done = co_await std::move(carry_out);
  if (!done) co_return Fail(done.error());
  auto read = RunOn(call.context.reads, [&] { return call.context.models.ReadModel(name); });
  const Result<store::ModelListing> listing = co_await std::move(read);
  // It is in, whatever became of it since: what was written is the answer then.
  const store::ModelListing written{done->model.value_or(RegisteredModel()), {}};
  co_return MlflowResponse({{"registered_model", MlflowJson(listing ? *listing : written)}});
}

MlflowReply CreateModel(MlflowCall& call) {
  store::CreateModel create{call.params.Required("name"), call.params.Text("description"),
                            call.params.Tags("tags")};
  if (Status fit = call.params.Finish(); !fit) co_return Fail(std::move(fit).error());
  const std::string name = create.name;
  auto answer = AnswerModel(call, std::move(create), name);
  co_return co_await std::move(answer);
}

MlflowReply GetModel(MlflowCall& call) {
  const std::string name = call.params.Required("name");
  if (Status fit = call.params.Finish(); !fit) co_return Fail(std::move(fit).error());
  auto read = RunOn(call.context.reads, [&] { return call.context.models.ReadModel(name); });
  const Result<store::ModelListing> listing = co_await std::move(read);
  if (!listing) co_return Fail(listing.error());
  co_return MlflowResponse({{"registered_model", MlflowJson(*listing)}});
}

// Without a description it clears the one that is there: so does MLflow.
MlflowReply UpdateModel(MlflowCall& call) {
  store::UpdateModel update{call.params.Required("name"),
                            call.params.Text("description").value_or("")};
  if (Status fit = call.params.Finish(); !fit) co_return Fail(std::move(fit).error());
  const std::string name = update.name;
  auto answer = AnswerModel(call, std::move(update), name);
  co_return co_await std::move(answer);
}

MlflowReply RenameModel(MlflowCall& call) {
  store::RenameModel rename{call.params.Required("name"), call.params.Required("new_name")};
  if (Status fit = call.params.Finish(); !fit) co_return Fail(std::move(fit).error());
  const std::string name = rename.new_name;
  auto answer = AnswerModel(call, std::move(rename), name);
  co_return co_await std::move(answer);
}

MlflowReply DeleteModel(MlflowCall& call) {
  store::DeleteModel remove{call.params.Required("name")};
  return AnswerNothing(call, std::move(remove));
}

MlflowReply SetModelTag(MlflowCall& call) {
  store::SetModelTag set{call.params.Required("name"), call.params.Required("key"),
                         call.params.Text("value").value_or("")};
  return AnswerNothing(call, std::move(set));
}

MlflowReply DeleteModelTag(MlflowCall& call) {
  store::DeleteModelTag remove{call.params.Required("name"), call.params.Required("key")};
  return AnswerNothing(call, std::move(remove));
}

constexpr SearchGrammar kModelSearch = {limits::kModelSearchDefault, limits::kModelSearchMax,
                                        store::ParseModelFilter, store::ParseModelOrder};

// Many rows: their text is made where they are read, not on a core.
MlflowReply SearchModels(MlflowCall& call) {
  const Result<store::ModelSearch> search = ReadSearch(call.params, kModelSearch);
  if (!search) co_return Fail(search.error());
  auto read = RunOn(call.context.reads, [&]() -> Result<std::string> {
    PODIUM_TRY_ASSIGN(const auto page, call.context.models.SearchModels(*search));
    return SearchPageText("registered_models", page, search->order);
  });
  Result<std::string> text = co_await std::move(read);
  if (!text) co_return Fail(std::move(text).error());
  co_return MlflowText(std::move(*text));
}

Result<std::vector<ModelStage>> ReadStages(Params& params) {
  const std::vector<std::string> texts = params.Texts("stages");
  PODIUM_TRY(params.Finish());
  std::vector<ModelStage> stages;
  for (const std::string& text : texts) {
    PODIUM_TRY_ASSIGN(const ModelStage stage, ParseStage(text));
    stages.push_back(stage);
  }
  return stages;
}

// No stages means all of them.
MlflowReply GetLatestVersions(MlflowCall& call) {
  const std::string name = call.params.Required("name");
  const Result<std::vector<ModelStage>> stages = ReadStages(call.params);
  if (!stages) co_return Fail(stages.error());
  auto read = RunOn(call.context.reads, [&] { return call.context.models.ReadModel(name); });
  const Result<store::ModelListing> listing = co_await std::move(read);
  if (!listing) co_return Fail(listing.error());
  Json json = Json::object();
  for (const RegisteredVersion& version : listing->latest) {
    const bool wanted =
        stages->empty() || std::ranges::find(*stages, version.stage) != stages->end();
    if (wanted) json["model_versions"].push_back(MlflowJson(version));
  }
  co_return MlflowResponse(json);
}

}  // namespace

void AddRegisteredModelEndpoints(MlflowRoutes& routes) {
  using enum net::HttpMethod;
  AddMlflow(routes, kPost, "registered-models/create", {CreateModel, true});
  AddMlflow(routes, kGet, "registered-models/get", {GetModel});
  AddMlflow(routes, kPatch, "registered-models/update", {UpdateModel, true});
  AddMlflow(routes, kPost, "registered-models/rename", {RenameModel, true});
  AddMlflow(routes, kDelete, "registered-models/delete", {DeleteModel, true});
  AddMlflow(routes, kGet, "registered-models/search", {SearchModels});
  AddMlflow(routes, kPost, "registered-models/set-tag", {SetModelTag, true});
  AddMlflow(routes, kDelete, "registered-models/delete-tag", {DeleteModelTag, true});
  AddMlflow(routes, kPost, "registered-models/get-latest-versions", {GetLatestVersions, true});
  AddMlflow(routes, kGet, "registered-models/get-latest-versions", {GetLatestVersions});
}

}  // namespace podium::control
