#include "gateway/llm_call.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/log.h"
#include "domain/names.h"
#include "gateway/shadow_copies.h"
#include "gateway/trace_headers.h"
#include "gateway/unix_time.h"
#include "routing/serve_chain.h"

namespace podium::gateway {
namespace {

using routing::ElementSource;
using routing::kNoVersion;
using routing::VersionIndex;

constexpr std::string_view kAuto = "auto";
constexpr std::string_view kStrategies = "podium/";
constexpr std::string_view kWorkflowRun = "x-podium-workflow-run-id";

/// Whether the name asks for a choice among models instead of naming one.
bool Selects(std::string_view model) { return model == kAuto || model.starts_with(kStrategies); }

bool IsRemote(const ModelVersion& version) { return version.provider_key != kLocalProvider; }

std::int64_t Microseconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

}  // namespace

LlmCall::LlmCall(GatewayCore& core, net::Exchange& exchange, llm::Surface surface, Passage& passage)
    : core_(core),
      llm_(*core.llm),
      exchange_(exchange),
      surface_(surface),
      deadline_(exchange.received() + llm_.shared.timeout),
      call_(core, exchange, {}, passage) {}

Task<net::Response> LlmCall::Run() {
  Status prepared;
  if (const auto whole = exchange_.TryBody(llm_.shared.max_body_bytes)) {
    prepared = TakeBody(*whole);
  } else {
    auto read = ReadCall();
    prepared = co_await std::move(read);
  }
  if (prepared) prepared = Prepare();
  if (!prepared) {
    net::Response response;
    Refuse(llm::CallErrorOf(prepared.error()), response);
    co_return response;
  }
  exchange_.WatchCaller([this] { CallerLeft(); });
  auto ask = Ask();
  net::Response response = co_await std::move(ask);
  exchange_.WatchCaller({});
  co_return response;
}

Task<Status> LlmCall::ReadCall() {
  const SteadyTime begun = core_.shared.clock.SteadyNow();
  auto read = exchange_.ReadBody(llm_.shared.max_body_bytes);
  const Result<std::string_view> body = co_await std::move(read);
  const SteadyTime now = core_.shared.clock.SteadyNow();
  waited_ = now - begun;
  deadline_ = now + llm_.shared.timeout;
  co_return TakeBody(body);
}

Status LlmCall::TakeBody(const Result<std::string_view>& body) {
  if (!body) return Fail(body.error());
  body_ = *body;
  return {};
}

Status LlmCall::Prepare() {
  PODIUM_TRY_ASSIGN(fields_, llm_.scanner.Scan(surface_, body_));
  fields_.received_unix = UnixSecondsOf(core_.shared.clock.Now());
  PODIUM_TRY(call_.TakeIds({{}, {}, fields_.user}));
  PODIUM_TRY(CheckText(kWorkflowRun, exchange_.head().Find(kWorkflowRun).value_or(""),
                       limits::kMaxUnitBytes));
  PODIUM_TRY(NameRoute());
  PODIUM_TRY(call_.Admit(body_));
  return Place();
}

void LlmCall::CopyToShadows() {
  const view::RouteView* route = call_.route();
  if (route == nullptr || route->shadows == nullptr || !core_.shared.spawn) return;
  const Candidate& first = candidates_.front();
  if (first.source != ElementSource::kRegistry) return;
  if (!IsPrimarysOwn(*route, call_.decision(), {first.version, first.reason, 1})) return;
  copies_.Make(core_, call_, surface_, body_);
}

void LlmCall::EndCopies(const AttemptEnd& end, std::chrono::nanoseconds time) {
  EndSide(end, time);
  if (attempts_ != 1) return;  // What the primary does when it is asked again, no copy is told of.
  const bool own = at_ == 0 && !leads_;
  if (!own || end.cancelled || end.withheld) {
    return copies_.End(ChampionEnd::kWithdrawn, std::nullopt);
  }
  if (!end.failure) return copies_.End(ChampionEnd::kAnswered, time);
  const bool at_fault = llm::IsProvidersFault(end.failure->kind);
  copies_.End(at_fault ? ChampionEnd::kFailed : ChampionEnd::kWithdrawn, std::nullopt);
}

Task<net::Response> LlmCall::Ask() {
  EnterRollout();
  net::Response response;
  CopyToShadows();
  AskChallenger();
  std::optional<AttemptEnd> answer;
  while (std::optional<Ready> ready = NextReady()) {
    const SteadyTime sent = core_.shared.clock.SteadyNow();
    asking_ = ready->attempt.get();
    auto run = ready->attempt->Run(std::move(ready->request), std::move(ready->terms), deadline_);
    AttemptEnd end = co_await std::move(run);
    asking_ = nullptr;
    const std::chrono::nanoseconds took = core_.shared.clock.SteadyNow() - sent;
    waited_ += took;
    EndCopies(end, took);
    if (!end.failure && !end.cancelled) {
      answer = std::move(end);
      break;
    }
    if (left_ || end.cancelled) {
      Abandon(response);
      co_return response;
    }
    if (!GoesOn(end)) break;
    if (pause_ > std::chrono::nanoseconds::zero()) {
      auto pause = Pause(pause_);
      waited_ += pause_;
      const bool paused = co_await std::move(pause);
      if (paused && !left_) continue;
      Abandon(response);  // The server stops, or nobody waits any more.
      co_return response;
    }
  }
  if (awaits_challenger()) {
    if (attempts_ == 0) challenge_->EndChampion(SideOutcome::kNotAsked, std::nullopt, "");
    auto wait = challenge_->AwaitChallenger(core_.shared.clock, deadline_);
    co_await std::move(wait);
    if (left_) {
      Abandon(response);
      co_return response;
    }
    TakeChallengers(answer);
  }
  if (answer) {
    Answer(*std::move(answer), response);
  } else {
    Refuse(*error_, response);
  }
  co_return response;
}

void LlmCall::CallerLeft() {
  left_ = true;
  if (asking_ != nullptr) asking_->Cancel();
  if (challenge_ != nullptr) challenge_->EndWait();
}

// G2: the header, else what the body calls its model.
Status LlmCall::NameRoute() {
  if (const auto tag = exchange_.head().Find("x-podium-route"); tag && !tag->empty()) {
    PODIUM_TRY(CheckText("X-Podium-Route", *tag, limits::kMaxModelNameBytes));
    call_.set_route(std::string(*tag));
    return {};
  }
  if (Selects(fields_.model) && call_.view().Find(fields_.model) == nullptr) {
    return Fail(Error{ErrorCode::kInvalidArgument,
                      fmt::format("\"{}\" needs a route to choose from: name it in the header "
                                  "X-Podium-Route",
                                  fields_.model),
                      "model", nullptr});
  }
  call_.set_route(fields_.model);
  return {};
}

Status LlmCall::Place() {
  routing::ChainInput input;
  input.tag = call_.route_name();
  if (!Selects(fields_.model)) input.model = fields_.model;
  if (call_.FindRoute() != nullptr) {
    PODIUM_TRY(call_.Assign());
    if (call_.is_override()) {
      const VersionIndex version = call_.decision().version;
      PODIUM_TRY(CheckOverride(version));
      const ModelVersion& row = call_.At(version);
      candidates_ = {{llm_.shared.providers.IndexOf(row.provider_key), row.upstream_model,
                      ElementSource::kRegistry, version, routing::ServeReason::kAssigned}};
      return {};
    }
    input.registry = Registered(input.registry_fallbacks);
  } else if (call_.names_version()) {
    return call_.NoSuchRoute();
  } else if (call_.view().sequence() == 0) {
    input.registry.answer = routing::RegistryAnswer::kBroken;
  }
  const routing::FallbackChain chain = BuildChain(input, llm_.shared.providers.chain());
  PODIUM_TRY(CheckRemote(chain));
  if (chain.elements.empty()) {
    Error error = NextAttempt(chain, {}).error;
    if (error.code == ErrorCode::kNotFound) error = std::move(error).At("model");
    return Fail(std::move(error));
  }
  TakeCandidates(chain);
  return {};
}

// A route of models in this process is no business of any provider, whatever its name says there.
Status LlmCall::CheckRemote(const routing::FallbackChain& chain) const {
  if (call_.route() == nullptr || !call_.assigned()) return {};
  const VersionIndex version = call_.decision().version;
  if (version == kNoVersion || IsRemote(call_.At(version))) return {};
  for (const routing::ChainElement& element : chain.elements) {
    if (element.source == ElementSource::kRegistry) return {};
    if (element.source == ElementSource::kRouteConfig) return {};
  }
  return Fail(Error{ErrorCode::kInvalidArgument,
                    fmt::format("{} is answered by a model in this process: call /predict/{}",
                                call_.route_name(), call_.route_name()),
                    "model", nullptr});
}

// Whoever names a version asks about that version: no other may answer (B3).
Status LlmCall::CheckOverride(VersionIndex version) const {
  const ModelVersion& row = call_.At(version);
  if (!IsRemote(row)) {
    return Fail(ErrorCode::kInvalidArgument,
                "version {} of route {} is a model in this process: call /predict/{}", row.version,
                call_.route_name(), call_.route_name());
  }
  const view::VersionServing& serving = call_.ServingOf(version);
  if (serving.ready()) return {};
  return Fail(ErrorCode::kConflict, "version {} of route {} is not ready here ({})", row.version,
              call_.route_name(),
              call_.for_admin() && !serving.error.empty() ? serving.error : NameOf(serving.state));
}

// What the table assigns, and what of the route may serve instead.
routing::RegistryElement LlmCall::Registered(std::vector<routing::RegistryElement>& others) {
  routing::RegistryElement first{routing::RegistryAnswer::kNoVersion, {}, {}};
  for (const routing::ServeStep& step : routing::ChainOf(call_.decision())) {
    const ModelVersion& row = call_.At(step.version);
    if (!IsRemote(row) || !call_.ServingOf(step.version).ready()) continue;
    routing::RegistryElement element{
        routing::RegistryAnswer::kVersion, {row.provider_key, row.upstream_model}, row.model_id};
    if (first.answer == routing::RegistryAnswer::kVersion) {
      others.push_back(std::move(element));
    } else {
      first = std::move(element);
    }
  }
  return first;
}

void LlmCall::TakeCandidates(const routing::FallbackChain& chain) {
  candidates_.reserve(chain.elements.size());
  for (const routing::ChainElement& element : chain.elements) {
    candidates_.push_back(CandidateOf(element));
  }
}

LlmCall::Candidate LlmCall::CandidateOf(const routing::ChainElement& element) const {
  Candidate candidate;
  candidate.provider = llm_.shared.providers.IndexOf(element.target.provider);
  candidate.upstream_model = element.target.upstream_model;
  candidate.source = element.source;
  if (!element.version) return candidate;
  for (const routing::ServeStep& step : routing::ChainOf(call_.decision())) {
    if (call_.At(step.version).model_id != *element.version) continue;
    candidate.version = step.version;
    candidate.reason = step.reason;
  }
  return candidate;
}

std::optional<LlmCall::Ready> LlmCall::NextReady() {
  for (; at_ < candidates_.size(); ++at_, attempts_here_ = 0) {
    Refusal refusal = Refusal::kNone;
    std::optional<Ready> ready = MakeReady(candidates_[at_], refusal);
    if (ready) return ready;
    if (!PassesOver(candidates_[at_], refusal)) break;
  }
  return std::nullopt;
}

/// Whether the next of the chain may be asked instead of one that could not be.
bool LlmCall::PassesOver(const Candidate& candidate, Refusal refusal) {
  switch (refusal) {
    case Refusal::kNone:
    case Refusal::kJournal:
      return false;
    case Refusal::kUnfit:
      return true;
    case Refusal::kBreaker:
      break;
  }
  if (candidate.reason == routing::ServeReason::kChallenger) return true;
  const AttemptPolicy& policy = llm_.shared.attempts;
  const bool has_next = at_ + 1 < candidates_.size() && attempts_ < policy.max_attempts;
  if (!has_next || !MayFallBack(policy.fallback_on, llm::FailureKind::kOverloaded)) return false;
  llm_.metrics.CountFallback(candidate.provider);
  return true;
}

bool LlmCall::IsAssigned(const Candidate& candidate) const {
  return call_.assigned() && candidate.version != kNoVersion &&
         candidate.version == call_.decision().version;
}

AttemptSubject LlmCall::SubjectOf(const Candidate& candidate) const {
  AttemptSubject subject;
  subject.provider = candidate.provider;
  subject.upstream_model = candidate.upstream_model;
  if (candidate.version != kNoVersion) {
    subject.version = call_.ServingOf(candidate.version).stats;
    subject.canary = call_.is_canary(candidate.version);
    subject.is_override = call_.is_override();
  }
  return subject;
}

/// Asks the candidate's breaker. Whoever names a version wants to know how that one is, and says
/// nothing about how the others fare.
bool LlmCall::AdmitsTo(const Candidate& candidate, AttemptSubject& subject, SteadyTime now) {
  if (call_.is_override()) return true;
  const bool named_here = candidate.source == ElementSource::kRegistry ||
                          candidate.source == ElementSource::kRouteConfig;
  subject.breaker =
      named_here ? &llm_.breakers.Of(core_.index, candidate.provider, candidate.upstream_model)
                 : &llm_.breakers.SharedOf(candidate.provider);
  const auto ticket = subject.breaker->Admit(now);
  if (ticket) subject.ticket = *ticket;
  return ticket.has_value();
}

std::optional<LlmCall::Ready> LlmCall::MakeReady(const Candidate& candidate, Refusal& refusal) {
  const Provider& provider = llm_.shared.providers.At(candidate.provider);
  const SteadyTime now = core_.shared.clock.SteadyNow();
  const auto refuse = [&](Refusal why, llm::CallError error) {
    refusal = why;
    if (!error_ || why == Refusal::kJournal) error_ = std::move(error);
    return std::nullopt;
  };
  AttemptSubject subject = SubjectOf(candidate);
  const llm::ProviderAdapter& adapter = llm_.AdapterOf(provider);
  Result<llm::UpstreamCall> call =
      adapter.Encode(surface_, fields_, body_, candidate.upstream_model, provider.options);
  if (!call) return refuse(Refusal::kUnfit, llm::CallErrorOf(std::move(call).error()));
  if (!AdmitsTo(candidate, subject, now)) {
    llm_.metrics.CountShortCircuit(candidate.provider);
    return refuse(Refusal::kBreaker,
                  llm::CallErrorOf(
                      llm::NoAnswer(llm::FailureKind::kOverloaded, "its circuit breaker is open")));
  }
  const int counted = candidate.reason == routing::ServeReason::kChallenger ? 0 : 1;
  attempts_ += counted;
  attempts_here_ += counted;
  if (IsAssigned(candidate)) subject.rollout = std::move(rollout_);
  auto record = AttemptRecord::Begin(core_, call_.passage(), std::move(subject),
                                     IntentOf(candidate, provider), call->body.size());
  if (!record) {
    attempts_ -= counted;
    return refuse(
        Refusal::kJournal,
        llm::CallErrorOf(Error{ErrorCode::kUnavailable,
                               "the journal of costs is full: try again shortly", "", nullptr}));
  }
  asked_ = &candidate;
  assigned_was_asked_ = assigned_was_asked_ || IsAssigned(candidate);
  llm::AnswerTerms terms = call->terms;
  net::UpstreamRequest request =
      RequestOf(provider, adapter, *std::move(call), PassedOn(provider, *record), now,
                DeadlineOf(candidate, now));
  return Ready{std::make_unique<LlmAttempt>(core_, provider, adapter, std::move(record)),
               std::move(request), std::move(terms)};
}

journal::IntentView LlmCall::IntentOf(const Candidate& candidate, const Provider& provider) const {
  journal::IntentView intent;
  intent.at = core_.shared.clock.Now();
  intent.kind = candidate.reason == routing::ServeReason::kChallenger ? AttemptKind::kChallenger
                : attempts_here_ > 1                                  ? AttemptKind::kRetry
                : attempts_ > 1                                       ? AttemptKind::kFallback
                                                                      : AttemptKind::kFirst;
  intent.number = static_cast<std::uint32_t>(std::max(attempts_, 1));
  intent.route = call_.route_name();
  intent.model = candidate.upstream_model;
  if (candidate.version != kNoVersion) {
    const ModelVersion& row = call_.At(candidate.version);
    intent.version = row.model_id.get();
    if (!row.catalogue_id.empty()) intent.model = row.catalogue_id;
  }
  intent.provider = provider.name;
  intent.upstream_model = candidate.upstream_model;
  intent.request_id = call_.request_id();
  intent.user_id = fields_.user;
  intent.workflow_run_id = exchange_.head().Find(kWorkflowRun).value_or(std::string_view());
  // The most that it can use: a token is at least one byte.
  intent.estimate.uncached_input = static_cast<std::int64_t>(body_.size());
  intent.estimate.output_text =
      surface_ == llm::Surface::kEmbeddings
          ? 0
          : fields_.choices * fields_.max_tokens.value_or(provider.options.default_max_tokens);
  intent.estimate.estimated = true;
  return intent;
}

// N2: what a caller sends reaches a provider only if it stands here; credentials never do.
llm::HeaderList LlmCall::PassedOn(const Provider& provider, const AttemptRecord& record) const {
  static constexpr std::array<std::string_view, 1> kOpenAi = {"openai-beta"};
  static constexpr std::array<std::string_view, 1> kAnthropic = {"anthropic-beta"};
  llm::HeaderList passed;
  const auto pass = [&](const auto& names) {
    for (const std::string_view name : names) {
      if (const auto value = exchange_.head().Find(name)) passed.emplace_back(name, *value);
    }
  };
  const telemetry::SpanId span = record.trace() ? record.trace()->id() : telemetry::SpanId();
  AddTraceHeaders(exchange_.head(), call_.passage().trace(), span, passed);
  if (provider.kind == ProviderKind::kAnthropic) {
    pass(kAnthropic);
  } else {
    pass(kOpenAi);
  }
  return passed;
}

bool LlmCall::GoesOn(const AttemptEnd& end) {
  const llm::UpstreamFailure& failure = *end.failure;
  AddCost(end.cost);
  error_ = llm::CallErrorOf(failure);
  retry_after_ = failure.retry_after;
  const Candidate& candidate = candidates_[at_];
  if (candidate.reason == routing::ServeReason::kChallenger) {
    // D4: whatever has become of it, the champion answers.
    ++at_;
    attempts_here_ = 0;
    pause_ = {};
    return at_ < candidates_.size();
  }
  FailedAttempt failed{failure.kind, false, end.by_our_deadline, failure.retry_after,
                       failure.should_retry};
  AttemptsSoFar so_far{attempts_, attempts_here_, at_ + 1 < candidates_.size(),
                       deadline_ - core_.shared.clock.SteadyNow()};
  const NextStep next =
      AfterFailure(llm_.shared.attempts, failed, so_far, core_.shared.rng.Next64());
  LogWarning("an attempt failed", {{"route", call_.route_name()},
                                   {"provider", llm_.shared.providers.At(candidate.provider).name},
                                   {"model", candidate.upstream_model},
                                   {"kind", NameOf(failure.kind)},
                                   {"status", failure.status},
                                   {"detail", failure.detail},
                                   {"then", NameOf(next.move)},
                                   {"request_id", call_.request_id()}});
  pause_ = next.pause;
  switch (next.move) {
    case NextMove::kRetry:
      llm_.metrics.CountRetry(candidate.provider);
      return true;
    case NextMove::kFallBack:
      llm_.metrics.CountFallback(candidate.provider);
      ++at_;
      attempts_here_ = 0;
      return true;
    case NextMove::kGiveUp:
      return false;
  }
  return false;
}

void LlmCall::AddCost(std::optional<NanoUsd> cost) {
  cost_known_ = cost_known_ && cost.has_value();
  if (cost) cost_ = AddUpTo(cost_, *cost);
}

void LlmCall::Answer(AttemptEnd end, net::Response& response) {
  const bool streams = end.stream != nullptr;
  const bool is_over = !streams || end.cost.has_value();
  if (is_over) AddCost(end.cost);
  if (end.withheld) return Refuse(llm::CallErrorOf(*std::move(end.withheld)), response);
  if (!streams) {
    response.body = std::move(end.body);
    llm_.metrics.CountCall(surface_, CallOutcome::kOk);
  }
  CountNotServed();
  AddHeaders(response);
  if (is_over && cost_known_) {
    response.headers.Add("x-podium-cost-usd", FormatMicroUsd(cost_));
  }
  llm_.metrics.RecordOverhead(Overhead());
  if (!streams) return call_.Finish(ServingNow(), response.status);
  call_.Remember(ServingNow(), response.status);
  response.content_type = "text/event-stream";
  response.headers.Add("Cache-Control", "no-cache");
  end.stream->Own(std::move(call_.passage()));
  response.stream = std::move(end.stream);
  llm_.metrics.RecordFirstToken(core_.shared.clock.SteadyNow() - exchange_.received());
}

// Nobody is there to read it, but for a server that stops: what was counted is what matters.
void LlmCall::Abandon(net::Response& response) {
  WithdrawChallenge();
  Refuse(llm::CallErrorOf(
             Error{ErrorCode::kUnavailable, "the server is stopping: try again", "", nullptr}),
         response);
}

void LlmCall::Refuse(const llm::CallError& error, net::Response& response) {
  if (asked_ == nullptr) WithdrawChallenge();
  core_.CountRejected(error.error.code);
  llm_.metrics.CountCall(surface_, left_                  ? CallOutcome::kLeft
                                   : error.status() < 500 ? CallOutcome::kRefused
                                                          : CallOutcome::kFailed);
  call_.RequireRequestId();
  response.Clear();
  response.status = error.status();
  llm::AppendError(surface_, error, response.body);
  if (TraitsOf(error.error.code).retryable && error.error.code != ErrorCode::kInternal) {
    const auto seconds = retry_after_
                             ? std::chrono::ceil<std::chrono::seconds>(*retry_after_).count()
                             : kRetryAfterSeconds;
    response.headers.Add("Retry-After", seconds);
  }
  CountNotServed();
  AddHeaders(response);
  call_.Finish(ServingNow(), response.status);
}

// The champion of a challenger that leads is asked beside it.
void LlmCall::CountNotServed() const {
  const bool beside = leads_ && asked_ == &candidates_.front();
  if (assigned_was_asked_ || beside) return;
  call_.CountNotServed(asked_ != nullptr ? asked_->version : kNoVersion);
}

Serving LlmCall::ServingNow() const {
  Serving serving;
  serving.attempts = attempts_;
  if (asked_ == nullptr) return serving;
  if (asked_->reason == routing::ServeReason::kChallenger) serving.attempts = 1;
  serving.version = asked_->version;
  serving.reason = asked_->reason;
  return serving;
}

std::chrono::nanoseconds LlmCall::Overhead() const {
  return core_.shared.clock.SteadyNow() - exchange_.received() - waited_;
}

void LlmCall::AddHeaders(net::Response& response) const {
  net::ResponseHeaders& headers = response.headers;
  call_.AddHeaders(response);
  // What Anthropic's SDK reads.
  if (surface_ == llm::Surface::kMessages) headers.Add("request-id", call_.request_id());
  if (call_.route() == nullptr && !call_.route_name().empty()) {
    headers.Add("x-podium-route", call_.route_name());
    headers.Add("x-podium-generation", static_cast<std::int64_t>(call_.view().generation().get()));
  }
  headers.Add("x-podium-overhead-us", Microseconds(Overhead()));
  if (asked_ != nullptr && asked_->source != ElementSource::kRegistry) {
    headers.Add("x-podium-reason", NameOf(asked_->source));
    headers.Add("x-podium-attempts", attempts_);
    headers.Add("x-podium-model", asked_->upstream_model);
    headers.Add("x-podium-canary", "false");
  } else if (call_.assigned()) {
    call_.AddServingHeaders(ServingNow(), response);
  }
}

}  // namespace podium::gateway
