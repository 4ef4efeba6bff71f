#include "net/path_pattern.h"

#include <algorithm>

#include "base/assert.h"
#include "net/target.h"

namespace podium::net {
namespace {

bool IsCapture(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

std::vector<std::string_view> SplitPattern(std::string_view pattern) {
  PODIUM_ASSERT(pattern.starts_with('/'));
  std::vector<std::string_view> segments;
  if (pattern == "/") return segments;
  for (std::size_t at = 0; at != std::string_view::npos;) {
    const std::size_t next = pattern.find('/', at + 1);
    segments.push_back(
        pattern.substr(at + 1, next == std::string_view::npos ? next : next - at - 1));
    at = next;
  }
  return segments;
}

constexpr std::size_t IndexOf(HttpMethod method) { return static_cast<std::size_t>(method); }

}  // namespace

std::string_view PathCaptures::Get(std::string_view name) const {
  for (const auto& [key, value] : values_) {
    if (key == name) return value;
  }
  return {};
}

bool PathIndex::Node::is_end() const {
  return std::any_of(values.begin(), values.end(),
                     [](std::size_t value) { return value != kNone; });
}

PathIndex::PathIndex() : nodes_(1) {}

std::size_t PathIndex::Grow(std::size_t node, std::string_view segment) {
  const bool capture = IsCapture(segment);
  if (capture && nodes_[node].capture != kNone) return nodes_[node].capture;
  for (const auto& [literal, next] : nodes_[node].literals) {
    if (!capture && literal == segment) return next;
  }
  const std::size_t added = nodes_.size();
  nodes_.emplace_back();
  if (capture) {
    nodes_[node].capture = added;
  } else {
    nodes_[node].literals.emplace_back(segment, added);
  }
  return added;
}

void PathIndex::Add(HttpMethod method, std::string_view pattern, std::size_t value) {
  std::size_t node = 0;
  std::vector<std::string> names;
  for (const std::string_view segment : SplitPattern(pattern)) {
    if (IsCapture(segment)) names.emplace_back(segment.substr(1, segment.size() - 2));
    node = Grow(node, segment);
  }
  // One name per place: two patterns that share a path must call its parts the same.
  PODIUM_ASSERT(!nodes_[node].is_end() || nodes_[node].names == names);
  PODIUM_ASSERT(nodes_[node].values[IndexOf(method)] == kNone);
  nodes_[node].names = std::move(names);
  nodes_[node].values[IndexOf(method)] = value;
}

std::size_t PathIndex::Descend(std::size_t node, const std::vector<std::string>& segments,
                               std::size_t at, std::vector<std::size_t>& captured) const {
  const Node& here = nodes_[node];
  if (at == segments.size()) return here.is_end() ? node : kNone;
  for (const auto& [literal, next] : here.literals) {
    if (literal != segments[at]) continue;
    const std::size_t found = Descend(next, segments, at + 1, captured);
    if (found != kNone) return found;
  }
  if (here.capture == kNone || segments[at].empty()) return kNone;
  captured.push_back(at);
  const std::size_t found = Descend(here.capture, segments, at + 1, captured);
  if (found == kNone) captured.pop_back();
  return found;
}

PathIndex::Match PathIndex::Find(HttpMethod method, std::string_view path) const {
  Match match;
  auto segments = SplitPath(path);
  if (!segments) return match;
  std::vector<std::size_t> captured;
  const std::size_t found = Descend(0, *segments, 0, captured);
  if (found == kNone) return match;
  const Node& node = nodes_[found];
  match.path_found = true;
  for (std::size_t i = 0; i < captured.size(); ++i) {
    match.captures.values_.emplace_back(node.names[i], std::move((*segments)[captured[i]]));
  }
  const auto value_of = [&node](HttpMethod wanted) {
    const std::size_t own = node.values[IndexOf(wanted)];
    return own == kNone && wanted == HttpMethod::kHead ? node.values[IndexOf(HttpMethod::kGet)]
                                                       : own;
  };
  if (const std::size_t value = value_of(method); value != kNone) {
    match.value = value;
    return match;
  }
  for (int i = 0; i < kHttpMethodCount; ++i) {
    const auto allowed = static_cast<HttpMethod>(i);
    if (value_of(allowed) == kNone) continue;
    if (!match.allow.empty()) match.allow += ", ";
    match.allow += NameOf(allowed);
  }
  return match;
}

}  // namespace podium::net
