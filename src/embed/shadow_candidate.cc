#include "embed/shadow_candidate.h"

#include <utility>

namespace podium::v1 {

ShadowCandidate::ShadowCandidate(Registry* registry, NewVersion candidate)
    : registry_(registry), version_(std::move(candidate)), settled_(registry == nullptr) {}

bool ShadowCandidate::IsPrimary() const {
  if (registry_ == nullptr) return false;
  // An unknown name has no primary; a registry in trouble goes on with its last snapshot.
  const Result<Split> split = registry_->Pin().SplitOf(version_.name);
  return split && split->active && split->active->name == version_.name &&
         split->active->version == version_.version;
}

bool ShadowCandidate::ClaimTry(SteadyTime now) {
  if (settled_.load(std::memory_order_relaxed)) return false;
  const std::lock_guard lock(mutex_);
  if (settled_ || trying_ || (tried_ && now - last_try_ < kRetry)) return false;
  trying_ = tried_ = true;
  last_try_ = now;
  return true;
}

void ShadowCandidate::Register() {
  const Result<ModelVersion> registered = registry_->RegisterShadow(version_);
  if (!registered) return Abandon(registered.error().message);
  const std::lock_guard lock(mutex_);
  settled_ = true;
  trying_ = false;
  trouble_.clear();
}

void ShadowCandidate::Abandon(std::string why) {
  const std::lock_guard lock(mutex_);
  trying_ = false;
  trouble_ = std::move(why);
}

std::string ShadowCandidate::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

}  // namespace podium::v1
