// One copy at one provider. Beside LlmAttempt since it owes nobody an answer: no hook is asked, no
// breaker told, no call or version counted; what it costs is journalled as a shadow's.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "gateway/attempt_record.h"
#include "gateway/llm_attempt.h"
#include "gateway/llm_copies.h"
#include "gateway/llm_stream.h"
#include "gateway/unix_time.h"
#include "gateway/whole_body.h"

namespace podium::gateway {
namespace {

CopyEnd FailedBy(const Error& error) {
  CopyEnd end;
  end.error = error;
  end.timed_out = error.code == ErrorCode::kDeadline;
  end.cancelled = net::WasCancelled(error);
  const auto phase = net::PhaseOf(error);
  end.billed = phase == net::UpstreamPhase::kSent || phase == net::UpstreamPhase::kHead ||
               phase == net::UpstreamPhase::kBody;
  return end;
}

CopyEnd FailedBy(const llm::UpstreamFailure& failure) {
  CopyEnd end;
  end.error = Error{ErrorCode::kUnavailable,
                    fmt::format("{} ({})", NameOf(failure.kind), failure.status), "", nullptr};
  end.timed_out = failure.kind == llm::FailureKind::kTimeout;
  end.billed = failure.kind == llm::FailureKind::kUnreadable;
  return end;
}

/// Of a stream that has broken. What was read of it was worked for, whoever broke it.
CopyEnd BrokenStream(CopyEnd end, const llm::StreamProgress& seen) {
  end.billed = end.billed || seen.has_output || seen.usage.input_tokens() > 0;
  end.usage = seen.usage;
  end.output_bytes = seen.output_bytes;
  return end;
}

class CopyCall {
 public:
  CopyCall(GatewayCore& core, std::unique_ptr<LlmCopy> copy)
      : core_(core),
        llm_(*core.llm),
        copy_(std::move(copy)),
        provider_(llm_.shared.providers.At(copy_->provider)),
        adapter_(llm_.AdapterOf(provider_)) {}

  Task<void> Run() {
    const std::optional<view::ShadowShed> shed = Begin();
    if (shed) copy_->tally->CountShed(*shed);
    if (!open_) {
      CopyEnd end;
      end.sent = !shed;
      end.error = Error{ErrorCode::kInvalidArgument, "it cannot be asked this", "", nullptr};
      copy_->ended(std::move(end));
      co_return;
    }
    begun_ = core_.shared.clock.SteadyNow();
    auto ask = Ask();
    CopyEnd end = co_await std::move(ask);
    Account(end);
    if (end.error && !end.cancelled) NoteError(*end.error);
    copy_->ended(std::move(end));
  }

 private:
  std::string_view body() const { return {copy_->body.data(), copy_->size}; }
  SteadyTime Now() const { return core_.shared.clock.SteadyNow(); }

  // Everything up to the intent; why it is not sent, if it is not.
  std::optional<view::ShadowShed> Begin() {
    const BoardedBreaker& breaker =
        llm_.breakers.Of(core_.index, copy_->provider, copy_->upstream_model);
    if (breaker.state(Now()) != BreakerState::kClosed) return view::ShadowShed::kFull;
    Result<llm::RequestFields> fields = llm_.scanner.Scan(copy_->surface, body());
    if (!fields) return view::ShadowShed::kSize;
    fields->received_unix = UnixSecondsOf(core_.shared.clock.Now());
    Result<llm::UpstreamCall> call =
        adapter_.Encode(copy_->surface, *fields, body(), copy_->upstream_model, provider_.options);
    if (!call) {
      // It has no words for what the caller wants: as if it had been asked and had failed.
      NoteError(call.error());
      return std::nullopt;
    }
    call_ = *std::move(call);
    return WriteIntent(*fields);
  }

  // INV-11: the intent is in the journal, and its most is held of the budget, before a byte goes.
  std::optional<view::ShadowShed> WriteIntent(const llm::RequestFields& fields) {
    // The rest is for calls that somebody waits for.
    if (llm_.writer == nullptr || !llm_.writer->IsHalfFree()) return view::ShadowShed::kFull;
    journal::IntentView intent;
    intent.at = core_.shared.clock.Now();
    intent.kind = copy_->kind;
    intent.route = copy_->route;
    intent.model = copy_->model;
    intent.version = copy_->version;
    intent.provider = provider_.name;
    intent.upstream_model = copy_->upstream_model;
    intent.request_id = copy_->request_id;
    intent.user_id = copy_->user_id;
    intent.estimate.uncached_input = static_cast<std::int64_t>(copy_->size);
    intent.estimate.output_text =
        copy_->surface == llm::Surface::kEmbeddings
            ? 0
            : fields.choices * fields.max_tokens.value_or(provider_.options.default_max_tokens);
    intent.estimate.estimated = true;
    const ledger::Cost most =
        llm_.prices->CostOf(intent.estimate, intent.provider, intent.upstream_model, intent.at);
    intent.estimated_cost = most.amount;
    intent.price_id = most.price_id;
    held_ = most.amount.value_or(NanoUsd());
    if (copy_->budget != nullptr && (copy_->daily_cap == NanoUsd() ||
                                     !copy_->budget->Hold(held_, copy_->daily_cap, intent.at))) {
      return view::ShadowShed::kCost;
    }
    open_ = journal::WriteIntent(*llm_.writer, intent);
    if (open_) return std::nullopt;
    if (copy_->budget != nullptr) copy_->budget->Settle(held_, NanoUsd(), intent.at);
    return view::ShadowShed::kFull;
  }

