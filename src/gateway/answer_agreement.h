// Whether two models gave the same answer. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "domain/tensor.h"

namespace podium::gateway {

/// Bytes that tensors hold, about.
std::size_t SizeOf(const std::vector<Tensor>& tensors);

/// Of two answers to the same rows. Where the champion gives labels (an output of whole numbers,
/// truth values or strings), only they count, and they must be the same: two classifiers with the
/// same labels agree. Otherwise every number must be within `tolerance` times the champion's size,
/// or times 1 if that is more; NaN agrees with NaN. Outputs are matched by name, or by their place
/// if the names differ. nullopt when they cannot be compared: of other shapes, types or number.
std::optional<bool> Agree(const std::vector<Tensor>& champion,
                          const std::vector<Tensor>& challenger, double tolerance);

}  // namespace podium::gateway
