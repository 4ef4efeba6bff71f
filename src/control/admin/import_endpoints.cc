// /api/v1/import/mlflow/models: a registered model with a page of its versions, as another registry
// has them. One call is one transaction; the same call again changes nothing.
#include <utility>

#include "control/admin/context.h"
#include "control/admin/import_body.h"
#include "control/admin/query.h"

namespace podium::control {
namespace {

AdminReply BringModel(AdminCall& call) {
  const AdminContext& context = call.context;
  if (Status known = CheckQuery(call.exchange.head(), {}); !known) {
    co_return Fail(std::move(known).error());
  }
  // Such a body is large: it is read where it holds up nobody else's calls.
  auto read = RunOn(context.pools.reads, [&call] { return ReadImport(call.body); });
  const Result<store::ImportModel> import = co_await std::move(read);
  if (!import) co_return Fail(import.error());
  const store::ModelCaller caller{call.principal.actor, "import", call.request_id};
  auto write = RunOn(context.pools.writer, [&]() -> Result<store::ModelCommitted> {
    return context.models->ApplyModel(*import, caller);
  });
  const Result<store::ModelCommitted> done = co_await std::move(write);
  if (!done) {
    context.last_write.Note(done.error());
    co_return Fail(done.error());
  }
  if (done->changed) {
    context.last_write.Succeeded();
    if (context.models_changed) context.models_changed();
  }
  co_return JsonResponse(ImportAnswer(*import, *done));
}

}  // namespace

void AddImportEndpoints(AdminRoutes& routes) {
  routes.Add(net::HttpMethod::kPost, "/api/v1/import/mlflow/models",
             {BringModel, Endpoint::Access::kAdmin, Endpoint::Body::kLargeJson,
              Endpoint::Precondition::kNone});
}

}  // namespace podium::control
