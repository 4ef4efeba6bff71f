// SHA-256 and HMAC-SHA-256, by OpenSSL.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace podium {

using Sha256Digest = std::array<std::uint8_t, 32>;

/// Hashes in pieces: Update any number of times, then Finish once.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void Update(std::string_view bytes);
  Sha256Digest Finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Lower-case hexadecimal SHA-256 of `bytes`, 64 characters.
std::string Sha256Hex(std::string_view bytes);
/// HMAC-SHA-256 of `message` under `key`.
Sha256Digest HmacSha256(std::string_view key, std::string_view message);
std::string ToHex(const Sha256Digest& digest);

}  // namespace podium
