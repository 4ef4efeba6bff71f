#include <podium/ab_router.h>

#include <utility>

#include "embed/convert.h"
#include "routing/ab_router.h"

namespace podium::v1 {

class AbRouter::Impl {
 public:
  explicit Impl(routing::AbRouter made) : router(std::move(made)) {}
  routing::AbRouter router;
};

Result<AbRouter> AbRouter::Create(double challenger_weight, std::string salt) {
  auto made = routing::AbRouter::Create(challenger_weight, std::move(salt));
  if (!made) return Refuse(made.error());
  return AbRouter(std::make_unique<Impl>(*std::move(made)));
}

AbRouter::AbRouter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AbRouter::AbRouter(AbRouter&&) noexcept = default;
AbRouter& AbRouter::operator=(AbRouter&&) noexcept = default;
AbRouter::~AbRouter() = default;

Side AbRouter::Route(std::string_view key) {
  return impl_->router.Route(key) == routing::AbSide::kChallenger ? Side::kChallenger
                                                                  : Side::kChampion;
}

Status AbRouter::SetWeight(double challenger_weight) {
  return PublicResult<void>(impl_->router.SetWeight(challenger_weight));
}

double AbRouter::weight() const { return impl_->router.weight(); }
std::uint64_t AbRouter::champion_requests() const { return impl_->router.champion_requests(); }
std::uint64_t AbRouter::challenger_requests() const { return impl_->router.challenger_requests(); }

}  // namespace podium::v1
