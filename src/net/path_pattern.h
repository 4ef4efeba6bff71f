// Which handler a method and a path belong to. Pure; built once, then only read.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/http_head.h"

namespace podium::net {

/// What the braces of a pattern stood for, percent-decoded.
class PathCaptures {
 public:
  /// Empty when the pattern has no such name.
  std::string_view Get(std::string_view name) const;
  std::size_t size() const { return values_.size(); }

 private:
  friend class PathIndex;
  std::vector<std::pair<std::string_view, std::string>> values_;
};

/// A tree of path segments; literal segments win over captures. PathRouter is its typed face.
class PathIndex {
 public:
  struct Match {
    std::optional<std::size_t> value;  ///< Set when path and method exist.
    bool path_found = false;
    PathCaptures captures;  ///< Names are views into the index.
    std::string allow;      ///< "GET, HEAD, POST": for 405 and OPTIONS.
  };
  PathIndex();
  /// "/api/v1/versions/{id}/promote". A capture matches one segment that is not empty.
  /// REQUIRES: starts with '/'; the same method and path are not there yet.
  void Add(HttpMethod method, std::string_view pattern, std::size_t value);
  /// A GET serves HEAD too. A trailing slash is another path.
  Match Find(HttpMethod method, std::string_view path) const;

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  struct Node {
    Node() { values.fill(kNone); }
    std::vector<std::pair<std::string, std::size_t>> literals;  // Segment → node.
    std::size_t capture = kNone;                                // Node of "{…}".
    std::array<std::size_t, kHttpMethodCount> values;
    std::vector<std::string> names;  // Of the captures on the way here.
    bool is_end() const;
  };
  std::size_t Grow(std::size_t node, std::string_view segment);
  std::size_t Descend(std::size_t node, const std::vector<std::string>& segments, std::size_t at,
                      std::vector<std::size_t>& captured) const;

  std::vector<Node> nodes_;
};

/// `const auto match = router.Find(head.method, head.path);` then match.value, or 405 with
/// match.allow when match.path_found, or 404.
template <typename T>
class PathRouter {
 public:
  struct Match {
    const T* value = nullptr;
    bool path_found = false;
    PathCaptures captures;
    std::string allow;
  };
  void Add(HttpMethod method, std::string_view pattern, T value) {
    index_.Add(method, pattern, values_.size());
    values_.push_back(std::move(value));
  }
  Match Find(HttpMethod method, std::string_view path) const {
    PathIndex::Match found = index_.Find(method, path);
    return Match{found.value ? &values_[*found.value] : nullptr, found.path_found,
                 std::move(found.captures), std::move(found.allow)};
  }

 private:
  PathIndex index_;
  std::vector<T> values_;
};

}  // namespace podium::net
