// The body of an answer that is taken whole, as it comes in pieces. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/result.h"

namespace podium::gateway {

class WholeBody {
 public:
  explicit WholeBody(std::size_t limit) : limit_(limit) {}

  /// An empty piece is its end, and so is an error. REQUIRES: !is_over().
  void Take(const Result<std::string_view>& piece) {
    PODIUM_ASSERT(!is_over_);
    is_over_ = !piece || piece->empty();
    if (!piece) {
      text_ = Fail(piece.error());
    } else if (piece->size() > limit_ - text_->size()) {
      is_over_ = true;
      text_ = Fail(ErrorCode::kTooLarge, "the answer has more than {} bytes", limit_);
    } else {
      text_->append(*piece);
    }
  }
  bool is_over() const { return is_over_; }
  /// All of it, or why not: kTooLarge past the limit. REQUIRES: is_over(); once.
  Result<std::string> Text() { return std::move(text_); }

 private:
  std::size_t limit_;
  bool is_over_ = false;
  Result<std::string> text_ = std::string();
};

}  // namespace podium::gateway
