// What one protocol is to a prediction: how a body becomes tensors, and how an answer or an error
// is written. Everything between, from the pinned view to the headers, is PredictCall's and knows
// none.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/tensor.h"
#include "domain/version.h"
#include "net/response.h"

namespace podium::gateway {

/// What routing needs of a body. Valid until the next body is parsed on that core.
struct BodyIds {
  std::string_view session_id;  ///< Empty when absent.
  std::string_view request_id;
  std::string_view user = {};
};

/// What a model gets.
struct CallInputs {
  std::vector<Tensor> tensors;
  std::size_t rows = 1;  ///< At least 1: what the time of the run is divided by.
};

/// What a model gave, and which version it was.
struct CallAnswer {
  const std::vector<Tensor>& outputs;  ///< All of the signature, in its order.
  std::size_t rows;
  std::string_view route;
  const ModelVersion& served;
};

/// One per request; what parsing needs lives with the core, what the answer needs in the codec.
/// Threads: that core's. Parse and Read run without a suspension between them.
class CallCodec {
 public:
  CallCodec(const CallCodec&) = delete;
  CallCodec& operator=(const CallCodec&) = delete;

  /// Validates the body as far as it can be without a model.
  /// REQUIRES: net::kBodyPadding readable bytes behind `body`.
  virtual Result<BodyIds> Parse(std::string_view body) = 0;
  /// The body as the inputs of a model, in the signature's order. kInvalidArgument says where it
  /// does not fit. REQUIRES: Parse succeeded.
  virtual Result<CallInputs> Read(const Signature& signature) = 0;
  /// Writes body, status and what the protocol wants of headers. REQUIRES: Read succeeded.
  virtual void WriteAnswer(const CallAnswer& answer, net::Response& response) const = 0;
  /// Replaces the response by the protocol's form of an error, whatever came before.
  virtual void WriteError(const Error& error, std::string_view request_id,
                          net::Response& response) const = 0;

 protected:
  CallCodec() = default;
  ~CallCodec() = default;
};

}  // namespace podium::gateway
