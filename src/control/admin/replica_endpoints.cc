// /api/v1/replicas: who serves from this registry, how far each is, what it cannot serve.
#include <utility>

#include "control/admin/context.h"
#include "control/admin/query.h"
#include "store/replica_store.h"

namespace podium::control {
namespace {

struct ShownReplica {
  store::ReplicaRow row;
  std::vector<store::ReplicaVersion> failed;
};

// Blocking: runs on the pool for reads.
Result<std::vector<ShownReplica>> ReadAll(store::ReplicaStore& store) {
  PODIUM_TRY_ASSIGN(std::vector<store::ReplicaRow> rows, store.ReadReplicas());
  std::vector<ShownReplica> all;
  for (store::ReplicaRow& row : rows) {
    ShownReplica shown{std::move(row), {}};
    if (shown.row.failed > 0) {
      PODIUM_TRY_ASSIGN(shown.failed, store.ReadFailed(shown.row.self.id));
    }
    all.push_back(std::move(shown));
  }
  return all;
}

// Changes that it has not applied yet; null when they cannot be counted: it is of an epoch before.
Json Behind(Generation newest, Generation applied) {
  if (EpochOf(newest) != EpochOf(applied)) return {};
  return RevisionOf(newest).get() - RevisionOf(applied).get();
}

Json ReplicaJson(const ShownReplica& shown, Generation newest, const std::string& self) {
  const store::ReplicaRow& row = shown.row;
  Json json;
  json["id"] = row.self.id;
  json["here"] = row.self.id == self;
  json["address"] = row.self.address;
  json["version"] = row.self.build;
  json["incarnation"] = row.self.incarnation;
  json["live"] = store::IsLive(row);
  json["generation"] = row.applied.get();
  json["behind"] = Behind(newest, row.applied);
  json["ready"] = row.ready;
  json["failed"] = row.failed;
  json["joined_at"] = FormatUtc(row.joined_at);
  json["heartbeat_at"] = FormatUtc(row.heartbeat_at);
  json["silent_s"] = SecondsOf(row.silence);
  json["not_ready"] = Json::array();
  for (const store::ReplicaVersion& version : shown.failed) {
    json["not_ready"].push_back({{"model_id", version.id.get()}, {"error", version.error}});
  }
  return json;
}

AdminReply ListReplicas(AdminCall& call) {
  const AdminContext& c = call.context;
  const net::RequestHead& head = call.exchange.head();
  if (Status known = CheckQuery(head, {"limit", "cursor"}); !known) {
    co_return Fail(std::move(known).error());
  }
  const Result<int> limit = PageLimit(head);
  if (!limit) co_return Fail(limit.error());
  const std::string after = QueryText(head, "cursor").value_or("");
  auto read = RunOn(c.pools.reads, [&] { return ReadAll(*c.replicas); });
  const Result<std::vector<ShownReplica>> all = co_await std::move(read);
  if (!all) co_return Fail(all.error());
  Generation newest = c.publisher.state().view->generation();
  for (const ShownReplica& shown : *all) newest = std::max(newest, shown.row.applied);
  Json items = Json::array();
  std::string next;
  for (const ShownReplica& shown : *all) {
    if (shown.row.self.id <= after) continue;
    if (items.size() == static_cast<std::size_t>(*limit)) {
      next = items.back()["id"].get<std::string>();
      break;
    }
    items.push_back(ReplicaJson(shown, newest, c.options.replica));
  }
  co_return PageResponse(call, std::move(items), next);
}

}  // namespace

void AddReplicaEndpoints(AdminRoutes& routes) {
  routes.Add(net::HttpMethod::kGet, "/api/v1/replicas", {ListReplicas});
}

}  // namespace podium::control
