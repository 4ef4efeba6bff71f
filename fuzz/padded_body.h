// A request's body as the server hands it on, for the fuzz targets of what reads bodies.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "net/handler.h"

namespace podium {

/// The bytes with exactly the padding that is promised: one byte more read is one too many.
class PaddedBody {
 public:
  explicit PaddedBody(std::string_view text)
      : bytes_(text.begin(), text.end()), size_(text.size()) {
    bytes_.resize(size_ + net::kBodyPadding, '7');
    bytes_.shrink_to_fit();
  }
  std::string_view view() const { return {bytes_.data(), size_}; }

 private:
  std::vector<char> bytes_;
  std::size_t size_;
};

}  // namespace podium
