// For tests of calls to language models: a gateway whose providers answer exactly as the test says,
// without a socket and in virtual time.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <latch>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/awaited.h"
#include "base/json.h"
#include "gateway/gateway.h"
#include "journal/attempt_reader.h"
#include "net/answer_fixture.h"
#include "net/memory_exchange.h"
#include "testing/sim_clock.h"
#include "testing/temp_dir.h"
#include "view/stats_registry.h"

namespace podium::gateway {

/// A body that asks route "chat" for a stream.
inline constexpr const char* kAskStream =
    R"({"model":"chat","stream":true,"messages":[{"role":"user","content":"hi"}]})";

/// What one attempt meets.
struct Scripted {
  std::optional<Error> refused;  ///< Instead of an answer.
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<std::string> pieces;  ///< Of the body.
  std::optional<Error> broken;      ///< Behind the pieces, instead of the end.
  std::function<void()> sent = {};  ///< Told, on the core, when it is.
  Awaited* until = nullptr;         ///< Nothing comes before that.
};

inline Scripted Body(std::string body, int status = 200) {
  return {std::nullopt, status, {}, {std::move(body)}, std::nullopt};
}
inline Scripted Pieces(std::vector<std::string> pieces) {
  return {std::nullopt, 200, {}, std::move(pieces), std::nullopt};
}
inline Scripted CutAfter(std::vector<std::string> pieces, Error error) {
  return {std::nullopt, 200, {}, std::move(pieces), std::move(error)};
}
inline Error NetError(net::UpstreamPhase phase, ErrorCode code = ErrorCode::kUnavailable) {
  return {code, "the network's own words", std::string(net::NameOf(phase)), nullptr};
}
inline Scripted Unreachable(Error error) { return {std::move(error), 0, {}, {}, std::nullopt}; }

class ScriptedResponse final : public net::UpstreamResponse {
 public:
  ScriptedResponse(Scripted script, bool& cancelled, std::vector<SteadyTime>& deadlines)
      : script_(std::move(script)), cancelled_(cancelled), deadlines_(deadlines) {
    status_ = script_.status;
    for (const auto& [name, value] : script_.headers) headers_.push_back({name, value});
  }
  Task<Result<std::string_view>> ReadSome() override {
    if (next_ < script_.pieces.size()) co_return std::string_view(script_.pieces[next_++]);
    if (script_.broken) co_return Fail(*script_.broken);
    co_return std::string_view();
  }
  void Cancel() override { cancelled_ = true; }
  void SetDeadline(SteadyTime deadline) override { deadlines_.push_back(deadline); }

 private:
  const Scripted script_;
  bool& cancelled_;
  std::vector<SteadyTime>& deadlines_;
  std::size_t next_ = 0;
};

class ScriptedUpstream final : public net::Upstream {
 public:
  struct Sent {
    std::string host;
    net::UpstreamRequest request;
  };
  Task<Result<std::unique_ptr<net::UpstreamResponse>>> Send(const net::Origin& origin,
                                                            net::UpstreamRequest request) override {
    sent.push_back({origin.host, std::move(request)});
    if (scripts[origin.host].empty()) {
      ADD_FAILURE() << "nothing is scripted for " << origin.host;
      co_return Fail(NetError(net::UpstreamPhase::kConnect));
    }
    Scripted script = std::move(scripts[origin.host].front());
    scripts[origin.host].pop_front();
    if (script.sent) script.sent();
    if (script.until != nullptr) {
      auto wait = script.until->Wait(std::chrono::hours(1));
      (void)co_await std::move(wait);
    }
    if (script.refused) co_return Fail(*script.refused);
    co_return std::make_unique<ScriptedResponse>(std::move(script), cancelled, deadlines);
  }

