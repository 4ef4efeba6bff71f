#include "gateway/oip_request.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <system_error>
#include <utility>

#include "base/limits.h"
#include "domain/names.h"
#include "gateway/predict_cell.h"

namespace podium::gateway {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::string_view kHeaderInMessages = "Inference-Header-Content-Length";
constexpr std::string_view kEmptyOipBody =
    "the body is empty: send {\"inputs\": [{\"name\", \"shape\", \"datatype\", \"data\"}, …]}";

/// The fields of one object that are read, by their place in `keys`. Others are passed over, as the
/// protocol's extensions want it; a null counts as absent.
template <std::size_t kSize>
using Fields = std::array<std::optional<element>, kSize>;

template <std::size_t kSize>
Result<Fields<kSize>> FieldsOf(const element& value,
                               const std::array<std::string_view, kSize>& keys,
                               std::string_view place) {
  object fields;
  if (value.get_object().get(fields) != simdjson::SUCCESS) {
    return RefuseOip("{}: an object is wanted, {} is given", place, GivenText(value));
  }
  Fields<kSize> found;
  std::array<bool, kSize> seen{};
  for (const auto field : fields) {
    const auto at =
        static_cast<std::size_t>(std::find(keys.begin(), keys.end(), field.key) - keys.begin());
    if (at == kSize) continue;
    if (std::exchange(seen[at], true)) {
      return RefuseOip("{}: the key \"{}\" comes twice", place, field.key);
    }
    if (!field.value.is_null()) found[at] = field.value;
  }
  return found;
}

Result<std::string_view> TextOf(const std::optional<element>& value, std::string_view what) {
  std::string_view text;
  if (!value) return RefuseOip("{} is missing", what);
  if (value->get_string().get(text) != simdjson::SUCCESS) {
    return RefuseOip("{} must be a string, {} is given", what, GivenText(*value));
  }
  return text;
}

Result<bool> FlagOf(const element& value, std::string_view what) {
  bool flag = false;
  if (value.get_bool().get(flag) != simdjson::SUCCESS) {
    return RefuseOip("{} must be true or false, {} is given", what, GivenText(value));
  }
  return flag;
}

Result<array> ListOf(const std::optional<element>& value, std::string_view what) {
  array list;
  if (!value) return RefuseOip("{} is missing", what);
  if (value->get_array().get(list) != simdjson::SUCCESS) {
    return RefuseOip("{} must be an array, {} is given", what, GivenText(*value));
  }
  if (list.size() > limits::kMaxTensors) {
    return Fail(ErrorCode::kTooLarge, "{} has {} entries, at most {} are read", what, list.size(),
                limits::kMaxTensors);
  }
  return list;
}

Failure NotOffered(std::string_view place, std::string_view key) {
  return Fail(ErrorCode::kNotImplemented,
              "{}: the parameter \"{}\" belongs to an extension that this server does not have: "
              "GET /v2 lists those it has",
              place, key);
}

Result<Shape> ShapeOf(const std::optional<element>& value, std::string_view place) {
  array list;
  if (!value || value->get_array().get(list) != simdjson::SUCCESS) {
    return RefuseOip("{}: \"shape\" must be an array of whole numbers", place);
  }
  if (list.size() > limits::kMaxTensorRank) {
    return RefuseOip("{}: the shape has {} dimensions, at most {} are read", place, list.size(),
                     limits::kMaxTensorRank);
  }
  Shape shape;
  for (const element dimension : list) {
    std::int64_t length = 0;
    if (dimension.get_int64().get(length) != simdjson::SUCCESS || length < 1) {
      return RefuseOip(
          "{}: every dimension of the shape is a whole number of at least 1, {} is given", place,
          GivenText(dimension));
    }
    shape.push_back(length);
  }
  return shape;
}

/// Hands out the bytes behind the JSON, in the order of the inputs.
class BinaryPart {
 public:
  BinaryPart(std::string_view bytes, bool has_header) : rest_(bytes), has_header_(has_header) {}

