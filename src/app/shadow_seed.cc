#include "app/shadow_seed.h"

#include <utility>

#include "base/log.h"
#include "domain/names.h"

namespace podium::app {
namespace {

store::MutationContext SeedContext(const std::string& tag) {
  store::MutationContext context;
  context.actor = "podium";
  context.origin = "seed";
  context.reason = fmt::format("routes.{}.shadow of the settings", tag);
  return context;
}

ModelVersion RowOf(const std::string& tag, const ShadowSettings& shadow) {
  ModelVersion row;
  row.route = RouteName(tag);
  row.name = tag;
  row.version = NameFrom(shadow.upstream_model);
  row.provider_key = shadow.provider;
  row.upstream_model = shadow.upstream_model;
  row.status = VersionStatus::kShadow;
  return row;
}

// A conflict means that the place is taken: it was registered before, by us or by somebody.
bool RegisterShadow(const std::string& tag, const ShadowSettings& shadow,
                    store::RegistryStore& store) {
  const Result<store::Committed> done =
      store.Apply(store::RegisterVersion{RowOf(tag, shadow)}, SeedContext(tag));
  if (done) {
    LogInfo("a configured shadow was registered", {{"route", tag}, {"provider", shadow.provider}});
    return true;
  }
  if (done.error().code == ErrorCode::kConflict) return true;
  LogWarning("a configured shadow could not be registered",
             {{"route", tag}, {"error", Describe(done.error())}});
  return false;
}

void SetConfiguredShadow(const std::string& tag, const ShadowSettings& shadow,
                         store::RegistryStore& store) {
  const store::SetShadow verb{RouteName(tag), shadow.plan, /*seed=*/true};
  const Result<store::Committed> done = store.Apply(verb, SeedContext(tag));
  if (done) return;
  LogWarning("a configured shadow gets no copies yet",
             {{"route", tag}, {"error", Describe(done.error())}});
}

}  // namespace

void SeedShadows(const Settings& settings, store::RegistryStore& store) {
  for (const auto& [tag, shadow] : settings.shadows) {
    if (!shadow.provider.empty() && !RegisterShadow(tag, shadow, store)) continue;
    SetConfiguredShadow(tag, shadow, store);
  }
}

}  // namespace podium::app
