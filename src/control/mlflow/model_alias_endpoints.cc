// registered-models/alias: which version a name of one's own means.
#include <utility>

#include "control/mlflow/context.h"
#include "control/mlflow/shapes.h"

namespace podium::control {
namespace {

MlflowReply SetAlias(MlflowCall& call) {
  store::SetAlias set;
  set.name = call.params.Required("name");
  set.alias = call.params.Required("alias");
  set.number = call.params.VersionNumber();
  return AnswerNothing(call, std::move(set));
}

MlflowReply DeleteAlias(MlflowCall& call) {
  store::DeleteAlias remove{call.params.Required("name"), call.params.Required("alias")};
  return AnswerNothing(call, std::move(remove));
}

MlflowReply GetAlias(MlflowCall& call) {
  const std::string name = call.params.Required("name");
  const std::string alias = call.params.Required("alias");
  if (Status fit = call.params.Finish(); !fit) co_return Fail(std::move(fit).error());
  auto read = RunOn(call.context.reads, [&] { return call.context.models.ReadAlias(name, alias); });
  const Result<RegisteredVersion> version = co_await std::move(read);
  if (!version) co_return Fail(version.error());
  co_return MlflowResponse({{"model_version", MlflowJson(*version)}});
}

}  // namespace

void AddModelAliasEndpoints(MlflowRoutes& routes) {
  using enum net::HttpMethod;
  AddMlflow(routes, kPost, "registered-models/alias", {SetAlias, true});
  AddMlflow(routes, kGet, "registered-models/alias", {GetAlias});
  AddMlflow(routes, kDelete, "registered-models/alias", {DeleteAlias, true});
}

}  // namespace podium::control
