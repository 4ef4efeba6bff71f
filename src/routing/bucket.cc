#include "routing/bucket.h"

// The state of a hash in pieces lives on the stack: the library's own constructor would allocate.
#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#include <array>
#include <cstring>

#include "base/assert.h"
#include "base/limits.h"

namespace podium::routing {
namespace {

// Every unit that the wire admits fits; a longer one (of an embedding program) is hashed in pieces.
constexpr std::size_t kOnePiece = limits::kMaxSaltBytes + 1 + limits::kMaxUnitBytes;

std::uint64_t HashInPieces(char separator, std::string_view salt, std::string_view unit) {
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  XXH3_64bits_update(&state, salt.data(), salt.size());
  XXH3_64bits_update(&state, &separator, 1);
  XXH3_64bits_update(&state, unit.data(), unit.size());
  return XXH3_64bits_digest(&state);
}

std::uint64_t Hash(char separator, std::string_view salt, std::string_view unit) {
  const std::size_t size = salt.size() + 1 + unit.size();
  if (size > kOnePiece) return HashInPieces(separator, salt, unit);
  std::array<char, kOnePiece> input;
  char* end = input.data();
  // An empty view may hold a null pointer, which memcpy must not see.
  if (!salt.empty()) std::memcpy(end, salt.data(), salt.size());
  end += salt.size();
  *end++ = separator;
  if (!unit.empty()) std::memcpy(end, unit.data(), unit.size());
  return XXH3_64bits(input.data(), size);
}

}  // namespace

Bucket BucketOf(Layer layer, std::string_view salt, std::string_view unit) {
  PODIUM_ASSERT(salt.size() <= limits::kMaxSaltBytes);
  Bucket bucket;
  bucket.hash = Hash(static_cast<char>(layer), salt, unit);
  bucket.coarse = static_cast<int>(bucket.hash % 100);
  bucket.fine = 100 * bucket.coarse + static_cast<int>(bucket.hash / 100 % 100);
  return bucket;
}

}  // namespace podium::routing
