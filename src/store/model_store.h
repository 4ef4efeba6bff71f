// The port to MLflow's registry: registered models, versions, aliases. Names, not routing input:
// they take no revision and reach no core.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "domain/registered_model.h"
#include "store/model_audit.h"
#include "store/model_filter.h"
#include "store/model_list.h"
#include "store/model_mutation.h"

namespace podium::store {

/// A model as readers see it.
struct ModelListing {
  RegisteredModel model;
  /// Per stage that any version is in, the one with the highest number; by number. With aliases.
  std::vector<RegisteredVersion> latest;
  bool operator==(const ModelListing&) const = default;
};
inline ListKey KeyOf(const ModelListing& listing) { return KeyOf(listing.model); }

struct ModelSearch {
  Filter filter;
  ListOrder order;
  int limit = 100;         ///< REQUIRES: 1 or more.
  std::string page_token;  ///< From the page before; kInvalidArgument if it is not one of ours.
};

/// Threads: all methods from any thread. A busy database is waited for, as in RegistryStore.
class ModelStore {
 public:
  virtual ~ModelStore() = default;

  /// INV-2: rows, audit row and outbox event in one transaction, or none of them. Errors:
  /// DecideModel.
  virtual Result<ModelCommitted> ApplyModel(const ModelMutation& mutation,
                                            const ModelCaller& caller) = 0;

  virtual Result<ModelListing> ReadModel(const std::string& name) = 0;  ///< kNotFound
  /// With its aliases. kNotFound, for a deleted one too.
  virtual Result<RegisteredVersion> ReadModelVersion(const std::string& name,
                                                     std::int64_t number) = 0;
  /// `latest`, in any case of letters, is the highest number. kNotFound without the model,
  /// kInvalidArgument without the alias.
  virtual Result<RegisteredVersion> ReadAlias(const std::string& name,
                                              const std::string& alias) = 0;
  /// REQUIRES: filter and order of models.
  virtual Result<Page<ModelListing>> SearchModels(const ModelSearch& search) = 0;
  /// With aliases. REQUIRES: filter and order of versions.
  virtual Result<Page<RegisteredVersion>> SearchModelVersions(const ModelSearch& search) = 0;
  /// Who changed what. kInvalidArgument for a limit or cursor that cannot be.
  virtual Result<Page<ModelAudit>> ListModelAudit(const ModelAuditQuery& query) = 0;
};

}  // namespace podium::store
