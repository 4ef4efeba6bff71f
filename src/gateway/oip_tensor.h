// The data of one OIP input to a tensor, from JSON or from bytes. Private to the codec.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/tensor.h"
#include "gateway/oip_request.h"

namespace podium::gateway {

/// From JSON or from bytes, whichever the input has. `body_bytes` bounds what JSON can hold, so
/// that no shape makes us reserve more than a small multiple of what was sent. kInvalidArgument
/// says which element does not fit.
Result<Tensor> TensorOf(const OipInput& input, std::size_t body_bytes);

/// The only input of `signature`, from nothing but its bytes: one open dimension is what they make
/// of it; of two, the first is a batch of 1. A BYTES input is one element, without a length before
/// it.
Result<Tensor> TensorOfRaw(const Signature& signature, std::string_view bytes);

/// Appends the elements as the binary extension wants them: little-endian, row-major; BYTES with
/// their lengths before them. Returns how many bytes that is.
std::size_t AppendBinary(const Tensor& tensor, std::string& out);

}  // namespace podium::gateway
