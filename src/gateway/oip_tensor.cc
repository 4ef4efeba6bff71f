#include "gateway/oip_tensor.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "gateway/predict_cell.h"
#include "runtime/signature.h"

namespace podium::gateway {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;

// What is copied whole would have to be turned round elsewhere.
static_assert(std::endian::native == std::endian::little);

/// Fills one tensor from JSON, element by element in row-major order.
class JsonFiller {
 public:
  JsonFiller(const OipInput& input, Tensor& tensor)
      : input_(input), tensor_(tensor), read_(ReaderOf(input.type)) {}

  Status Fill() {
    const bool nested = input_.shape.size() > 1 && input_.data.begin() != input_.data.end() &&
                        (*input_.data.begin()).is_array();
    PODIUM_TRY(nested ? FillNested(input_.data, 0) : FillFlat(input_.data));
    if (filled_ == input_.count) return {};
    return RefuseOip("input \"{}\" has shape {}: {} elements are wanted, {} are given", input_.name,
                     runtime::FormatShape(input_.shape), input_.count, filled_);
  }

 private:
  Status FillFlat(const array& values) {
    for (const element value : values) PODIUM_TRY(Put(value));
    return {};
  }

  // Nested data follow the shape to the last level: anything else is another tensor.
  Status FillNested(const array& values, std::size_t level) {
    std::int64_t length = 0;
    for (const element value : values) {
      ++length;
      if (level + 1 == input_.shape.size()) {
        PODIUM_TRY(Put(value));
        continue;
      }
      array inner;
      if (value.get_array().get(inner) != simdjson::SUCCESS) {
        return RefuseOip("input \"{}\": an array is wanted at level {} of \"data\", {} is given",
                         input_.name, level + 1, GivenText(value));
      }
      PODIUM_TRY(FillNested(inner, level + 1));
    }
    if (length == input_.shape[level]) return {};
    return RefuseOip(
        "input \"{}\" has shape {}: {} entries are wanted at level {} of \"data\", {} are "
        "given",
        input_.name, runtime::FormatShape(input_.shape), input_.shape[level], level, length);
  }

  Status Put(const element& value) {
    if (filled_ == input_.count) {
      return RefuseOip("input \"{}\" has shape {}: more than {} elements are given", input_.name,
                       runtime::FormatShape(input_.shape), input_.count);
    }
    bool fits = false;
    if (read_ != nullptr) {
      fits = read_(value, tensor_.data.data() + filled_ * WidthOf(input_.type));
    } else {
      std::string_view text;
      fits = value.get_string().get(text) == simdjson::SUCCESS;
      if (fits) tensor_.strings.emplace_back(text);
    }
    if (!fits) {
      return RefuseOip("input \"{}\", element {}: {} is wanted, {} is given", input_.name, filled_,
                       WantedText(input_.type), GivenText(value));
    }
    ++filled_;
    return {};
  }

