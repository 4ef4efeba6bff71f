#include "view/core_view.h"

#include <utility>

#include "base/assert.h"

namespace podium::view {

CoreView::CoreView(std::shared_ptr<const routing::RoutesPart> routes, std::vector<RouteView> views,
                   std::uint64_t sequence)
    : routes_(std::move(routes)), views_(std::move(views)), sequence_(sequence) {
  PODIUM_ASSERT(views_.size() == routes_->routes().size());
  for (std::size_t i = 0; i < views_.size(); ++i) {
    PODIUM_ASSERT(views_[i].route == routes_->routes()[i]);
    PODIUM_ASSERT(views_[i].serving.size() == views_[i].route->versions.size());
  }
}

ViewCell::ViewCell()
    : current_(std::make_shared<const CoreView>(std::make_shared<const routing::RoutesPart>(),
                                                std::vector<RouteView>{}, 0)) {}

void ViewCell::Publish(const ViewPtr& next) {
  PODIUM_ASSERT(next->sequence() > current_->sequence());
  PODIUM_ASSERT(next->generation() >= current_->generation());
  const CoreView* view = next.get();
  current_ = ViewPtr(view, [keep = next](const CoreView*) mutable { keep.reset(); });
}

}  // namespace podium::view
