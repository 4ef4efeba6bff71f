// The bucket behaves like a fair die over the keys that real callers send. Fixed keys and salts:
// a failure is a change of the hash, never bad luck. Thresholds are quantiles at 1e-6 each side.
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/rng.h"
#include "domain/traffic.h"
#include "routing/bucket.h"

namespace podium::routing {
namespace {

constexpr int kKeys = 1'000'000;
constexpr std::size_t kFine = BasisPoints::kWhole;

/// A key without the heap: eight million of them are made under sanitizers.
class Key {
 public:
  Key& Text(std::string_view text) {
    std::memcpy(bytes_.data() + size_, text.data(), text.size());
    size_ += text.size();
    return *this;
  }
  Key& Byte(int value) {
    bytes_[size_++] = static_cast<char>(value);
    return *this;
  }
  Key& Number(int value) {
    const auto end = std::to_chars(bytes_.data() + size_, bytes_.data() + bytes_.size(), value).ptr;
    size_ = static_cast<std::size_t>(end - bytes_.data());
    return *this;
  }
  Key& Padded(int value, int width) {
    for (int i = width - 1; i >= 0; --i) {
      bytes_[size_ + static_cast<std::size_t>(i)] = static_cast<char>('0' + value % 10);
      value /= 10;
    }
    size_ += static_cast<std::size_t>(width);
    return *this;
  }
  Key& Hex(std::uint64_t value, int digits) {
    for (int i = digits - 1; i >= 0; --i) Byte("0123456789abcdef"[value >> (4 * i) & 15]);
    return *this;
  }
  std::string_view view() const { return {bytes_.data(), size_}; }

