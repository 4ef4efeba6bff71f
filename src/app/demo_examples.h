// What the demo serves and sends: the embedded examples, read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "app/demo_assets.h"
#include "base/json.h"
#include "base/result.h"
#include "base/rng.h"

namespace podium::app {

/// Whom the rollout leads in: a version that is no worse, or one that fails on some rows.
enum class DemoCandidate : std::uint8_t { kBetter, kWorse };

/// The route with the rollout. Its last version is the worse candidate.
inline constexpr std::string_view kDemoRolloutRoute = "digits";

struct DemoVersion {
  std::string model_id;  ///< "digits-v1"
  std::string version;   ///< "v1"
  std::string_view onnx;
  Json signature;
  Json metrics;  ///< As measured when the model was trained.
};

struct DemoRoute {
  std::string route;
  std::vector<std::string> rows;  ///< One JSON array each, in the order of the signature's columns.
  std::vector<int> labels;        ///< The truth; as many as rows.
  std::vector<std::string> label_names;
  std::vector<DemoVersion> versions;  ///< The first becomes primary, the second is tried.
  std::size_t weight = 1;             ///< Turns of this route, of the sum of all weights.

  bool has_rollout() const { return route == kDemoRolloutRoute; }
  /// REQUIRES: has_rollout().
  const DemoVersion& candidate(DemoCandidate which) const {
    return which == DemoCandidate::kBetter ? versions.at(1) : versions.back();
  }
};

/// Fails when the examples were changed into something the demo cannot use.
Result<DemoRoute> ReadDemoRoute(const DemoAsset& asset);
Result<std::vector<DemoRoute>> ReadDemoRoutes();

/// Gives the rows each other's labels: an accuracy that is computed, not made up, falls.
void ShuffleLabels(DemoRoute& route, Rng& rng);

/// {"rows":[…]} for one row.
std::string RowBody(std::string_view row);

/// Whether `answer`, the body of a 200, predicts `label` for its only row.
bool IsRight(std::string_view answer, int label);

}  // namespace podium::app
