// A model that takes anything and answers nothing, for tests of what goes on around it.
#pragma once

#include <chrono>
#include <span>
#include <vector>

#include "domain/model.h"

namespace podium::testing {

/// Threads: any.
class SilentModel final : public LoadedModel {
 public:
  const Signature& signature() const override { return signature_; }
  Result<std::vector<Tensor>> Run(std::span<const Tensor>) const override {
    return std::vector<Tensor>();
  }
  std::chrono::nanoseconds time_per_row() const override { return std::chrono::nanoseconds(1); }

 private:
  const Signature signature_;
};

}  // namespace podium::testing