  Task<CopyEnd> Ask() {
    net::UpstreamRequest request =
        RequestOf(provider_, adapter_, call_, {}, begun_, begun_ + llm_.shared.timeout);
    const llm::AnswerTerms terms = std::move(call_.terms);
    auto send = llm_.UpstreamOf(provider_).Send(provider_.origin, std::move(request));
    Result<std::unique_ptr<net::UpstreamResponse>> sent = co_await std::move(send);
    if (!sent) co_return FailedBy(sent.error());
    response_ = *std::move(sent);
    const bool refused = response_->status() < 200 || response_->status() > 299;
    auto read = terms.stream && !refused ? Stream(terms) : Whole(terms, refused);
    co_return co_await std::move(read);
  }

  Task<CopyEnd> Whole(llm::AnswerTerms terms, bool refused) {
    const std::size_t limit = refused ? limits::kMaxUpstreamErrorBytes : limits::kMaxLlmAnswerBytes;
    WholeBody body(limit);
    while (!body.is_over()) {
      auto read = response_->ReadSome();
      body.Take(co_await std::move(read));
    }
    Result<std::string> text = body.Text();
    if (!text && text.error().code == ErrorCode::kTooLarge) {
      co_return FailedBy(llm::Unreadable(text.error().message));
    }
    if (!text) co_return FailedBy(text.error());
    std::string& answer = *text;
    if (refused) {
      co_return FailedBy(adapter_.Classify(response_->status(), response_->headers(), answer));
    }
    llm::Answer decoded = adapter_.Decode(terms, response_->headers(), answer);
    if (decoded.failure) co_return FailedBy(*decoded.failure);
    CopyEnd end;
    end.usage = decoded.usage;
    end.output_bytes = answer.size();
    end.time = Now() - begun_;
    if (copy_->keeps_answer) {
      end.answer = decoded.body ? *std::move(decoded.body) : std::move(answer);
    }
    co_return end;
  }

  Task<CopyEnd> Stream(llm::AnswerTerms terms) {
    StreamPump pump(adapter_.Translate(std::move(terms)));
    std::optional<std::chrono::nanoseconds> first;
    std::string out;
    CopyEnd end;
    bool keeps = copy_->keeps_answer;
    for (bool whole = false; !whole;) {
      auto read = response_->ReadSome();
      const Result<std::string_view> piece = co_await std::move(read);
      if (!piece) co_return BrokenStream(FailedBy(piece.error()), pump.progress());
      whole = piece->empty();
      out.clear();
      const Status taken = whole ? pump.Finish(out) : pump.Take(*piece, out);
      if (!taken) co_return BrokenStream(FailedBy(pump.failure()), pump.progress());
      keeps = keeps && end.answer.size() + out.size() <= limits::kMaxShadowBodyBytes;
      end.answer = keeps ? std::move(end.answer) + out : std::string();
      if (first || !pump.progress().has_output) continue;
      first = Now() - begun_;
      // Up to here it had the time of a first token alone, as a caller's own stream.
      response_->SetDeadline(
          std::min(begun_ + llm_.shared.timeout, Now() + provider_.timeouts.total));
    }
    end.usage = pump.progress().usage;
    end.output_bytes = pump.progress().output_bytes;
    end.time = first;
    co_return end;
  }

  // INV-11: once.
  void Account(const CopyEnd& end) {
    journal::Outcome outcome;
    outcome.ended = core_.shared.clock.Now();
    outcome.status = !end.error      ? AttemptStatus::kOk
                     : end.cancelled ? AttemptStatus::kCancelled
                     : end.timed_out ? AttemptStatus::kTimeout
                                     : AttemptStatus::kError;
    outcome.usage = end.usage;
    outcome.usage.estimated = end.error ? end.billed : end.usage.estimated;
    if (end.error && !end.billed) outcome.usage = TokenUsage();
    if (outcome.usage.estimated) {
      outcome.usage = CompleteUsage(outcome.usage, copy_->size, end.output_bytes);
    }
    const ledger::Cost cost =
        llm_.prices->CostOf(outcome.usage, provider_.name, copy_->upstream_model, outcome.ended);
    outcome.cost = cost.amount;
    outcome.price_id = cost.price_id;
    journal::WriteOutcome(*llm_.writer, *open_, outcome);
    const NanoUsd spent = cost.amount.value_or(NanoUsd());
    if (copy_->budget != nullptr) copy_->budget->Settle(held_, spent, outcome.ended);
    copy_->tally->CountCost(spent);
  }

  void NoteError(const Error& error) {
    view::ShadowTally& tally = *copy_->tally;
    if (!copy_->counts_errors || !tally.CountError(Now())) return;
    LogWarning("a copy has failed; errors of its kind are counted, and logged now and then",
               {{"route", copy_->route},
                {"kind", NameOf(copy_->kind)},
                {"model_id", copy_->version},
                {"provider", provider_.name},
                {"error", Describe(error)}});
  }

  GatewayCore& core_;
  LlmCore& llm_;
  const std::unique_ptr<LlmCopy> copy_;
  const Provider& provider_;
  const llm::ProviderAdapter& adapter_;
  llm::UpstreamCall call_;
  NanoUsd held_;
  std::optional<journal::OpenAttempt> open_;
  SteadyTime begun_{};
  std::unique_ptr<net::UpstreamResponse> response_;
};

}  // namespace

Task<void> CarryCopy(GatewayCore& core, std::unique_ptr<LlmCopy> copy) {
  // The call that it copies goes out first.
  auto turn = Pause(std::chrono::nanoseconds(1));
  const bool goes_on = co_await std::move(turn);
  std::size_t& under_way =
      copy->kind == AttemptKind::kShadow ? core.shadow_calls : core.challenger_calls;
  if (goes_on) {
    CopyCall call(core, std::move(copy));
    auto run = call.Run();
    co_await std::move(run);
  }
  --under_way;
}

}  // namespace podium::gateway
