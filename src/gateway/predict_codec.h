// JSON rows to tensors and back, for /predict.
//
// Request: {"rows": [[…], …] or [{column: value}, …], "session_id"?, "request_id"?}. Every value of
// the body is validated, used or not. Response: {"predictions": first output, one entry per row,
// "outputs": {name: …} of the others, "model", "version"}. NaN and infinities, which JSON does not
// have, are written as null.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/tensor.h"
#include "gateway/call_codec.h"

namespace podium::gateway {

/// Views into it are valid until its next Parse.
/// Threads: one per core; Parse and ToTensors without a suspension between them.
class PredictDecoder {
 public:
  PredictDecoder();
  ~PredictDecoder();
  PredictDecoder(const PredictDecoder&) = delete;
  PredictDecoder& operator=(const PredictDecoder&) = delete;

  /// Parses and validates the whole body. kInvalidArgument says what and where (a JSON pointer).
  /// REQUIRES: net::kBodyPadding readable bytes behind `body`.
  Result<BodyIds> Parse(std::string_view body);
  /// Rows of the last body that parsed.
  std::size_t rows() const;
  /// Those rows as the inputs of a model, in the signature's order.
  /// kInvalidArgument names row, column, what was wanted and what was given.
  Result<std::vector<Tensor>> ToTensors(const Signature& signature) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Appends the response body to `out`. REQUIRES: at least one output.
void EncodePredictions(const std::vector<Tensor>& outputs, std::size_t rows, std::string_view model,
                       std::string_view version, std::string& out);

/// /predict: JSON rows, problem details.
class PredictCodec final : public CallCodec {
 public:
  explicit PredictCodec(PredictDecoder& decoder) : decoder_(decoder) {}
  Result<BodyIds> Parse(std::string_view body) override { return decoder_.Parse(body); }
  Result<CallInputs> Read(const Signature& signature) override;
  void WriteAnswer(const CallAnswer& answer, net::Response& response) const override;
  void WriteError(const Error& error, std::string_view request_id,
                  net::Response& response) const override;

 private:
  PredictDecoder& decoder_;
};

}  // namespace podium::gateway
