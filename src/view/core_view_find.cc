// The lookup half of core_view.h: on every request's path, and held to what that allows
// (tools/check_decision_path.py).
#include "view/core_view.h"

namespace podium::view {

const RouteView* CoreView::Find(std::string_view route) const {
  const std::size_t index = routes_->IndexOf(route);
  return index == routing::kNoRoute ? nullptr : &views_[index];
}

}  // namespace podium::view
