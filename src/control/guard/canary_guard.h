// Ends the canaries that have done harm.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "domain/ids.h"
#include "routing/table.h"
#include "runtime/model_runtime.h"
#include "store/registry_store.h"
#include "view/core_view.h"
#include "view/publish_port.h"

namespace podium::control {

struct HarmfulCanary {
  RouteName route;
  ModelId id;
  std::string why;
};
/// The canaries of `view` that have failed here and whose artifact has done harm: `harm_of` gives
/// what, or nullopt. Pure but for that.
std::vector<HarmfulCanary> HarmfulCanaries(
    const view::CoreView& view,
    const std::function<std::optional<std::string>(const ModelId&)>& harm_of);

/// Level-triggered: asked now and then, it looks at what is, so a step that failed is taken again.
/// Threads: one at a time. Blocks on the store.
class CanaryGuard {
 public:
  CanaryGuard(store::RegistryStore& store, runtime::ModelRuntime& runtime,
              view::PublishPort& publisher)
      : store_(store), runtime_(runtime), publisher_(publisher) {}

  /// Aborts each canary whose artifact is in quarantine. Returns how many.
  int Check();

 private:
  Status Abort(const HarmfulCanary& canary);

  store::RegistryStore& store_;
  runtime::ModelRuntime& runtime_;
  view::PublishPort& publisher_;
};

}  // namespace podium::control
