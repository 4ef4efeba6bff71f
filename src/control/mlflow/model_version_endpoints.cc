// model-versions/…: create, read, change, stages, delete, search, tags, where the files are.
#include <utility>
#include <variant>
#include <vector>

#include "control/mlflow/context.h"
#include "control/mlflow/search_page.h"
#include "control/mlflow/shapes.h"
#include "control/mlflow/source.h"
#include "control/mlflow/upstream.h"
#include "domain/model_limits.h"

namespace podium::control {
namespace {

MlflowReply AnswerVersion(MlflowCall& call, store::ModelMutation mutation) {
  auto carry_out = CarryOut(call, std::move(mutation));
  const Result<store::ModelCommitted> done = co_await std::move(carry_out);
  if (!done) co_return Fail(done.error());
  co_return MlflowResponse(
      {{"model_version", MlflowJson(done->version.value_or(RegisteredVersion()))}});
}

// `models:/<name>/<number>`: the files are that version's, and so is the run that made it.
Task<Status> ResolveVersion(MlflowCall& call, const VersionSource& source,
                            RegisteredVersion& version) {
  auto read = RunOn(call.context.reads, [&] {
    return call.context.models.ReadModelVersion(source.name, source.number);
  });
  const Result<RegisteredVersion> origin = co_await std::move(read);
  if (!origin) co_return Fail(origin.error());
  if (!version.run_id.empty() && version.run_id != origin->run_id) {
    co_return Fail(
        ErrorCode::kInvalidArgument,
        "Invalid model version source: '{}'. It comes from run '{}', not '{}': send that "
        "run_id, or none.",
        version.source, origin->run_id, version.run_id);
  }
  version.storage_location = DownloadUri(*origin);
  version.run_id = origin->run_id;
  if (version.model_id.empty()) version.model_id = origin->model_id;
  co_return Status();
}

// `models:/<model id>`: the tracking server knows where it is. Without one the source stays what it
// is, and clients ask their own.
Task<Status> ResolveLoggedModel(MlflowCall& call, const LoggedModelSource& source,
                                RegisteredVersion& version) {
  if (call.context.upstream == nullptr) co_return Status();
  auto ask = call.context.upstream->FindLoggedModel(call.exchange.core(), source.model_id);
  const Result<LoggedModel> model = co_await std::move(ask);
  if (!model) co_return Fail(model.error());
  version.storage_location = model->artifact_uri;
  if (version.run_id.empty()) version.run_id = model->source_run_id;
  co_return Status();
}

// A prompt is all in its tags; clients put one of these where a source has to be.
bool IsPromptSource(const RegisteredVersion& version) {
  return store::IsPrompt(version.tags) &&
         (version.source == "dummy-source" || version.source == "prompt-template");
}

Task<Status> Resolve(MlflowCall& call, RegisteredVersion& version) {
  if (IsPromptSource(version)) co_return Status();
  const Result<Source> source = ReadSource(version.source, version.run_id, version.model_id);
  if (!source) co_return Fail(source.error());
  if (const auto* other = std::get_if<VersionSource>(&*source)) {
    auto resolve = ResolveVersion(call, *other, version);
    co_return co_await std::move(resolve);
  }
  if (const auto* logged = std::get_if<LoggedModelSource>(&*source)) {
    auto resolve = ResolveLoggedModel(call, *logged, version);
    co_return co_await std::move(resolve);
  }
  co_return Status();
}

MlflowReply CreateVersion(MlflowCall& call) {
  Params& params = call.params;
  RegisteredVersion version;
  version.name = params.Required("name");
  version.source = params.Required("source");
  version.run_id = params.Text("run_id").value_or("");
  version.run_link = params.Text("run_link").value_or("");
  version.description = params.Text("description").value_or("");
  version.model_id = params.Text("model_id").value_or("");
  version.tags = params.Tags("tags");
  if (Status fit = params.Finish(); !fit) co_return Fail(std::move(fit).error());
  auto resolve = Resolve(call, version);
  if (Status resolved = co_await std::move(resolve); !resolved) {
    co_return Fail(std::move(resolved).error());
  }
  auto answer = AnswerVersion(call, store::CreateVersion{std::move(version)});
  co_return co_await std::move(answer);
}

Task<Result<RegisteredVersion>> Read(MlflowCall& call) {
  const std::string name = call.params.Required("name");
  const std::int64_t number = call.params.VersionNumber();
  if (Status fit = call.params.Finish(); !fit) co_return Fail(std::move(fit).error());
  auto read =
      RunOn(call.context.reads, [&] { return call.context.models.ReadModelVersion(name, number); });
  co_return co_await std::move(read);
}

MlflowReply GetVersion(MlflowCall& call) {
  auto read = Read(call);
  const Result<RegisteredVersion> version = co_await std::move(read);
  if (!version) co_return Fail(version.error());
  co_return MlflowResponse({{"model_version", MlflowJson(*version)}});
}

MlflowReply GetDownloadUri(MlflowCall& call) {
  auto read = Read(call);
  const Result<RegisteredVersion> version = co_await std::move(read);
  if (!version) co_return Fail(version.error());
  co_return MlflowResponse({{"artifact_uri", DownloadUri(*version)}});
}

// Without a description nothing changes, unlike with a model: so does MLflow.
MlflowReply UpdateVersion(MlflowCall& call) {
  std::optional<std::string> description = call.params.Text("description");
  if (!description) {
    auto get = GetVersion(call);
    co_return co_await std::move(get);
  }
  store::UpdateVersion update;
  update.name = call.params.Required("name");
  update.number = call.params.VersionNumber();
  update.description = std::move(*description);
  if (Status fit = call.params.Finish(); !fit) co_return Fail(std::move(fit).error());
  auto answer = AnswerVersion(call, std::move(update));
  co_return co_await std::move(answer);
}

MlflowReply TransitionVersion(MlflowCall& call) {
  Params& params = call.params;
  store::TransitionVersion transition;
  transition.name = params.Required("name");
  transition.number = params.VersionNumber();
  const std::string stage_name = params.Required("stage");
  transition.archive_others = params.Flag("archive_existing_versions");
  if (Status fit = params.Finish(); !fit) co_return Fail(std::move(fit).error());
  const Result<ModelStage> stage = ParseStage(stage_name);
  if (!stage) co_return Fail(stage.error());
  transition.stage = *stage;
  auto answer = AnswerVersion(call, std::move(transition));
  co_return co_await std::move(answer);
}

MlflowReply DeleteVersion(MlflowCall& call) {
  store::DeleteModelVersion remove;
  remove.name = call.params.Required("name");
  remove.number = call.params.VersionNumber();
  return AnswerNothing(call, std::move(remove));
}

MlflowReply SetVersionTag(MlflowCall& call) {
  store::SetVersionTag set;
  set.name = call.params.Required("name");
  set.number = call.params.VersionNumber();
  set.key = call.params.Required("key");
  set.value = call.params.Text("value").value_or("");
  return AnswerNothing(call, std::move(set));
}

MlflowReply DeleteVersionTag(MlflowCall& call) {
  store::DeleteVersionTag remove;
  remove.name = call.params.Required("name");
  remove.number = call.params.VersionNumber();
  remove.key = call.params.Required("key");
  return AnswerNothing(call, std::move(remove));
}

constexpr SearchGrammar kVersionSearch = {limits::kVersionSearchDefault, limits::kVersionSearchMax,
                                          store::ParseVersionFilter, store::ParseVersionOrder};

// Many rows: their text is made where they are read, not on a core.
MlflowReply SearchVersions(MlflowCall& call) {
  const Result<store::ModelSearch> search = ReadSearch(call.params, kVersionSearch);
  if (!search) co_return Fail(search.error());
  auto read = RunOn(call.context.reads, [&]() -> Result<std::string> {
    PODIUM_TRY_ASSIGN(const auto page, call.context.models.SearchModelVersions(*search));
    return SearchPageText("model_versions", page, search->order);
  });
  Result<std::string> text = co_await std::move(read);
  if (!text) co_return Fail(std::move(text).error());
  co_return MlflowText(std::move(*text));
}

}  // namespace

void AddModelVersionEndpoints(MlflowRoutes& routes) {
  using enum net::HttpMethod;
  AddMlflow(routes, kPost, "model-versions/create", {CreateVersion, true});
  AddMlflow(routes, kGet, "model-versions/get", {GetVersion});
  AddMlflow(routes, kGet, "model-versions/get-download-uri", {GetDownloadUri});
  AddMlflow(routes, kPatch, "model-versions/update", {UpdateVersion, true});
  AddMlflow(routes, kPost, "model-versions/transition-stage", {TransitionVersion, true});
  AddMlflow(routes, kDelete, "model-versions/delete", {DeleteVersion, true});
  AddMlflow(routes, kGet, "model-versions/search", {SearchVersions});
  AddMlflow(routes, kPost, "model-versions/set-tag", {SetVersionTag, true});
  AddMlflow(routes, kDelete, "model-versions/delete-tag", {DeleteVersionTag, true});
}

}  // namespace podium::control
