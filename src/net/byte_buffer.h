// Bytes read from a connection, with readable padding behind them and no zeroing before.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

#include "net/handler.h"

namespace podium::net {

/// Growing moves the bytes: views into it are valid only while capacity() stays.
class ByteBuffer {
 public:
  char* data() { return bytes_.get(); }
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }
  char* free_begin() { return bytes_.get() + size_; }
  std::size_t free_bytes() const { return capacity_ - size_; }
  std::string_view view() const { return {bytes_.get(), size_}; }

  /// Room for `capacity` bytes in all, besides kBodyPadding.
  void Reserve(std::size_t capacity) {
    if (capacity <= capacity_) return;
    auto grown = std::make_unique_for_overwrite<char[]>(capacity + kBodyPadding);
    if (size_ > 0) std::memcpy(grown.get(), bytes_.get(), size_);
    bytes_ = std::move(grown);
    capacity_ = capacity;
  }
  /// The caller has written `bytes` behind what was there. REQUIRES: bytes <= free_bytes().
  void Commit(std::size_t bytes) { size_ += bytes; }
  void Append(std::string_view text) {
    if (text.empty()) return;
    if (text.size() > free_bytes()) Reserve(std::max(size_ + text.size(), 2 * capacity_));
    std::memcpy(free_begin(), text.data(), text.size());
    size_ += text.size();
  }
  /// Drops all but the last `keep` bytes, which move to the front.
  void KeepTail(std::size_t keep) {
    if (keep > 0) std::memmove(data(), data() + size_ - keep, keep);
    size_ = keep;
  }
  void Clear() { size_ = 0; }
  /// Gives the memory back.
  void Release() {
    bytes_.reset();
    size_ = capacity_ = 0;
  }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace podium::net