 private:
  std::array<char, 48> bytes_;
  std::size_t size_ = 0;
};

Key Uuid(std::uint64_t high, std::uint64_t low) {
  return Key()
      .Hex(high >> 32, 8)
      .Byte('-')
      .Hex(high >> 16, 4)
      .Byte('-')
      .Hex(high, 4)
      .Byte('-')
      .Hex(low >> 48, 4)
      .Byte('-')
      .Hex(low, 12);
}

Key Uuid4(int, SeededRng& rng) {
  const std::uint64_t high = (rng.Next64() & ~0xF000ULL) | 0x4000;
  return Uuid(high, (rng.Next64() >> 2) | (1ULL << 63));
}

Key Random(SeededRng& rng, int bytes) {
  Key key;
  for (int i = 0; i < bytes; ++i) key.Byte(static_cast<int>(rng.Next64() & 0xFF));
  return key;
}

// A thousand keys a millisecond, as under load: long runs share the time, then a counter.
Key Uuid7(int i, SeededRng&) {
  const auto millisecond = 0x018F4E9A7B1CULL + static_cast<unsigned>(i) / 1000;
  const auto counter = static_cast<unsigned>(i) % 1000;
  return Uuid(millisecond << 16 | 0x7000 | counter, 0x9F00'0000'0000'0001ULL);
}

// Neighbours differ in exactly one byte (a reflected code over three bytes of 100 values).
Key OneByteChanges(int i, SeededRng&) {
  const auto reflect = [](int digit, int above) { return above % 2 == 0 ? digit : 99 - digit; };
  const int low = reflect(i % 100, i / 100);
  const int middle = reflect(i / 100 % 100, i / 10'000);
  return Key()
      .Text("session-")
      .Byte(32 + low)
      .Text("-of-")
      .Byte(32 + middle)
      .Text("-at-")
      .Byte(32 + i / 10'000);
}

Key Email(int i, SeededRng&) {
  constexpr std::array<std::string_view, 8> kNames = {"anna",   "bo",    "chidi",     "dimitra",
                                                      "eun-ji", "fritz", "guadalupe", "h"};
  const std::string_view name = kNames[static_cast<std::size_t>(i) % kNames.size()];
  return Key().Text(name).Byte('.').Number(i).Text("@mail.example.org");
}

Key LittleEndian(int i, SeededRng&) {
  Key key;
  for (int shift = 0; shift < 64; shift += 8) key.Byte(shift < 32 ? i >> shift & 0xFF : 0);
  return key;
}

struct Family {
  const char* name;
  Key (*key)(int, SeededRng&);
};

constexpr Family kFamilies[] = {
    {"User", [](int i, SeededRng&) { return Key().Text("user-").Number(i); }},
    {"ZeroPadded", [](int i, SeededRng&) { return Key().Padded(i, 10); }},
    {"Uuid4", Uuid4},
    {"Uuid7", Uuid7},
    {"OneByteChanges", OneByteChanges},
    {"Email", Email},
    {"LittleEndian", LittleEndian},
    {"ThreeCharacters",
     [](int i, SeededRng&) {
       return Key().Byte(32 + i / 10'000).Byte(32 + i / 100 % 100).Byte(32 + i % 100);
     }},
};

/// The fine bucket of each of the first `count` keys of a family.
std::vector<int> FineOf(const Family& family, std::string_view salt, int count) {
  SeededRng rng(2026);
  std::vector<int> fine;
  fine.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    const Key key = family.key(i, rng);
    fine.push_back(BucketOf(Layer::kCanary, salt, key.view()).fine);
  }
  return fine;
}

double ChiSquare(const std::vector<int>& counts, double expected) {
  double sum = 0;
  for (const int count : counts) sum += (count - expected) * (count - expected) / expected;
  return sum;
}

class Families : public ::testing::TestWithParam<Family> {};

// One pass over the keys for all that depends on the counts per bucket alone.
TEST_P(Families, FillBucketsEvenlyAndSharesExactly) {
  std::vector<int> coarse(100);
  std::vector<int> fine(kFine);
  for (const int v : FineOf(GetParam(), "r1", kKeys)) {
    ++coarse[static_cast<std::size_t>(v / 100)];
    ++fine[static_cast<std::size_t>(v)];
  }

  // The lower ends catch what is too even to be chance: counters.
  const double chi_coarse = ChiSquare(coarse, kKeys / 100.0);
  EXPECT_GE(chi_coarse, 45.8);
  EXPECT_LE(chi_coarse, 180.8);
  const double chi_fine = ChiSquare(fine, kKeys / 10'000.0);
  EXPECT_GE(chi_fine, 9'341);
  EXPECT_LE(chi_fine, 10'686);

  struct Case {
    double share;
    double points;
  };
  for (const Case& c : {Case{0.01, 0.049}, Case{0.05, 0.107}, Case{0.50, 0.245}}) {
    SCOPED_TRACE(c.share);
    int inside = 0;
    for (std::size_t v = 0; v < static_cast<std::size_t>(c.share * kFine); ++v) inside += fine[v];
    EXPECT_NEAR(100.0 * inside / kKeys, 100.0 * c.share, c.points);
  }
}

INSTANTIATE_TEST_SUITE_P(Bucket, Families, ::testing::ValuesIn(kFamilies),
                         [](const auto& family) { return family.param.name; });

// Two rollouts at once, or one after the other, must not meet the same users.
TEST(BucketStatistics, SaltsAreIndependent) {
  constexpr std::array<std::string_view, 8> kSalts = {"r1", "r2", "r10", "r11",
                                                      "1r", "R1", "s",   "canary.2026-01"};
  std::vector<std::vector<int>> fine;
  for (const std::string_view salt : kSalts) fine.push_back(FineOf(kFamilies[0], salt, kKeys));

  int pairs = 0;
  for (std::size_t a = 0; a < kSalts.size(); ++a) {
    for (std::size_t b = a + 1; b < kSalts.size(); ++b, ++pairs) {
      SCOPED_TRACE(std::string(kSalts[a]) + " and " + std::string(kSalts[b]));
      std::vector<int> deciles(100);
      for (std::size_t i = 0; i < fine[a].size(); ++i) {
        const int cell = fine[a][i] / 1000 * 10 + fine[b][i] / 1000;
        ++deciles[static_cast<std::size_t>(cell)];
      }
      // Against the table's own margins: df 81.
      std::array<double, 10> rows{};
      std::array<double, 10> columns{};
      for (std::size_t cell = 0; cell < 100; ++cell) {
        rows[cell / 10] += deciles[cell];
        columns[cell % 10] += deciles[cell];
      }
      double chi = 0;
      for (std::size_t cell = 0; cell < 100; ++cell) {
        const double expected = rows[cell / 10] * columns[cell % 10] / kKeys;
        chi += (deciles[cell] - expected) * (deciles[cell] - expected) / expected;
      }
      EXPECT_GE(chi, 34.1);
      EXPECT_LE(chi, 156.5);
    }
  }
  EXPECT_GE(pairs, 20);
}

// Similar keys must not fall together: each input bit turns each output bit half of the time. The
// threshold is that of independent keys, hence random ones; consecutive numbers share most of their
// bytes and scatter a little wider.
class Avalanche : public ::testing::TestWithParam<Family> {};

TEST_P(Avalanche, EachInputBitTurnsHalfTheOutputBits) {
  constexpr int kCount = 10'000;
  SeededRng rng(2026);
  std::vector<std::array<int, 64>> flips;  // Of each output bit, per input bit.
  for (int i = 0; i < kCount; ++i) {
    const Key key = GetParam().key(i, rng);
    std::string bytes(key.view());
    flips.resize(bytes.size() * 8);
    const std::uint64_t before = BucketOf(Layer::kCanary, "r1", bytes).hash;
    for (std::size_t bit = 0; bit < flips.size(); ++bit) {
      const auto mask = static_cast<char>(1 << bit % 8);
      bytes[bit / 8] ^= mask;
      std::uint64_t changed = before ^ BucketOf(Layer::kCanary, "r1", bytes).hash;
      bytes[bit / 8] ^= mask;
      int* counts = flips[bit].data();
      for (; changed != 0; changed &= changed - 1) ++counts[std::countr_zero(changed)];
    }
  }
  for (std::size_t in = 0; in < flips.size(); ++in) {
    for (std::size_t out = 0; out < 64; ++out) {
      ASSERT_NEAR(flips[in][out] / double{kCount}, 0.5, 0.025)
          << "input " << in << ", output " << out;
    }
  }
}

// Lengths on both sides of the hash's ways of reading short and middling input.
INSTANTIATE_TEST_SUITE_P(
    Bucket, Avalanche,
    ::testing::Values(Family{"FourRandomBytes", [](int, SeededRng& rng) { return Random(rng, 4); }},
                      Family{"NineRandomBytes", [](int, SeededRng& rng) { return Random(rng, 9); }},
                      Family{"Uuid4", Uuid4}),
    [](const auto& family) { return family.param.name; });

// Consecutive users must not walk through the buckets together.
TEST(BucketStatistics, NeighboursAreUncorrelated) {
  const std::vector<int> fine = FineOf(kFamilies[0], "r1", kKeys);
  double sum = 0;
  double squares = 0;
  double products = 0;
  for (std::size_t i = 0; i < fine.size(); ++i) {
    sum += fine[i];
    squares += double(fine[i]) * fine[i];
    if (i > 0) products += double(fine[i]) * fine[i - 1];
  }
  const double mean = sum / kKeys;
  const double variance = squares / kKeys - mean * mean;
  const double covariance = products / (kKeys - 1) - mean * mean;
  EXPECT_LE(std::abs(covariance / variance), 4.9 / std::sqrt(double{kKeys}));
}

}  // namespace
}  // namespace podium::routing
