#include "runtime/frame.h"

#include <cstring>
#include <type_traits>
#include <utility>

#include "base/assert.h"
#include "runtime/harm_limits.h"

namespace podium::runtime {
namespace {

constexpr std::size_t kHeaderBytes = sizeof(std::uint64_t) + 1;
constexpr std::uint64_t kMaxRank = 64;  ///< Dimensions of one tensor.

class Writer {
 public:
  template <typename T>
    requires std::is_arithmetic_v<T>
  void Put(T value) {
    const std::size_t at = out_.size();
    out_.resize(at + sizeof(T));
    std::memcpy(out_.data() + at, &value, sizeof(T));
  }
  void Put(std::string_view text) {
    Put(static_cast<std::uint64_t>(text.size()));
    out_ += text;
  }
  std::string Take() { return std::move(out_); }

 private:
  std::string out_;
};

/// Every Get says whether there was enough; one that failed makes all later ones fail.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  template <typename T>
    requires std::is_arithmetic_v<T>
  T Get() {
    T value{};
    if (!Has(sizeof(T))) return value;
    std::memcpy(&value, rest_.data(), sizeof(T));
    rest_.remove_prefix(sizeof(T));
    return value;
  }
  std::string_view Text() {
    const auto size = Get<std::uint64_t>();
    if (!Has(size)) return {};
    const std::string_view text = rest_.substr(0, static_cast<std::size_t>(size));
    rest_.remove_prefix(text.size());
    return text;
  }
  /// A count of things that take at least `least` bytes each.
  std::uint64_t Count(std::size_t least) {
    const auto count = Get<std::uint64_t>();
    if (count <= rest_.size() / least) return count;
    ok_ = false;
    return 0;
  }
  bool ok() const { return ok_; }
  Status Finish() const {
    if (ok_ && rest_.empty()) return {};
    return Fail(ErrorCode::kInternal, "the model's process sent a message that makes no sense");
  }

 private:
  bool Has(std::uint64_t size) {
    ok_ = ok_ && size <= rest_.size();
    return ok_;
  }

  std::string_view rest_;
  bool ok_ = true;
};

void PutTensor(Writer& out, const Tensor& tensor) {
  out.Put(tensor.name);
  out.Put(static_cast<std::uint8_t>(tensor.type));
  out.Put(static_cast<std::uint64_t>(tensor.shape.size()));
  for (const std::int64_t dimension : tensor.shape) out.Put(dimension);
  if (tensor.type != DataType::kBytes) {
    out.Put(
        std::string_view(reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size()));
    return;
  }
  out.Put(static_cast<std::uint64_t>(tensor.strings.size()));
  for (const std::string& text : tensor.strings) out.Put(text);
}

// False when shape, type and content do not agree.
bool GetTensor(Reader& in, Tensor& tensor) {
  tensor.name = in.Text();
  const auto type = in.Get<std::uint8_t>();
  const std::uint64_t rank = in.Count(sizeof(std::int64_t));
  if (!in.ok() || type >= kDataTypeCount || rank > kMaxRank) return false;
  tensor.type = static_cast<DataType>(type);
  for (std::uint64_t i = 0; i < rank; ++i) tensor.shape.push_back(in.Get<std::int64_t>());
  const auto elements = ElementCount(tensor.shape);
  if (!elements || *elements < 0) return false;
  if (tensor.type == DataType::kBytes) {
    const std::uint64_t count = in.Count(sizeof(std::uint64_t));
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) tensor.strings.emplace_back(in.Text());
    return in.ok() && count == static_cast<std::uint64_t>(*elements);
  }
  const std::string_view data = in.Text();
  const auto* bytes = reinterpret_cast<const std::byte*>(data.data());
  tensor.data.assign(bytes, bytes + data.size());
  const std::uint64_t width = WidthOf(tensor.type);
  return in.ok() && data.size() / width == static_cast<std::uint64_t>(*elements) &&
         data.size() % width == 0;
}

}  // namespace