  std::map<std::string, std::deque<Scripted>> scripts;  ///< By host.
  std::vector<Sent> sent;
  bool cancelled = false;
  std::vector<SteadyTime> deadlines;  ///< That answers were given, in the order of asking for them.
};

inline Task<void> DrainInto(net::BodyStream& stream, std::size_t pieces, std::string& out,
                            std::latch& done) {
  for (std::size_t i = 0; i < pieces; ++i) {
    auto next = stream.Next();
    const Result<std::string_view> piece = co_await std::move(next);
    if (!piece || piece->empty()) break;
    out += *piece;
  }
  done.count_down();
}

/// One core; providers "main", "spare" and "claude" at hosts of these names; route "chat" as the
/// test says.
class LlmWorld {
 public:
  struct Row {
    std::string version;
    std::string provider;
    VersionStatus status = VersionStatus::kPrimary;
    int share_bp = 0;
  };
  struct Options {
    std::vector<Row> rows = {{"v1", "main"}};
    routing::ChainConfig chain = {};
    AttemptPolicy attempts = {.backoff = std::chrono::milliseconds(0)};
    BreakerPolicy breaker = {};
    bool token = false;
    std::size_t max_body_bytes = limits::kMaxLlmBodyBytes;
    std::size_t journal_segments = 8;
    std::vector<CallHook*> hooks = {};
    std::optional<RolloutMark> rollout = {};
    std::optional<ShadowPlan> shadow = {};
    std::optional<ChallengerPlan> challenger = {};
    predictions::CoreLog* log = nullptr;
  };

  LlmWorld() : LlmWorld(Options{}) {}
  explicit LlmWorld(Options options)
      : shadow_(options.shadow),
        challenger_(options.challenger),
        authenticator_(options.token ? auth::Authenticator::WithAdminToken("sixteen-letters!", "k")
                                     : auth::Authenticator::LocalOnly()),
        providers_(Providers(), options.chain),
        journal_(OpenJournal(dir_ / "journal", options.journal_segments)),
        gateway_({authenticator_,
                  clock_,
                  rng_,
                  pool_,
                  recent_,
                  {},
                  LlmShared{providers_,
                            journal_.get(),
                            {{&upstream_}},
                            options.attempts,
                            options.breaker,
                            limits::kLlmTimeout,
                            options.max_body_bytes},
                  options.hooks,
                  {},
                  nullptr,
                  [this](std::size_t, Task<void> task) { beside_->Spawn(std::move(task)); },
                  options.log != nullptr ? std::vector{options.log}
                                         : std::vector<predictions::CoreLog*>()},
                 cells_),
        mark_(options.rollout) {
    if (!options.rows.empty()) Publish(options.rows);
  }
  ~LlmWorld() { pool_.Stop(); }

  /// Of the next Publish.
  void set_rollout(std::optional<RolloutMark> mark) { mark_ = std::move(mark); }
  view::RolloutTallies& tallies() { return tallies_; }
  void Publish(const std::vector<Row>& rows) {
    Route route;
    route.rollout = mark_;
    route.name = RouteName("chat");
    route.salt = "salt";
    route.canary_salt = "canary";
    route.shadow = shadow_;
    route.challenger = challenger_;
    std::vector<ModelVersion> versions;
    for (const Row& row : rows) {
      ModelVersion version;
      version.model_id = ModelId("id-" + row.version);
      version.route = route.name;
      version.version = row.version;
      version.provider_key = row.provider;
      version.upstream_model = "model-" + row.version;
      version.status = row.status;
      if (row.status == VersionStatus::kCanary) version.share = *BasisPoints::From(row.share_bp);
      versions.push_back(std::move(version));
    }
    routing::TableCompiler compiler({"main", "spare", "claude"});
    compiler.Absorb({route}, versions);
    const auto routes = compiler.Compile(Generation(++sequence_));
    view::RouteView view{routes->routes()[0], {}};
    if (mark_) view.tally = tallies_.Of(*mark_);
    for (const ModelVersion& row : view.route->versions) {
      view::VersionServing serving;
      serving.remote = true;
      serving.state = LoadState::kReady;
      serving.stats = stats_.Of(row.model_id, row.route, row.version);
      view.serving.push_back(std::move(serving));
    }
    view.shadows = view::ShadowsOf(view, shadow_tallies_);
    view.challenger = view::ChallengerOf(view, shadow_tallies_);
    cells_[0].Publish(
        std::make_shared<const view::CoreView>(routes, std::vector{std::move(view)}, sequence_));
  }

