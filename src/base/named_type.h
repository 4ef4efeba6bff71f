// Gives every id and unit a type of its own, so that a route can never be passed for a version.
#pragma once

#include <functional>
#include <ostream>
#include <utility>

namespace podium {

/// `using RouteName = NamedType<struct RouteNameTag, std::string>;`
template <typename Tag, typename T>
class NamedType {
 public:
  NamedType() = default;
  explicit NamedType(T value) : value_(std::move(value)) {}

  const T& get() const { return value_; }
  auto operator<=>(const NamedType&) const = default;

  friend std::ostream& operator<<(std::ostream& out, const NamedType& named) {
    return out << named.value_;
  }

 private:
  T value_{};
};

}  // namespace podium

template <typename Tag, typename T>
struct std::hash<podium::NamedType<Tag, T>> {
  std::size_t operator()(const podium::NamedType<Tag, T>& named) const noexcept {
    return std::hash<T>{}(named.get());
  }
};
