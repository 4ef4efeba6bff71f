#include "store/row_faults.h"

namespace podium::store {

void RowFaults::Absorb(const TableDelta& delta) {
  for (const Route& route : delta.routes) problems_.erase({"routes", route.name.get()});
  for (const ModelVersion& version : delta.versions) {
    problems_.erase({"model_registry", version.model_id.get()});
  }
  for (const RowFault& fault : delta.faults) problems_[{fault.table, fault.key}] = fault.problem;
}

}  // namespace podium::store
