#include "routing/ab_router.h"

#include <atomic>
#include <utility>

#include "domain/names.h"
#include "routing/bucket.h"

namespace podium::routing {
namespace {

constexpr std::size_t kCacheLine = 64;

Status CheckWeight(double weight) {
  // Negated, so that NaN fails too.
  if (!(weight >= 0.0 && weight <= 1.0)) {
    return Fail(ErrorCode::kInvalidArgument, "a weight is within 0 and 1, not {}", weight);
  }
  return {};
}

// The upper 53 bits as a fraction in [0, 1): exact in a double, and always below a weight of 1.
double Fraction(std::uint64_t hash) { return static_cast<double>(hash >> 11) * 0x1p-53; }

}  // namespace

struct AbRouter::State {
  std::string salt;
  std::atomic<double> weight;
  // Apart, so that threads with different answers do not share a line.
  alignas(kCacheLine) std::atomic<std::uint64_t> champion_requests{0};
  alignas(kCacheLine) std::atomic<std::uint64_t> challenger_requests{0};
};

Result<AbRouter> AbRouter::Create(double challenger_weight, std::string salt) {
  PODIUM_TRY(CheckWeight(challenger_weight));
  PODIUM_TRY(CheckSalt(salt));
  auto state = std::make_unique<State>();
  state->salt = std::move(salt);
  state->weight = challenger_weight;
  return AbRouter(std::move(state));
}

AbRouter::AbRouter(std::unique_ptr<State> state) : state_(std::move(state)) {}
AbRouter::AbRouter(AbRouter&&) noexcept = default;
AbRouter& AbRouter::operator=(AbRouter&&) noexcept = default;
AbRouter::~AbRouter() = default;

AbSide AbRouter::Route(std::string_view key) {
  const double fraction = Fraction(BucketOf(Layer::kArms, state_->salt, key).hash);
  if (fraction < state_->weight.load(std::memory_order_relaxed)) {
    state_->challenger_requests.fetch_add(1, std::memory_order_relaxed);
    return AbSide::kChallenger;
  }
  state_->champion_requests.fetch_add(1, std::memory_order_relaxed);
  return AbSide::kChampion;
}

Status AbRouter::SetWeight(double challenger_weight) {
  PODIUM_TRY(CheckWeight(challenger_weight));
  state_->weight.store(challenger_weight, std::memory_order_relaxed);
  return {};
}

double AbRouter::weight() const { return state_->weight.load(std::memory_order_relaxed); }

std::uint64_t AbRouter::champion_requests() const {
  return state_->champion_requests.load(std::memory_order_relaxed);
}

std::uint64_t AbRouter::challenger_requests() const {
  return state_->challenger_requests.load(std::memory_order_relaxed);
}

}  // namespace podium::routing
