// Tensors as JSON text, written straight into the answer. Private to the codecs.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "domain/tensor.h"

namespace podium::gateway {

/// With quotes. Bytes that are not UTF-8 become U+FFFD: JSON has no others.
void AppendString(std::string_view text, std::string& out);
/// The shortest text that reads back as the same value of the same type; NaN and infinities, which
/// JSON does not have, as null. REQUIRES: index is within the tensor.
void AppendElement(const Tensor& tensor, std::size_t index, std::string& out);

}  // namespace podium::gateway
