// The routing table of a story: the store's rows, what the story supposes about them, compiled by
// the code that compiles them for traffic.
#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "routing/table.h"
#include "store/registry_store.h"
#include "testing/scenario.h"

namespace podium::testing::scenario {

/// Without suppositions the rows above the last revision are absorbed, as a publisher does it; with
/// them the whole table is compiled anew.
class ScenarioTable {
 public:
  void Add(const Suppose& suppose);  ///< kNothing takes all of them back.
  Result<std::shared_ptr<const routing::RoutesPart>> Read(store::RegistryStore& store);
  /// Of the last Read.
  const std::vector<routing::CompileFault>& faults() const { return faults_; }

 private:
  std::vector<Suppose> suppositions_;
  routing::TableCompiler compiler_{{}};
  Revision absorbed_;
  std::vector<routing::CompileFault> faults_;
};

}  // namespace podium::testing::scenario
