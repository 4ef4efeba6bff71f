#include "testing/scenario_table.h"

#include <utility>

namespace podium::testing::scenario {
namespace {

void Apply(const Suppose& suppose, store::TableDelta& table) {
  for (Route& route : table.routes) {
    if (route.name.get() != suppose.subject) continue;
    if (suppose.what == Suppose::What::kSalt) route.salt = suppose.value;
    if (suppose.what == Suppose::What::kCanarySalt) route.canary_salt = suppose.value;
  }
  for (ModelVersion& row : table.versions) {
    if (row.model_id.get() != suppose.subject) continue;
    if (suppose.what == Suppose::What::kStatus) row.status = suppose.status;
    if (suppose.what == Suppose::What::kProvider) row.provider_key = suppose.value;
  }
}

bool Concerns(const Suppose& suppose, const store::TableDelta& table) {
  for (const Route& route : table.routes) {
    const bool salt =
        suppose.what == Suppose::What::kSalt || suppose.what == Suppose::What::kCanarySalt;
    if (salt && route.name.get() == suppose.subject) return true;
  }
  for (const ModelVersion& row : table.versions) {
    const bool version =
        suppose.what == Suppose::What::kStatus || suppose.what == Suppose::What::kProvider;
    if (version && row.model_id.get() == suppose.subject) return true;
  }
  return false;
}

}  // namespace

void ScenarioTable::Add(const Suppose& suppose) {
  if (suppose.what == Suppose::What::kNothing) {
    suppositions_.clear();
  } else {
    suppositions_.push_back(suppose);
  }
}

Result<std::shared_ptr<const routing::RoutesPart>> ScenarioTable::Read(
    store::RegistryStore& store) {
  const bool supposing = !suppositions_.empty();
  PODIUM_TRY_ASSIGN(store::TableDelta rows, store.ReadTable(supposing ? Revision(0) : absorbed_));
  for (const Suppose& suppose : suppositions_) {
    // A misspelt subject would suppose nothing, and the story would prove nothing.
    if (!Concerns(suppose, rows)) {
      return Fail(ErrorCode::kNotFound, "nothing is called {}: it cannot be supposed otherwise",
                  suppose.subject);
    }
    Apply(suppose, rows);
  }
  routing::TableCompiler fresh({});
  routing::TableCompiler& compiler = supposing ? fresh : compiler_;
  if (!supposing) absorbed_ = rows.revision;
  const Generation generation = MakeGeneration(rows.epoch, rows.revision);
  compiler.Absorb(std::move(rows.routes), std::move(rows.versions));
  std::shared_ptr<const routing::RoutesPart> table = compiler.Compile(generation);
  faults_ = compiler.faults();
  return table;
}

}  // namespace podium::testing::scenario
