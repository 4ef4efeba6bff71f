#include "base/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/assert.h"

namespace podium {

struct Sha256::Impl {
  Impl() : context(EVP_MD_CTX_new()) {
    PODIUM_ASSERT(context != nullptr);
    PODIUM_ASSERT(EVP_DigestInit_ex(context, EVP_sha256(), nullptr) == 1);
  }
  ~Impl() { EVP_MD_CTX_free(context); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  EVP_MD_CTX* context;
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::Update(std::string_view bytes) {
  PODIUM_ASSERT(EVP_DigestUpdate(impl_->context, bytes.data(), bytes.size()) == 1);
}

Sha256Digest Sha256::Finish() {
  Sha256Digest digest{};
  unsigned int size = 0;
  PODIUM_ASSERT(EVP_DigestFinal_ex(impl_->context, digest.data(), &size) == 1);
  PODIUM_ASSERT(size == digest.size());
  return digest;
}

std::string Sha256Hex(std::string_view bytes) {
  Sha256 hash;
  hash.Update(bytes);
  return ToHex(hash.Finish());
}

Sha256Digest HmacSha256(std::string_view key, std::string_view message) {
  Sha256Digest digest{};
  unsigned int size = 0;
  // An empty view may hold a null pointer, which OpenSSL takes for a missing key.
  if (key.empty()) key = "";
  const auto* data = reinterpret_cast<const unsigned char*>(message.data());
  const unsigned char* out = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), data,
                                  message.size(), digest.data(), &size);
  PODIUM_ASSERT(out != nullptr && size == digest.size());
  return digest;
}

std::string ToHex(const Sha256Digest& digest) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(digest.size() * 2);
  for (const std::uint8_t byte : digest) {
    text.push_back(kDigits[byte >> 4U]);
    text.push_back(kDigits[byte & 15U]);
  }
  return text;
}

}  // namespace podium
