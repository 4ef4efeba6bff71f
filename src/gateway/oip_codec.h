// The Open Inference Protocol v2 over REST, with the binary tensor extension, as a codec.
//
// NaN and infinities in an output that is wanted as JSON are written as null, as /predict does: one
// such value must not take the answers of the other rows with it. Binary data carry them as they
// are.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gateway/call_codec.h"
#include "gateway/json_body.h"
#include "gateway/oip_request.h"
#include "net/byte_buffer.h"
#include "net/http_head.h"

namespace podium::gateway {

/// What parsing needs and every request of a core may use again.
struct OipWorkspace {
  JsonBody json;
  net::ByteBuffer unpacked;  ///< The body without its Content-Encoding.
};

/// `{"error": "…"}`: the shape of every error under /v2.
void WriteOipError(const Error& error, net::Response& response);

class OipCodec final : public CallCodec {
 public:
  /// `max_body_bytes` bounds what a compressed body may unpack to. All references outlive this.
  OipCodec(OipWorkspace& workspace, const net::RequestHead& head, std::size_t max_body_bytes)
      : workspace_(workspace), head_(head), max_body_bytes_(max_body_bytes) {}

  Result<BodyIds> Parse(std::string_view body) override;
  Result<CallInputs> Read(const Signature& signature) override;
  void WriteAnswer(const CallAnswer& answer, net::Response& response) const override;
  void WriteError(const Error& error, std::string_view request_id,
                  net::Response& response) const override;

 private:
  /// One output of the answer, by its place in the signature.
  struct Selected {
    std::size_t index;
    bool binary;
  };
  Result<std::string_view> Unpacked(std::string_view body);
  Status SelectOutputs(const Signature& signature);

  OipWorkspace& workspace_;
  const net::RequestHead& head_;
  const std::size_t max_body_bytes_;
  OipRequest request_;  // Views into the workspace: of use until Read returns.
  std::size_t body_bytes_ = 0;
  bool has_id_ = false;
  std::string id_;
  std::vector<Selected> outputs_;
};

}  // namespace podium::gateway
