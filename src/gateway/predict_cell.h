// One JSON value to one element of a tensor, exactly or not at all. Private to the codec.
#pragma once

#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "domain/tensor.h"

namespace podium::gateway {

/// Writes the element at `out` (WidthOf bytes); false when the value does not fit the type.
using CellReader = bool (*)(const simdjson::dom::element& value, std::byte* out);

/// Integers must be exact and in range; floats round, but never to infinity; booleans are only
/// booleans. REQUIRES: type is not kBytes, whose elements are strings.
CellReader ReaderOf(DataType type);

/// "a number for FP32", for messages.
std::string WantedText(DataType type);
/// `"abc"`, `1.5`, `an array`: what the caller sent, cut when long.
std::string GivenText(const simdjson::dom::element& value);

/// The 16 bits of the nearest half (ten bits of fraction) or bfloat16 (seven); false on overflow.
bool NarrowTo(DataType type, double value, std::uint16_t& bits);
/// The number that FP16 or BF16 bits stand for.
double Widen(DataType type, std::uint16_t bits);

}  // namespace podium::gateway
