// Writes Prometheus text exposition (version 0.0.4).
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/histogram.h"

namespace podium {

/// Collects one scrape. Call Family, then its samples, then the next family.
class Exposition {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  /// `type` is counter, gauge or histogram.
  void Family(std::string_view name, std::string_view type, std::string_view help);
  void Sample(Labels labels, double value);
  /// Buckets from 100 us to 10 s, sum and count, in seconds.
  void Sample(Labels labels, const HistogramSnapshot& histogram);
  std::string Take() { return std::move(text_); }

 private:
  void Line(std::string_view suffix, Labels labels, std::string_view le, double value);

  std::string family_;
  std::string text_;
};

}  // namespace podium
