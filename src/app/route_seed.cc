#include "app/route_seed.h"

#include <utility>

#include "base/log.h"
#include "domain/names.h"

namespace podium::app {

void SeedRoutes(const Settings& settings, store::RegistryStore& store) {
  for (const auto& [tag, target] : settings.routes) {
    ModelVersion version;
    version.route = RouteName(tag);
    version.name = tag;
    version.version = NameFrom(target.upstream_model);
    version.provider_key = target.provider;
    version.upstream_model = target.upstream_model;
    store::MutationContext context;
    context.actor = "podium";
    context.origin = "seed";
    context.reason = fmt::format("routes.{}.default of the settings", tag);
    const Result<store::Committed> done =
        store.Apply(store::RegisterVersion{std::move(version), true}, context);
    if (!done) {
      LogWarning("a configured route could not be seeded",
                 {{"route", tag}, {"error", Describe(done.error())}});
    } else if (done->changed) {
      LogInfo("a configured route was seeded", {{"route", tag}, {"provider", target.provider}});
    }
  }
}

}  // namespace podium::app