  void Script(const std::string& host, Scripted script) {
    upstream_.scripts[host].push_back(std::move(script));
  }
  net::Response Ask(std::string_view body, std::string_view headers = "",
                    std::string_view target = "/v1/chat/completions",
                    std::string_view method = "POST") {
    net::MemoryExchange exchange(net::MemoryExchange::Text(method, target, body, headers));
    return Ask(exchange);
  }
  /// `then` once the caller has its answer; copies and challengers may go on.
  net::Response Ask(net::MemoryExchange& exchange, const std::function<void()>& then = {}) {
    net::Response response;
    if (gateway_.TryHandle(exchange, response)) return response;
    net::CorePool core(1);
    std::latch answered(1);
    std::optional<TaskGroup> group;
    core.Run(0, [&] {
      beside_.emplace(core.executor(0));
      group.emplace(core.executor(0));
      group->Spawn(net::AnswerInto(gateway_, exchange, response, answered));
    });
    answered.wait();
    if (then) then();
    core.Stop();  // What was begun beside the call ends first.
    beside_.reset();
    return response;
  }
  view::ShadowTallies& shadow_tallies() { return shadow_tallies_; }
  /// What a caller reads of a stream, at most `pieces` of it.
  static std::string Read(net::Response& response, std::size_t pieces = 1'000) {
    std::string out;
    net::CorePool core(1);
    std::latch done(1);
    std::optional<TaskGroup> group;
    core.Run(0, [&] {
      group.emplace(core.executor(0));
      group->Spawn(DrainInto(*response.stream, pieces, out, done));
    });
    done.wait();
    core.Stop();
    return out;
  }

  /// All attempts that have ended, as the journal tells them: "first main ok", …
  std::vector<journal::Attempt> Attempts() {
    auto reader = journal::AttemptReader::Open(*journal_);
    EXPECT_TRUE(reader);
    auto read = reader->Read(1'000);
    EXPECT_TRUE(read);
    return read ? *std::move(read) : std::vector<journal::Attempt>();
  }
  view::StatsSnapshot Stats(const std::string& version) {
    return stats_.Report(ModelId("id-" + version))->total;
  }
  void SetPrices(std::vector<Price> prices) {
    gateway_.SetPrices(0, std::make_shared<const ledger::PriceBook>(std::move(prices)));
  }
  std::string Metrics() {
    Exposition out;
    gateway_.WriteMetrics(out);
    return out.Take();
  }
  ScriptedUpstream& upstream() { return upstream_; }
  testing::SimClock& clock() { return clock_; }

 private:
  static std::vector<Provider> Providers() {
    std::vector<Provider> all;
    for (const auto& [name, kind] :
         {std::pair("main", ProviderKind::kOpenAi), std::pair("spare", ProviderKind::kOpenAi),
          std::pair("claude", ProviderKind::kAnthropic)}) {
      Provider provider;
      provider.name = name;
      provider.kind = kind;
      provider.origin = {false, name, 80, {}};
      provider.credential = Secret(std::string("secret-of-") + name);
      all.push_back(std::move(provider));
    }
    return all;
  }
  static std::unique_ptr<journal::Journal> OpenJournal(const std::string& root,
                                                       std::size_t segments) {
    journal::JournalOptions options;
    options.root = root;
    options.incarnation = 1;
    options.segment_bytes = 64 * 1024;
    options.segments_per_core = segments;
    options.disk_reserve = 0;
    auto opened = journal::Journal::Open(options);
    EXPECT_TRUE(opened);
    return *std::move(opened);
  }

  testing::TempDir dir_;
  testing::SimClock clock_;
  SeededRng rng_{7};
  WorkerPool pool_{"test", 1, 4};
  view::ShadowTallies shadow_tallies_{1};
  const std::optional<ShadowPlan> shadow_;
  const std::optional<ChallengerPlan> challenger_;
  std::optional<TaskGroup> beside_;  // Of the call that is under way: copies and challengers.
  const auth::Authenticator authenticator_;
  view::StatsRegistry stats_{1};
  view::RecentRequests recent_{1, [](std::size_t, const std::function<void()>& job) { job(); }};
  std::vector<view::ViewCell> cells_ = std::vector<view::ViewCell>(1);
  const ProviderTable providers_;
  std::unique_ptr<journal::Journal> journal_;
  ScriptedUpstream upstream_;
  Gateway gateway_;
  std::uint64_t sequence_ = 0;
  view::RolloutTallies tallies_{1};
  std::optional<RolloutMark> mark_;
};

inline std::string HeaderOf(const net::Response& response, std::string_view name) {
  return std::string(response.headers.Find(name).value_or("-"));
}

}  // namespace podium::gateway