  Result<std::string_view> Take(const element& size, std::string_view place) {
    std::uint64_t wanted = 0;
    if (size.get_uint64().get(wanted) != simdjson::SUCCESS) {
      return RefuseOip("{}: \"binary_data_size\" must be a number of bytes, {} is given", place,
                       GivenText(size));
    }
    if (!has_header_) {
      return RefuseOip("{}: binary data needs the header {}: the length of the JSON", place,
                       kHeaderInMessages);
    }
    if (wanted > rest_.size()) {
      return RefuseOip("{}: \"binary_data_size\" is {}, but {} bytes of the body are left", place,
                       wanted, rest_.size());
    }
    const std::string_view bytes = rest_.substr(0, static_cast<std::size_t>(wanted));
    rest_.remove_prefix(bytes.size());
    return bytes;
  }
  Status CheckUsedUp() const {
    if (rest_.empty()) return {};
    return RefuseOip("{} bytes of the body belong to no input: the sizes do not add up with {}",
                     rest_.size(), kHeaderInMessages);
  }

 private:
  std::string_view rest_;
  const bool has_header_;
};

/// Where the data are: behind the JSON, or in it.
Status TakeData(OipInput& input, const std::optional<element>& parameters,
                const std::optional<element>& data, BinaryPart& binary, std::string_view place) {
  static constexpr std::array<std::string_view, 2> kKeys = {"binary_data_size",
                                                            "shared_memory_region"};
  Fields<2> found;
  if (parameters) {
    PODIUM_TRY_ASSIGN(found, FieldsOf(*parameters, kKeys, fmt::format("{}: parameters", place)));
  }
  if (found[1]) return NotOffered(place, kKeys[1]);
  if (found[0] && data) {
    return RefuseOip("{}: \"data\" and \"binary_data_size\" are both given: send one of them",
                     place);
  }
  if (found[0]) {
    PODIUM_TRY_ASSIGN(input.bytes, binary.Take(*found[0], place));
    return {};
  }
  if (!data) return RefuseOip("{}: it has neither \"data\" nor \"binary_data_size\"", place);
  if (data->get_array().get(input.data) != simdjson::SUCCESS) {
    return RefuseOip("{}: \"data\" must be an array, {} is given", place, GivenText(*data));
  }
  return {};
}

Result<OipInput> ReadInput(const element& value, std::size_t index, BinaryPart& binary) {
  static constexpr std::array<std::string_view, 5> kKeys = {"name", "shape", "datatype",
                                                            "parameters", "data"};
  const std::string number = fmt::format("inputs[{}]", index);
  PODIUM_TRY_ASSIGN(const auto fields, FieldsOf(value, kKeys, number));
  OipInput input;
  PODIUM_TRY_ASSIGN(input.name, TextOf(fields[0], number + ": \"name\""));
  const std::string place = fmt::format("input \"{}\"", input.name);
  PODIUM_TRY_ASSIGN(input.shape, ShapeOf(fields[1], place));
  PODIUM_TRY_ASSIGN(const std::string_view type, TextOf(fields[2], place + ": \"datatype\""));
  const std::optional<DataType> known = ParseDataType(type);
  if (!known) {
    return RefuseOip(
        "{}: the datatype {} is not known: BOOL, UINT8 to UINT64, INT8 to INT64, FP16, "
        "BF16, FP32, FP64, BYTES",
        place, type);
  }
  input.type = *known;
  // Before anything is sized by it: the product may be beyond every integer.
  const auto count = ElementCount(input.shape);
  if (!count) return RefuseOip("{}: the shape has more elements than can be counted", place);
  input.count = static_cast<std::size_t>(*count);
  PODIUM_TRY(TakeData(input, fields[3], fields[4], binary, place));
  return input;
}

Result<OipOutput> ReadOutput(const element& value, std::size_t index, bool binary_by_default) {
  static constexpr std::array<std::string_view, 2> kKeys = {"name", "parameters"};
  static constexpr std::array<std::string_view, 3> kParameters = {"binary_data", "classification",
                                                                  "shared_memory_region"};
  const std::string number = fmt::format("outputs[{}]", index);
  PODIUM_TRY_ASSIGN(const auto fields, FieldsOf(value, kKeys, number));
  OipOutput output;
  output.binary = binary_by_default;
  PODIUM_TRY_ASSIGN(output.name, TextOf(fields[0], number + ": \"name\""));
  if (!fields[1]) return output;
  const std::string place = fmt::format("output \"{}\"", output.name);
  PODIUM_TRY_ASSIGN(const auto found, FieldsOf(*fields[1], kParameters, place + ": parameters"));
  if (found[1]) return NotOffered(place, kParameters[1]);
  if (found[2]) return NotOffered(place, kParameters[2]);
  if (found[0]) {
    PODIUM_TRY_ASSIGN(output.binary, FlagOf(*found[0], place + ": \"binary_data\""));
  }
  return output;
}

template <typename Named>
Status CheckNewName(const std::vector<Named>& before, std::string_view name,
                    std::string_view kind) {
  const bool there = std::any_of(before.begin(), before.end(),
                                 [&](const Named& other) { return other.name == name; });
  if (there) return RefuseOip("the {} \"{}\" comes twice", kind, name);
  return {};
}

Status ReadParameters(const element& value, OipRequest& request) {
  static constexpr std::array<std::string_view, 2> kKeys = {"binary_data_output", "session_id"};
  PODIUM_TRY_ASSIGN(const auto found, FieldsOf(value, kKeys, "parameters"));
  if (found[0]) {
    PODIUM_TRY_ASSIGN(request.binary, FlagOf(*found[0], "parameters: \"binary_data_output\""));
  }
  if (found[1]) {
    PODIUM_TRY_ASSIGN(request.session_id, TextOf(found[1], "parameters: \"session_id\""));
  }
  return {};
}

Result<OipRequest> ReadDocument(const element& root, BinaryPart binary) {
  static constexpr std::array<std::string_view, 4> kKeys = {"id", "parameters", "inputs",
                                                            "outputs"};
  PODIUM_TRY_ASSIGN(const auto fields, FieldsOf(root, kKeys, "the body"));
  OipRequest request;
  if (fields[0]) {
    PODIUM_TRY_ASSIGN(request.id, TextOf(fields[0], "\"id\""));
    PODIUM_TRY(CheckText("id", *request.id, limits::kMaxUnitBytes));
  }
  if (fields[1]) PODIUM_TRY(ReadParameters(*fields[1], request));
  PODIUM_TRY_ASSIGN(const array inputs, ListOf(fields[2], "\"inputs\""));
  for (const element value : inputs) {
    PODIUM_TRY_ASSIGN(OipInput input, ReadInput(value, request.inputs.size(), binary));
    PODIUM_TRY(CheckNewName(request.inputs, input.name, "input"));
    request.inputs.push_back(std::move(input));
  }
  PODIUM_TRY(binary.CheckUsedUp());
  if (!fields[3]) return request;
  PODIUM_TRY_ASSIGN(const array outputs, ListOf(fields[3], "\"outputs\""));
  for (const element value : outputs) {
    PODIUM_TRY_ASSIGN(const OipOutput output,
                      ReadOutput(value, request.outputs.size(), request.binary));
    PODIUM_TRY(CheckNewName(request.outputs, output.name, "output"));
    request.outputs.push_back(output);
  }
  return request;
}

/// The header's number, which must not lie about the body.
Result<std::size_t> HeaderBytes(std::string_view text, std::size_t body_bytes) {
  std::size_t bytes = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, bytes);
  if (error != std::errc() || stop != end) {
    return RefuseOip("{} must be a number of bytes, {} is given", kHeaderInMessages, text);
  }
  if (bytes > body_bytes) {
    return RefuseOip("{} is {}, but the body has {} bytes", kHeaderInMessages, bytes, body_bytes);
  }
  return bytes;
}

}  // namespace

Result<OipRequest> ReadOipRequest(JsonBody& json, std::string_view body,
                                  std::optional<std::string_view> header_bytes) {
  std::size_t json_bytes = body.size();
  if (header_bytes) {
    PODIUM_TRY_ASSIGN(json_bytes, HeaderBytes(*header_bytes, body.size()));
    if (json_bytes == 0) {
      OipRequest request;
      request.raw = body;
      request.binary = true;
      return request;
    }
  }
  PODIUM_TRY_ASSIGN(const element root, json.Parse(body.substr(0, json_bytes), kEmptyOipBody));
  return ReadDocument(root, BinaryPart(body.substr(json_bytes), header_bytes.has_value()));
}

}  // namespace podium::gateway
