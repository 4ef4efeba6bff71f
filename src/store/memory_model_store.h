// MLflow's registry in this process's memory: for tests.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "store/model_decide.h"
#include "store/model_store.h"

namespace podium::store {

/// Threads: all methods from any thread; one lock over everything.
class MemoryModelStore final : public ModelStore {
 public:
  /// `clock` must outlive the store.
  explicit MemoryModelStore(const Clock& clock) : clock_(clock) {}

  Result<ModelCommitted> ApplyModel(const ModelMutation& mutation,
                                    const ModelCaller& caller) override;
  Result<ModelListing> ReadModel(const std::string& name) override;
  Result<RegisteredVersion> ReadModelVersion(const std::string& name, std::int64_t number) override;
  Result<RegisteredVersion> ReadAlias(const std::string& name, const std::string& alias) override;
  Result<Page<ModelListing>> SearchModels(const ModelSearch& search) override;
  Result<Page<RegisteredVersion>> SearchModelVersions(const ModelSearch& search) override;
  Result<Page<ModelAudit>> ListModelAudit(const ModelAuditQuery& query) override;

  /// Type and data of each, oldest first.
  std::vector<std::pair<std::string, std::string>> events();

 private:
  using Versions = std::map<std::int64_t, RegisteredVersion>;  // By number.
  struct Entry {
    RegisteredModel model;
    Versions versions;  // Their aliases are empty here.
  };
  ModelSnapshot Read(const ModelSubject& subject) const;
  void Write(const ModelChanges& changes);
  static ModelListing ListingOf(const Entry& entry);

  const Clock& clock_;
  std::mutex mutex_;  // Over all below.
  std::map<std::string, Entry> models_;
  std::vector<ModelAudit> audit_;  // Row n at n - 1.
  std::vector<std::pair<std::string, std::string>> events_;
};

}  // namespace podium::store
