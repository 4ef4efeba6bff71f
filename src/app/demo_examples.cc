#include "app/demo_examples.h"

#include <fmt/format.h>

#include <utility>

namespace podium::app {
namespace {

constexpr std::size_t kRolloutWeight = 4;

Failure Unusable(const DemoAsset& asset, std::string_view what) {
  return Fail(ErrorCode::kInternal, "examples/{}.rows.json: {}", asset.route, what);
}

// The trained accuracy of "v1" stands under "1".
Json TrainedMetrics(const Json& rows, std::string_view version) {
  const auto all = rows.find("metrics");
  if (all == rows.end() || !all->is_object()) return Json::object();
  const auto found = all->find(std::string(version.substr(1)));
  return found == all->end() ? Json::object() : *found;
}

Status ReadRows(const DemoAsset& asset, const Json& file, DemoRoute& route) {
  for (const char* key : {"rows", "labels", "label_names"}) {
    if (!file.contains(key) || !file[key].is_array()) return Unusable(asset, "a list is missing");
  }
  if (file["rows"].empty() || file["rows"].size() != file["labels"].size()) {
    return Unusable(asset, "rows and labels do not belong together");
  }
  for (const Json& row : file["rows"]) route.rows.push_back(DumpJson(row));
  for (const Json& label : file["labels"]) {
    if (!label.is_number_integer()) return Unusable(asset, "a label is not a whole number");
    route.labels.push_back(label.get<int>());
  }
  for (const Json& name : file["label_names"]) {
    if (!name.is_string()) return Unusable(asset, "a label's name is not a text");
    route.label_names.push_back(name.get<std::string>());
  }
  return {};
}

}  // namespace

Result<DemoRoute> ReadDemoRoute(const DemoAsset& asset) {
  PODIUM_TRY_ASSIGN(const Json file, ParseJson(asset.rows));
  if (!file.is_object()) return Unusable(asset, "not an object");
  DemoRoute route;
  route.route = asset.route;
  if (route.has_rollout()) route.weight = kRolloutWeight;
  PODIUM_TRY(ReadRows(asset, file, route));
  for (const DemoModelAsset& model : asset.models) {
    if (model.version.empty()) continue;
    PODIUM_TRY_ASSIGN(Json signature, ParseJson(model.signature));
    route.versions.push_back(
        DemoVersion{fmt::format("{}-{}", asset.route, model.version), std::string(model.version),
                    model.onnx, std::move(signature), TrainedMetrics(file, model.version)});
  }
  return route;
}

Result<std::vector<DemoRoute>> ReadDemoRoutes() {
  std::vector<DemoRoute> routes;
  for (const DemoAsset& asset : DemoAssets()) {
    PODIUM_TRY_ASSIGN(DemoRoute route, ReadDemoRoute(asset));
    routes.push_back(std::move(route));
  }
  return routes;
}

void ShuffleLabels(DemoRoute& route, Rng& rng) {
  for (std::size_t i = route.labels.size(); i > 1; --i) {
    std::swap(route.labels[i - 1], route.labels[rng.Next64() % i]);
  }
}

std::string RowBody(std::string_view row) { return fmt::format(R"({{"rows":[{}]}})", row); }

bool IsRight(std::string_view answer, int label) {
  const Result<Json> body = ParseJson(answer);
  if (!body || !body->is_object()) return false;
  const auto predictions = body->find("predictions");
  if (predictions == body->end() || !predictions->is_array() || predictions->size() != 1) {
    return false;
  }
  const Json& only = predictions->front();
  return only.is_number() && only.get<double>() == label;
}

}  // namespace podium::app
