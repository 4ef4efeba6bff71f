// A program that routes by itself: registry, canary, metrics, promote, rollback, fallback, a canary
// that climbs and a shadow, with no server. It links libpodium and nothing else.
//
//   library_example FILE     FILE is the registry; it is made if it is not there.
#include <podium/canary_controller.h>
#include <podium/metrics.h>
#include <podium/registry.h>
#include <podium/router.h>
#include <podium/shadow_runner.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>

namespace {

const char kName[] = "ranker";
const int kSessions = 10'000;

/// The value, or the end of the example with the reason.
template <typename T>
T Must(podium::Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "library_example: %s\n", result.error().message.c_str());
    std::exit(1);
  }
  return *std::move(result);
}

podium::ModelVersion Register(podium::Registry& registry, const char* version, double auc) {
  podium::NewVersion wanted;
  wanted.name = kName;
  wanted.version = version;
  wanted.path = std::string("models/ranker-") + version + ".onnx";
  wanted.format = "onnx";
  wanted.metrics = {{"auc", auc}};
  return Must(registry.Register(wanted));
}

/// One request of each session: which version it gets, and what a model would have taken.
void Serve(const podium::Registry& registry, podium::MetricsStore& metrics, const char* when) {
  std::map<std::string, int> seen;
  for (int i = 0; i < kSessions; ++i) {
    const podium::Snapshot snapshot = registry.Pin();  // Once per request.
    const std::string session = "session-" + std::to_string(i);
    const podium::Decision decision = snapshot.Choose(kName, {session, {}, {}});
    if (decision.version == nullptr) continue;
    ++seen[decision.version->version];
    // A real program runs the model here and takes the time that it took.
    const auto latency = std::chrono::microseconds(decision.version->version == "v1" ? 900 : 700);
    static_cast<void>(metrics.Record(decision.version->id, podium::Outcome::kOk, latency));
  }
  std::printf("%s:", when);
  for (const auto& [version, count] : seen) std::printf(" %s %d", version.c_str(), count);
  std::printf("\n");
}

void ShowOneDecision(const podium::Registry& registry) {
  const podium::Snapshot snapshot = registry.Pin();
  const podium::Decision decision = snapshot.Choose(kName, {"alice", {}, {}});
  const podium::Split split = Must(snapshot.SplitOf(kName));
  std::printf("alice: reason %s, bucket %s the share of %.2f\n",
              std::string(NameOf(decision.reason)).c_str(),
              decision.bucket < 10'000 * split.canary_weight ? "below" : "not below",
              split.canary_weight);
  const podium::Decision named = snapshot.ChooseVersion(kName, {"alice", {}, {}}, "v2");
  std::printf("alice, asking for v2: %s by %s\n", named.version->version.c_str(),
              std::string(NameOf(named.reason)).c_str());
}

void ShowMetrics(const podium::MetricsStore& metrics, const podium::ModelVersion& version) {
  const podium::ModelMetrics seen = Must(metrics.Get(version.id));
  std::printf("%s: p50 %.1f ms, p99 %.1f ms, error rate %.2f\n", version.version.c_str(),
              seen.latency.p50, seen.latency.p99, seen.error_rate);
}

/// A registry that cannot be asked costs a call its first element, not its answer.
void SurviveABrokenRegistry() {
  podium::RouterOptions options;
  options.routes = {{kName, {"backup", "ranker-stable"}}};
  options.providers = {"backup"};
  const podium::Router router(
      []() -> podium::Result<podium::Snapshot> { throw 42; },  // As bad as an adapter can be.
      options);
  const podium::Answer answer =
      Must(router.Call(kName, {"alice", {}, {}}, [](const podium::Target& target) {
        std::printf("registry broken: asking %s for %s\n", target.upstream.provider.c_str(),
                    target.upstream.model.c_str());
        return podium::Attempt::Answered();
      }));
  std::printf("registry broken: answered by %s\n",
              std::string(NameOf(answer.tried.back().source)).c_str());
}

/// Without a registry: a router whose weight climbs while the challenger's calls succeed.
void Climb() {
  podium::CanaryOptions options;
  options.initial_weight = 0.05;
  options.step_size = 0.15;
  options.max_weight = 0.5;
  options.router =
      std::make_shared<podium::AbRouter>(Must(podium::AbRouter::Create(0.0, "ranker-v2")));
  podium::CanaryController canary = Must(podium::CanaryController::Create(options));
  if (!canary.Start()) std::exit(1);  // A step a minute from now on; here some by hand.
  std::printf("canary climbs:");
  do {
    std::printf(" %.2f", options.router->weight());
    for (int i = 0; i < 100; ++i) i < 2 ? canary.RecordFailure() : canary.RecordSuccess();
  } while (canary.Step());
  canary.RollBack();
  std::printf(", at %.0f %% success; rolled back: %.2f\n", 100 * canary.success_rate(),
              options.router->weight());
}

/// The champion answers; the challenger is asked as well, and compared.
void Compare() {
  podium::ShadowRunner runner = Must(podium::ShadowRunner::Create({}));
  const double answer = Must(runner.RunShadow([]() -> podium::Result<double> { return 0.89; },
                                              []() -> podium::Result<double> { return 0.92; },
                                              [](const podium::ShadowOutcome<double>& both) {
                                                std::printf("shadow: %.2f beside %.2f\n",
                                                            both.challenger_output.value_or(0.0),
                                                            both.champion_output);
                                              }));
  runner.Drain();
  std::printf("shadow: the caller got %.2f\n", answer);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: library_example FILE\n");
    return 2;
  }
  podium::Registry registry = Must(podium::Registry::Open(argv[1]));
  podium::MetricsStore metrics;

  const podium::ModelVersion v1 = Register(registry, "v1", 0.89);
  const podium::ModelVersion v2 = Register(registry, "v2", 0.92);
  const auto again = registry.Register({kName, "v1", v1.id, {}, {}, {}, {}, {}});
  std::printf("registered twice: %s\n", std::string(NameOf(again.error().code)).c_str());
  std::printf("active before an activation: %s\n",
              std::string(NameOf(registry.GetActive(kName).error().code)).c_str());

  Must(registry.Activate(v1.id));
  Serve(registry, metrics, "v1 alone");
  Must(registry.SetCanary(kName, v2.id, 0.05, "first 5 %"));
  Serve(registry, metrics, "canary of 5 %");
  ShowOneDecision(registry);
  ShowMetrics(metrics, v1);
  ShowMetrics(metrics, v2);

  Must(registry.Promote(v2.id, "quicker, and the better auc"));
  Serve(registry, metrics, "promoted");
  const podium::ModelVersion back = Must(registry.RollBack(kName, "on second thoughts"));
  std::printf("rolled back to %s\n", back.version.c_str());
  Serve(registry, metrics, "rolled back");
  for (const podium::AuditEntry& entry : Must(registry.History(kName, 3))) {
    std::printf("audit: %s, %s\n", entry.kind.c_str(), entry.reason.c_str());
  }

  // The file disappears; what serves goes on, and the verbs say why they cannot.
  if (std::rename(argv[1], (std::string(argv[1]) + ".gone").c_str()) != 0) return 1;
  const auto refused = registry.Activate(v2.id);
  std::printf("file gone: activate is %s\n", std::string(NameOf(refused.error().code)).c_str());
  Serve(registry, metrics, "file gone");
  SurviveABrokenRegistry();
  Climb();
  Compare();
  return 0;
}
