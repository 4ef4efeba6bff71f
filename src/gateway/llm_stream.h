// A streamed answer on its way from a provider to a caller.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "gateway/attempt_record.h"
#include "gateway/gateway_core.h"
#include "gateway/llm/provider.h"
#include "gateway/passage.h"
#include "net/body_stream.h"
#include "net/sse_parser.h"
#include "net/upstream.h"

namespace podium::gateway {

/// The provider's bytes in, the caller's frames out.
class StreamPump {
 public:
  explicit StreamPump(std::unique_ptr<llm::StreamTranslator> translator)
      : translator_(std::move(translator)) {}

  /// Everything that `piece` completes. An error: see failure(); nothing more may be fed.
  Status Take(std::string_view piece, std::string& out);
  /// The body has ended as HTTP says.
  Status Finish(std::string& out);
  void Abort(const llm::CallError& error, std::string& out);

  const llm::StreamProgress& progress() const { return translator_->progress(); }
  /// Why Take or Finish failed.
  llm::UpstreamFailure failure() const;

 private:
  Status Remember(Status status);

  net::SseParser parser_;
  std::unique_ptr<llm::StreamTranslator> translator_;
  std::optional<Error> failed_;
};

/// Of an error of an Upstream: how the attempt has failed.
llm::UpstreamFailure FailureOf(const Error& error);

/// INV-14: from its first token on an answer is one provider's; whatever happens to that one, the
/// stream ends in an error frame of the caller's dialect, and never as if it were whole.
/// A caller that leaves while a piece is waited for ends the provider's work too, or else the rest
/// is read for its usage, as DrainPolicy allows.
/// A caller that reads slowly pauses the provider: the next piece is read once the last was taken.
class LlmStream final : public net::BodyStream {
 public:
  struct Parts {
    std::unique_ptr<net::UpstreamResponse> response;
    std::unique_ptr<StreamPump> pump;
    std::unique_ptr<AttemptRecord> record;
    std::string held;    ///< Frames that were written before the stream was handed over.
    bool whole = false;  ///< The answer is all in `held`, and recorded.
    std::optional<llm::UpstreamFailure> broken;  ///< What came behind `held`.
    llm::Surface surface;
  };
  LlmStream(GatewayCore& core, Parts parts);
  ~LlmStream() override;
  /// The call's passage, which ends with the stream. Before the first Next.
  void Own(Passage passage);

  Task<Result<std::string_view>> Next() override;
  std::optional<Result<std::string_view>> TryNext() override;
  std::optional<net::PendingRead> BeginRead(const net::Cancellation& task) override;
  void EndRead(const net::ClientConnection::Came& came, const net::Cancellation& task) override;
  void Cancel() override;

 private:
  void BeginPiece();
  std::optional<Result<std::string_view>> TryPiece();
  bool TakeRead(const Result<std::string_view>& piece);
  void TakePiece(std::string_view piece);
  void EndWhole();
  void Break(const llm::UpstreamFailure& failure);
  bool StartsDrain();
  void Withhold(const Error& error);
  void End();

  GatewayCore& core_;
  std::optional<Passage> passage_;  // Outlives the record, which settles with it.
  Parts parts_;
  std::string out_;
  bool ended_ = false;
  bool left_ = false;      // The caller has.
  bool draining_ = false;  // And what still comes is read for the bill.
  std::size_t drained_ = 0;
};

}  // namespace podium::gateway