  const OipInput& input_;
  Tensor& tensor_;
  const CellReader read_;
  std::size_t filled_ = 0;
};

Status FromJson(const OipInput& input, std::size_t body_bytes, Tensor& tensor) {
  if (input.type == DataType::kFp16 || input.type == DataType::kBf16) {
    return RefuseOip(
        "input \"{}\": {} has no form in JSON: send it as binary data "
        "(\"binary_data_size\")",
        input.name, NameOf(input.type));
  }
  // Every element takes at least two bytes of text, its comma or bracket included.
  if (input.count > body_bytes / 2) {
    return RefuseOip(
        "input \"{}\" has shape {}: {} elements are wanted, more than the body can hold",
        input.name, runtime::FormatShape(input.shape), input.count);
  }
  tensor.data.resize(input.count * WidthOf(input.type));
  return JsonFiller(input, tensor).Fill();
}

Status FromLengthPrefixed(const OipInput& input, Tensor& tensor) {
  std::string_view rest = *input.bytes;
  std::uint32_t length = 0;
  tensor.strings.reserve(std::min(input.count, rest.size() / sizeof(length)));
  while (!rest.empty()) {
    const bool has_length = rest.size() >= sizeof(length);
    if (has_length) std::memcpy(&length, rest.data(), sizeof(length));
    if (!has_length || length > rest.size() - sizeof(length)) {
      return RefuseOip("input \"{}\", element {}: its length goes beyond the binary data",
                       input.name, tensor.strings.size());
    }
    if (tensor.strings.size() == input.count) break;
    tensor.strings.emplace_back(rest.substr(sizeof(length), length));
    rest.remove_prefix(sizeof(length) + length);
  }
  if (rest.empty() && tensor.strings.size() == input.count) return {};
  return RefuseOip("input \"{}\" has shape {}: {} elements are wanted, the binary data hold {}{}",
                   input.name, runtime::FormatShape(input.shape), input.count,
                   tensor.strings.size(), rest.empty() ? "" : " and more");
}

Status FromBytes(const OipInput& input, Tensor& tensor) {
  if (input.type == DataType::kBytes) return FromLengthPrefixed(input, tensor);
  const std::string_view bytes = *input.bytes;
  const std::size_t width = WidthOf(input.type);
  // Divided rather than multiplied: a product could be beyond every integer.
  if (bytes.size() % width != 0 || bytes.size() / width != input.count) {
    return RefuseOip(
        "input \"{}\" has shape {}: {} elements of {} bytes are wanted, the binary data "
        "have {} bytes",
        input.name, runtime::FormatShape(input.shape), input.count, width, bytes.size());
  }
  const auto* begin = reinterpret_cast<const std::byte*>(bytes.data());
  tensor.data.assign(begin, begin + bytes.size());
  if (input.type != DataType::kBool) return {};
  // A boolean of another value is no value of the type: what a model makes of it is undefined.
  const auto bad =
      std::find_if(bytes.begin(), bytes.end(), [](char c) { return c != 0 && c != 1; });
  if (bad == bytes.end()) return {};
  return RefuseOip("input \"{}\", element {}: a BOOL is the byte 0 or 1", input.name,
                   bad - bytes.begin());
}

/// The shape that a raw request can only mean.
Result<Shape> RawShape(const TensorSpec& spec, std::string_view bytes) {
  Shape shape = spec.shape;
  auto open = std::count(shape.begin(), shape.end(), -1);
  if (open > 1 && shape.front() == -1) {
    shape.front() = 1;
    --open;
  }
  const bool is_text = spec.type == DataType::kBytes;
  if (shape.empty() || open > 1) {
    return RefuseOip(
        "a raw request says nothing of shapes, and input \"{}\" has {}: send JSON with it",
        spec.name, runtime::FormatShape(spec.shape));
  }
  const auto gap = std::find(shape.begin(), shape.end(), -1);
  if (gap != shape.end()) *gap = 1;
  const auto each = ElementCount(shape);
  const std::size_t width = std::max<std::size_t>(WidthOf(spec.type), 1);
  if (!each || (is_text && *each != 1)) {
    return RefuseOip(
        "a raw request is one element of BYTES, and input \"{}\" has shape {}: send JSON "
        "with it",
        spec.name, runtime::FormatShape(spec.shape));
  }
  // What does not divide evenly is refused with the sizes when the data are taken.
  const auto elements = static_cast<std::int64_t>(bytes.size() / width);
  if (gap != shape.end() && !is_text) *gap = std::max<std::int64_t>(elements / *each, 1);
  return shape;
}

}  // namespace

Result<Tensor> TensorOf(const OipInput& input, std::size_t body_bytes) {
  Tensor tensor{std::string(input.name), input.type, input.shape, {}, {}};
  PODIUM_TRY(input.bytes ? FromBytes(input, tensor) : FromJson(input, body_bytes, tensor));
  return tensor;
}

Result<Tensor> TensorOfRaw(const Signature& signature, std::string_view bytes) {
  if (signature.inputs.size() != 1) {
    return RefuseOip("a raw request ({} 0) is for models of one input, this one takes {}",
                     "Inference-Header-Content-Length", signature.inputs.size());
  }
  const TensorSpec& spec = signature.inputs.front();
  PODIUM_TRY_ASSIGN(Shape shape, RawShape(spec, bytes));
  if (spec.type == DataType::kBytes) {
    return Tensor{spec.name, spec.type, std::move(shape), {}, {std::string(bytes)}};
  }
  OipInput input;
  input.name = spec.name;
  input.type = spec.type;
  input.count = static_cast<std::size_t>(*ElementCount(shape));
  input.shape = std::move(shape);
  input.bytes = bytes;
  return TensorOf(input, bytes.size());
}

std::size_t AppendBinary(const Tensor& tensor, std::string& out) {
  const std::size_t before = out.size();
  if (tensor.type != DataType::kBytes) {
    out.append(reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size());
    return out.size() - before;
  }
  for (const std::string& text : tensor.strings) {
    PODIUM_ASSERT(text.size() <= UINT32_MAX);
    const auto length = static_cast<std::uint32_t>(text.size());
    out.append(reinterpret_cast<const char*>(&length), sizeof(length)).append(text);
  }
  return out.size() - before;
}

}  // namespace podium::gateway
