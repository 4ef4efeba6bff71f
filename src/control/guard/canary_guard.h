// Ends the canaries that have done harm.
#pragma once

#include <string>

#include "base/result.h"
#include "domain/ids.h"
#include "routing/table.h"
#include "runtime/model_runtime.h"
#include "store/registry_store.h"
#include "view/publish_port.h"

namespace podium::control {

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
  Status Abort(const RouteName& route, const ModelId& canary, const std::string& why);

  store::RegistryStore& store_;
  runtime::ModelRuntime& runtime_;
  view::PublishPort& publisher_;
};

}  // namespace podium::control
