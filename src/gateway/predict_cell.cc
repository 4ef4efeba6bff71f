#include "gateway/predict_cell.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string_view>
#include <type_traits>

namespace podium::gateway {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

constexpr std::size_t kMaxShown = 40;  ///< Bytes of the caller's text in a message.

template <typename T>
bool Put(std::byte* out, T value) {
  std::memcpy(out, &value, sizeof(T));
  return true;
}

/// Any number, rounded to double.
bool AsDouble(const element& value, double& number) {
  switch (value.type()) {
    case element_type::INT64:
      number = static_cast<double>(value.get_int64().value_unsafe());
      break;
    case element_type::UINT64:
      number = static_cast<double>(value.get_uint64().value_unsafe());
      break;
    case element_type::DOUBLE:
      number = value.get_double().value_unsafe();
      break;
    default:
      return false;
  }
  return true;
}

bool ReadBool(const element& value, std::byte* out) {
  bool flag = false;
  return value.get_bool().get(flag) == simdjson::SUCCESS &&
         Put(out, static_cast<std::uint8_t>(flag ? 1 : 0));
}

bool ReadFp64(const element& value, std::byte* out) {
  double number = 0;
  return AsDouble(value, number) && Put(out, number);
}

bool ReadFp32(const element& value, std::byte* out) {
  // Half a step above the greatest float: what lies below rounds to it, the rest to infinity.
  constexpr double kOverflow = 0x1.ffffffp127;
  constexpr float kMost = std::numeric_limits<float>::max();
  double number = 0;
  if (!AsDouble(value, number)) return false;
  if (std::fabs(number) <= static_cast<double>(kMost)) return Put(out, static_cast<float>(number));
  return std::fabs(number) < kOverflow && Put(out, number > 0 ? kMost : -kMost);
}

template <DataType kType>
bool ReadNarrow(const element& value, std::byte* out) {
  double number = 0;
  std::uint16_t bits = 0;
  return AsDouble(value, number) && NarrowTo(kType, number, bits) && Put(out, bits);
}

/// A whole number written with a point or exponent (1.0, 1e3): many clients cannot help it.
template <typename T>
bool FromDouble(double number, std::byte* out) {
  constexpr double kExact = 9007199254740992.0;  // 2^53: above it the text may have meant another.
  if (std::trunc(number) != number || std::fabs(number) > kExact) return false;
  const auto whole = static_cast<std::int64_t>(number);
  return std::in_range<T>(whole) && Put(out, static_cast<T>(whole));
}

template <typename T>
bool ReadInteger(const element& value, std::byte* out) {
  switch (value.type()) {
    case element_type::INT64: {
      const std::int64_t number = value.get_int64().value_unsafe();
      return std::in_range<T>(number) && Put(out, static_cast<T>(number));
    }
    case element_type::UINT64: {
      const std::uint64_t number = value.get_uint64().value_unsafe();
      return std::in_range<T>(number) && Put(out, static_cast<T>(number));
    }
    case element_type::DOUBLE:
      return FromDouble<T>(value.get_double().value_unsafe(), out);
    default:
      return false;
  }
}

struct NarrowFormat {
  int fraction_bits;
  int bias;
};
NarrowFormat FormatOf(DataType type) {
  return type == DataType::kFp16 ? NarrowFormat{10, 15} : NarrowFormat{7, 127};
}

}  // namespace

CellReader ReaderOf(DataType type) {
  switch (type) {
    case DataType::kBool:
      return ReadBool;
    case DataType::kUint8:
      return ReadInteger<std::uint8_t>;
    case DataType::kUint16:
      return ReadInteger<std::uint16_t>;
    case DataType::kUint32:
      return ReadInteger<std::uint32_t>;
    case DataType::kUint64:
      return ReadInteger<std::uint64_t>;
    case DataType::kInt8:
      return ReadInteger<std::int8_t>;
    case DataType::kInt16:
      return ReadInteger<std::int16_t>;
    case DataType::kInt32:
      return ReadInteger<std::int32_t>;
    case DataType::kInt64:
      return ReadInteger<std::int64_t>;
    case DataType::kFp16:
      return ReadNarrow<DataType::kFp16>;
    case DataType::kBf16:
      return ReadNarrow<DataType::kBf16>;
    case DataType::kFp32:
      return ReadFp32;
    case DataType::kFp64:
      return ReadFp64;
    case DataType::kBytes:
      break;
  }
  return nullptr;
}

std::string WantedText(DataType type) {
  switch (type) {
    case DataType::kBool:
      return "true or false (BOOL)";
    case DataType::kBytes:
      return "a string (BYTES)";
    case DataType::kFp16:
    case DataType::kBf16:
    case DataType::kFp32:
    case DataType::kFp64:
      return fmt::format("a number within {}", NameOf(type));
    default:
      return fmt::format("a whole number within {}", NameOf(type));
  }
}

std::string GivenText(const element& value) {
  if (value.is_array()) return "an array";
  if (value.is_object()) return "an object";
  std::string text = simdjson::minify(value);
  if (text.size() <= kMaxShown) return text;
  std::size_t end = kMaxShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
    --end;  // Whole UTF-8.
  return text.substr(0, end) + "…";
}

bool NarrowTo(DataType type, double value, std::uint16_t& bits) {
  const auto [fraction_bits, bias] = FormatOf(type);
  const auto sign = static_cast<std::uint16_t>(std::signbit(value) ? 0x8000U : 0U);
  const double size = std::fabs(value);
  if (size == 0) {
    bits = sign;
    return true;
  }
  int exponent = 0;
  std::frexp(size, &exponent);
  exponent = std::max(exponent - 1, 1 - bias);  // Below the least exponent: subnormal.
  const double one = std::ldexp(1.0, fraction_bits);
  double steps = std::nearbyint(std::ldexp(size, fraction_bits - exponent));  // Ties to even.
  if (steps >= 2 * one) {
    steps /= 2;
    ++exponent;
  }
  if (exponent > bias) return false;
  // A subnormal has no leading one; rounding up to the first normal number gives it one.
  const int stored = steps < one ? 0 : exponent + bias;
  const double fraction = steps < one ? steps : steps - one;
  bits = static_cast<std::uint16_t>(sign | static_cast<unsigned>(stored << fraction_bits) |
                                    static_cast<unsigned>(fraction));
  return true;
}

double Widen(DataType type, std::uint16_t bits) {
  const auto [fraction_bits, bias] = FormatOf(type);
  const int stored = (bits & 0x7FFFU) >> static_cast<unsigned>(fraction_bits);
  const auto fraction =
      static_cast<double>(bits & ((1U << static_cast<unsigned>(fraction_bits)) - 1));
  const double one = std::ldexp(1.0, fraction_bits);
  double size = 0;
  if (stored == 2 * bias + 1) {
    size = fraction == 0 ? std::numeric_limits<double>::infinity()
                         : std::numeric_limits<double>::quiet_NaN();
  } else if (stored == 0) {
    size = std::ldexp(fraction, 1 - bias - fraction_bits);
  } else {
    size = std::ldexp(one + fraction, stored - bias - fraction_bits);
  }
  return (bits & 0x8000U) != 0 ? -size : size;
}

}  // namespace podium::gateway