std::string Encode(const VerifyOrder& order) {
  Writer out;
  out.Put(order.file);
  out.Put(order.signature);
  out.Put(order.ort_library);
  out.Put(order.memory_bytes);
  out.Put(order.cpu_seconds);
  out.Put(order.call_memory_bytes);
  return out.Take();
}

std::string Encode(const ReadyNote& note) {
  Writer out;
  out.Put(static_cast<std::int64_t>(note.time_per_row.count()));
  out.Put(note.warning);
  return out.Take();
}

std::string Encode(const Error& error) {
  Writer out;
  out.Put(static_cast<std::uint8_t>(error.code));
  out.Put(Describe(error));
  return out.Take();
}

std::string Encode(std::span<const Tensor> tensors) {
  Writer out;
  out.Put(static_cast<std::uint64_t>(tensors.size()));
  for (const Tensor& tensor : tensors) PutTensor(out, tensor);
  return out.Take();
}

Result<VerifyOrder> DecodeOrder(std::string_view payload) {
  Reader in(payload);
  VerifyOrder order;
  order.file = in.Text();
  order.signature = in.Text();
  order.ort_library = in.Text();
  order.memory_bytes = in.Get<std::uint64_t>();
  order.cpu_seconds = in.Get<std::uint64_t>();
  order.call_memory_bytes = in.Get<std::uint64_t>();
  PODIUM_TRY(in.Finish());
  return order;
}

Result<ReadyNote> DecodeReady(std::string_view payload) {
  Reader in(payload);
  ReadyNote note;
  note.time_per_row = std::chrono::nanoseconds(in.Get<std::int64_t>());
  note.warning = in.Text();
  PODIUM_TRY(in.Finish());
  return note;
}

Result<Error> DecodeError(std::string_view payload) {
  Reader in(payload);
  const auto code = in.Get<std::uint8_t>();
  Error error;
  error.message = in.Text();
  PODIUM_TRY(in.Finish());
  error.code = code < kErrorCodeCount ? static_cast<ErrorCode>(code) : ErrorCode::kInternal;
  return error;
}

Result<std::vector<Tensor>> DecodeTensors(std::string_view payload) {
  constexpr std::size_t kLeastTensorBytes = 25;
  Reader in(payload);
  const std::uint64_t count = in.Count(kLeastTensorBytes);
  if (count > limits::kMaxFrameTensors) {
    return Fail(ErrorCode::kTooLarge, "the model's process sent {} tensors, more than {}", count,
                limits::kMaxFrameTensors);
  }
  std::vector<Tensor> tensors(static_cast<std::size_t>(count));
  for (Tensor& tensor : tensors) {
    if (GetTensor(in, tensor)) continue;
    return Fail(ErrorCode::kInternal, "the model's process sent a tensor that makes no sense");
  }
  PODIUM_TRY(in.Finish());
  return tensors;
}

std::string Sealed(FrameKind kind, std::string_view payload) {
  PODIUM_ASSERT(payload.size() <= limits::kMaxFrameBytes);
  Writer out;
  out.Put(static_cast<std::uint64_t>(payload.size()));
  out.Put(static_cast<std::uint8_t>(kind));
  return out.Take().append(payload);
}

Result<std::optional<Frame>> TakeFrame(std::string& buffer) {
  if (buffer.size() < kHeaderBytes) return std::optional<Frame>();
  Reader in(buffer);
  const auto size = in.Get<std::uint64_t>();
  const auto kind = in.Get<std::uint8_t>();
  if (kind >= kFrameKinds) {
    return Fail(ErrorCode::kInternal, "the model's process sent a message of no known kind");
  }
  if (size > limits::kMaxFrameBytes) {
    return Fail(ErrorCode::kTooLarge, "the model's process announced {} bytes, more than {}", size,
                limits::kMaxFrameBytes);
  }
  const auto length = static_cast<std::size_t>(size);
  if (buffer.size() - kHeaderBytes < length) return std::optional<Frame>();
  Frame frame{static_cast<FrameKind>(kind), buffer.substr(kHeaderBytes, length)};
  buffer.erase(0, kHeaderBytes + length);
  return std::optional(std::move(frame));
}

}  // namespace podium::runtime
