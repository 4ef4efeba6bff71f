#include "gateway/llm_stream.h"

#include <chrono>
#include <utility>

#include "base/log.h"

namespace podium::gateway {
namespace {

// Between two pieces a stream keeps no more than this.
constexpr std::size_t kKeptOutBytes = 4 * 1024;
// For the end of the connection, once the provider has said that its answer is whole.
constexpr std::chrono::seconds kEndPatience{1};
constexpr int kStreamStatus = 200;

Failure NobodyReads() { return Fail(ErrorCode::kUnavailable, "the caller has left"); }

}  // namespace

Status StreamPump::Remember(Status status) {
  if (!status) failed_ = status.error();
  return status;
}

Status StreamPump::Take(std::string_view piece, std::string& out) {
  parser_.Feed(piece);
  for (;;) {
    const Result<std::optional<net::SseEvent>> event = parser_.Next();
    if (!event) return Remember(Fail(event.error()));
    if (!*event) return {};
    if (translator_->progress().ended) continue;  // The answer is whole: this is none of it.
    PODIUM_TRY(Remember(translator_->Feed((*event)->name, (*event)->data, out)));
  }
}

Status StreamPump::Finish(std::string& out) { return Remember(translator_->Finish(out)); }

void StreamPump::Abort(const llm::CallError& error, std::string& out) {
  translator_->Abort(error, out);
}

llm::UpstreamFailure StreamPump::failure() const {
  if (progress().failure) return *progress().failure;
  return llm::Unreadable(failed_ ? failed_->message : "it made no sense");
}

llm::UpstreamFailure FailureOf(const Error& error) {
  if (net::IsOurs(error)) return llm::NoAnswer(llm::FailureKind::kNotSent, Describe(error));
  if (error.code == ErrorCode::kDeadline) {
    return llm::NoAnswer(llm::FailureKind::kTimeout, Describe(error));
  }
  const auto phase = net::PhaseOf(error);
  const bool cut = phase == net::UpstreamPhase::kHead || phase == net::UpstreamPhase::kBody;
  return cut ? llm::Unreadable(Describe(error))
             : llm::NoAnswer(llm::FailureKind::kUnreachable, Describe(error));
}

LlmStream::LlmStream(GatewayCore& core, Parts parts) : core_(core), parts_(std::move(parts)) {
  if (parts_.whole) End();
}

LlmStream::~LlmStream() {
  if (draining_) --core_.llm->draining;
  if (!ended_) {
    core_.llm->metrics.CountCall(parts_.surface, CallOutcome::kLeft);
    parts_.record->set_output_bytes(parts_.pump->progress().output_bytes);
    parts_.record->CallerLeft(parts_.pump->progress().usage);
  }
  if (passage_) passage_->Record(kStreamStatus);
}

void LlmStream::Own(Passage passage) {
  passage_ = std::move(passage);
  parts_.record->set_passage(*passage_);
}

Task<Result<std::string_view>> LlmStream::Next() {
  BeginPiece();
  for (;;) {
    if (auto piece = TryPiece()) co_return *std::move(piece);
    auto read = parts_.response->ReadSome();
    const Result<std::string_view> came = co_await std::move(read);
    if (!TakeRead(came)) co_return NobodyReads();
  }
}

std::optional<Result<std::string_view>> LlmStream::TryNext() {
  BeginPiece();
  return TryPiece();
}

std::optional<net::PendingRead> LlmStream::BeginRead(const net::Cancellation& task) {
  return parts_.response->BeginRead(task);
}

void LlmStream::EndRead(const net::ClientConnection::Came& came, const net::Cancellation& task) {
  parts_.response->EndRead(came, task);
}

void LlmStream::BeginPiece() {
  if (out_.capacity() > kKeptOutBytes) out_ = std::string();
  out_.clear();
  if (!parts_.held.empty()) out_ = std::exchange(parts_.held, {});
  if (out_.empty() && parts_.broken && !ended_) Break(*parts_.broken);
}

/// The caller's next frames, or that there will be none; nullopt while the provider is waited for.
std::optional<Result<std::string_view>> LlmStream::TryPiece() {
  while (!ended_ && (out_.empty() || draining_)) {
    if (draining_) {
      out_.clear();
      if (drained_ > core_.llm->shared.drain.bytes) return NobodyReads();
    }
    const std::optional<std::string_view> came = parts_.response->TryRead();
    if (!came) return std::nullopt;
    if (!TakeRead(*came)) return NobodyReads();
  }
  if (out_.empty() || parts_.whole) return out_;  // A whole one was judged as such.
  if (const Status safe = passage_->SafetyOut(out_); !safe) Withhold(safe.error());
  return out_;
}

/// What was read of the provider, or how it ended. False: nobody reads any more.
bool LlmStream::TakeRead(const Result<std::string_view>& piece) {
  if (piece && !piece->empty()) {
    if (draining_) drained_ += piece->size();
    TakePiece(*piece);
  } else if (piece || parts_.pump->progress().ended) {
    // After the provider's own end, how its connection ends says nothing.
    EndWhole();
  } else if (left_ || net::WasCancelled(piece.error())) {
    return false;
  } else {
    Break(FailureOf(piece.error()));
  }
  return true;
}

void LlmStream::TakePiece(std::string_view piece) {
  const bool had_ended = parts_.pump->progress().ended;
  if (AttemptTrace* trace = parts_.record->trace()) {
    trace->AddChunk(core_.shared.clock.SteadyNow());
  }
  if (!parts_.pump->Take(piece, out_)) return Break(parts_.pump->failure());
  if (had_ended || draining_ || !parts_.pump->progress().ended) return;
  // The answer is whole; its connection is worth a moment, not more.
  parts_.response->SetDeadline(core_.shared.clock.SteadyNow() + kEndPatience);
}

void LlmStream::EndWhole() {
  if (!parts_.pump->Finish(out_)) return Break(parts_.pump->failure());
  parts_.record->set_output_bytes(parts_.pump->progress().output_bytes);
  parts_.record->Answered(parts_.pump->progress().usage, parts_.pump->progress().finish);
  core_.llm->metrics.CountCall(parts_.surface, left_ ? CallOutcome::kLeft : CallOutcome::kOk);
  End();
}

void LlmStream::Break(const llm::UpstreamFailure& failure) {
  LogWarning("a stream broke", {{"kind", NameOf(failure.kind)}, {"detail", failure.detail}});
  parts_.pump->Abort(llm::CallErrorOf(failure), out_);
  parts_.record->set_output_bytes(parts_.pump->progress().output_bytes);
  parts_.record->Failed(failure, true, parts_.pump->progress().usage);
  core_.llm->metrics.CountCall(parts_.surface, CallOutcome::kCut);
  End();
}

/// Instead of what must not go out.
void LlmStream::Withhold(const Error& error) {
  LogWarning("a stream was stopped", {{"error", Describe(error)}});
  out_.clear();
  parts_.pump->Abort(llm::CallErrorOf(error), out_);
  if (ended_) return;
  parts_.record->set_output_bytes(parts_.pump->progress().output_bytes);
  parts_.record->CallerLeft(parts_.pump->progress().usage);
  core_.llm->metrics.CountCall(parts_.surface, CallOutcome::kCut);
  End();
}

void LlmStream::End() {
  ended_ = true;
  parts_.response.reset();
}

void LlmStream::Cancel() {
  left_ = true;
  if (parts_.response && !StartsDrain()) parts_.response->Cancel();
}

bool LlmStream::StartsDrain() {
  const DrainPolicy& policy = core_.llm->shared.drain;
  if (core_.llm->draining >= policy.streams) return false;
  draining_ = true;
  ++core_.llm->draining;
  parts_.response->SetDeadline(core_.shared.clock.SteadyNow() + policy.time);
  return true;
}

}  // namespace podium::gateway
