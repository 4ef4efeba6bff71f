// Who this server is among those that share a registry: an id that its data directory keeps.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "base/rng.h"

namespace podium::app {

/// The id of one server, held until this is destroyed.
class ReplicaId {
 public:
  /// `chosen` unless it is empty; otherwise "<host>-<random>", made once and kept in the directory.
  /// A second server on the same directory is "…-2", and so on, limits::kReplicasPerDirectory at
  /// most (then kUnavailable). REQUIRES: the directory.
  static Result<ReplicaId> Take(const std::string& chosen, const std::filesystem::path& directory,
                                Rng& rng);
  ~ReplicaId();
  ReplicaId(ReplicaId&& other) noexcept;
  ReplicaId& operator=(ReplicaId&&) = delete;

  const std::string& get() const { return id_; }

 private:
  ReplicaId(std::string id, int lock) : id_(std::move(id)), lock_(lock) {}

  std::string id_;
  int lock_;  ///< Descriptor of the locked file; -1 for an id that was chosen.
};

}  // namespace podium::app
