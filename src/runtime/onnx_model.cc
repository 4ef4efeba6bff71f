#include "runtime/onnx_model.h"

#include <onnxruntime_session_options_config_keys.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "runtime/call_memory.h"

namespace podium::runtime {
namespace {

/// Warm-up: runs that are timed after an untimed one. A model that takes long gets fewer.
constexpr int kWarmUpRuns = 7;
constexpr std::chrono::seconds kWarmUpBudget{2};

struct TypeRow {
  DataType ours;
  ONNXTensorElementDataType theirs;
};
constexpr std::array<TypeRow, kDataTypeCount> kTypes = {{
    {DataType::kBool, ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL},
    {DataType::kUint8, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8},
    {DataType::kUint16, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT16},
    {DataType::kUint32, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT32},
    {DataType::kUint64, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT64},
    {DataType::kInt8, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8},
    {DataType::kInt16, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16},
    {DataType::kInt32, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32},
    {DataType::kInt64, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64},
    {DataType::kFp16, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16},
    {DataType::kBf16, ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16},
    {DataType::kFp32, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT},
    {DataType::kFp64, ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE},
    {DataType::kBytes, ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING},
}};

ONNXTensorElementDataType ToOrt(DataType type) {
  return kTypes[static_cast<std::size_t>(type)].theirs;
}

std::optional<DataType> FromOrt(ONNXTensorElementDataType type) {
  const auto* found = std::find_if(kTypes.begin(), kTypes.end(),
                                   [type](const TypeRow& row) { return row.theirs == type; });
  if (found == kTypes.end()) return std::nullopt;
  return found->ours;
}

Result<TensorSpec> SpecOf(std::string name, const Ort::TypeInfo& info, std::string_view kind) {
  if (info.GetONNXType() != ONNX_TYPE_TENSOR) {
    return Fail(ErrorCode::kUnprocessable,
                "{} \"{}\" is not a tensor but a sequence, map or optional: export the model "
                "without it (skl2onnx: options={{\"zipmap\": False}})",
                kind, name);
  }
  const auto tensor = info.GetTensorTypeAndShapeInfo();
  const auto type = FromOrt(tensor.GetElementType());
  if (!type) {
    return Fail(ErrorCode::kUnprocessable,
                "{} \"{}\" has ONNX element type {}, which no protocol of Podium carries", kind,
                name, static_cast<int>(tensor.GetElementType()));
  }
  Shape shape = tensor.GetShape();
  // Some exporters write other negative numbers or 0 where they mean "any".
  for (std::int64_t& dimension : shape) dimension = dimension > 0 ? dimension : -1;
  return TensorSpec{std::move(name), *type, std::move(shape)};
}

Result<Signature> SignatureOf(const Ort::Session& session) {
  const Ort::AllocatorWithDefaultOptions allocator;
  Signature signature;
  for (std::size_t i = 0; i < session.GetInputCount(); ++i) {
    PODIUM_TRY_ASSIGN(TensorSpec spec, SpecOf(session.GetInputNameAllocated(i, allocator).get(),
                                              session.GetInputTypeInfo(i), "input"));
    signature.inputs.push_back(std::move(spec));
  }
  for (std::size_t i = 0; i < session.GetOutputCount(); ++i) {
    PODIUM_TRY_ASSIGN(TensorSpec spec, SpecOf(session.GetOutputNameAllocated(i, allocator).get(),
                                              session.GetOutputTypeInfo(i), "output"));
    signature.outputs.push_back(std::move(spec));
  }
  if (signature.inputs.empty() || signature.outputs.empty()) {
    return Fail(ErrorCode::kUnprocessable, "the model has no {}",
                signature.inputs.empty() ? "inputs" : "outputs");
  }
  return signature;
}

/// One thread per call and no spinning: the cores belong to the event loops.
Ort::SessionOptions MakeOptions() {
  Ort::SessionOptions options;
  options.SetIntraOpNumThreads(1);
  options.SetInterOpNumThreads(1);
  options.SetExecutionMode(ORT_SEQUENTIAL);
  options.AddConfigEntry("session.intra_op.allow_spinning", "0");
  options.AddConfigEntry("session.inter_op.allow_spinning", "0");
  options.AddConfigEntry(kOrtSessionOptionsConfigUseEnvAllocators, "1");  // CallMemory's.
  return options;
}

Ort::Value ToValue(const Tensor& tensor, const Ort::MemoryInfo& memory) {
  if (tensor.type != DataType::kBytes) {
    // The library wants a place even for no elements; it never writes to inputs.
    static std::byte nothing[8];
    auto* data = tensor.data.empty() ? nothing : const_cast<std::byte*>(tensor.data.data());
    return Ort::Value::CreateTensor(memory, data, tensor.data.size(), tensor.shape.data(),
                                    tensor.shape.size(), ToOrt(tensor.type));
  }
  const Ort::AllocatorWithDefaultOptions allocator;
  auto value = Ort::Value::CreateTensor(allocator, tensor.shape.data(), tensor.shape.size(),
                                        ToOrt(tensor.type));
  for (std::size_t i = 0; i < tensor.strings.size(); ++i) {
    const std::string& text = tensor.strings[i];  // May hold zero bytes: copied by length.
    char* buffer = value.GetResizedStringTensorElementBuffer(i, text.size());
    std::memcpy(buffer, text.data(), text.size());
  }
  return value;
}

Result<Tensor> FromValue(const Ort::Value& value, const TensorSpec& spec) {
  if (!value.HasValue() || !value.IsTensor()) {
    return Fail(ErrorCode::kInternal, "output \"{}\" is not a tensor", spec.name);
  }
  const auto info = value.GetTensorTypeAndShapeInfo();
  if (info.GetElementType() != ToOrt(spec.type)) {
    return Fail(ErrorCode::kInternal, "output \"{}\" is not {}", spec.name, NameOf(spec.type));
  }
  Tensor tensor{spec.name, spec.type, info.GetShape(), {}, {}};
  const std::size_t count = info.GetElementCount();
  if (spec.type == DataType::kBytes) {
    tensor.strings.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      tensor.strings.push_back(value.GetStringTensorElement(i));
    }
    return tensor;
  }
  const auto* bytes = static_cast<const std::byte*>(count > 0 ? value.GetTensorRawData() : nullptr);
  tensor.data.assign(bytes, bytes + count * WidthOf(spec.type));
  return tensor;
}

Result<Tensor> Zeros(const TensorSpec& spec) {
  Tensor tensor{spec.name, spec.type, spec.shape, {}, {}};
  std::replace(tensor.shape.begin(), tensor.shape.end(), std::int64_t{-1}, std::int64_t{1});
  constexpr std::int64_t kMostElements = std::int64_t{1} << 28U;
  const auto count = ElementCount(tensor.shape);
  if (!count || *count > kMostElements) {
    return Fail(ErrorCode::kUnprocessable, "input \"{}\" has shape {}: more than {} elements",
                spec.name, FormatShape(spec.shape), kMostElements);
  }
  const auto size = static_cast<std::size_t>(*count);
  if (spec.type == DataType::kBytes) tensor.strings.resize(size);
  tensor.data.resize(size * WidthOf(spec.type));
  return tensor;
}

template <typename T>
bool HasNan(const Tensor& tensor) {
  const T* values = tensor.As<T>();
  return std::any_of(values, values + tensor.data.size() / sizeof(T),
                     [](T value) { return std::isnan(value); });
}

/// Zeros may well be outside what a model is made for (a logarithm), so NaN is told and no failure.
std::string WarningOf(const std::vector<Tensor>& answer) {
  for (const Tensor& output : answer) {
    const bool nan = (output.type == DataType::kFp32 && HasNan<float>(output)) ||
                     (output.type == DataType::kFp64 && HasNan<double>(output));
    if (nan) return "answered NaN to zeros in output \"" + output.name + '"';
  }
  return "";
}

/// Rows in one warm-up run: more than one only for models with a fixed batch.
std::int64_t RowsOf(const std::vector<Tensor>& inputs) {
  const Shape& shape = inputs.front().shape;
  return shape.empty() ? 1 : std::max<std::int64_t>(shape.front(), 1);
}

}  // namespace

/// A run with options of its own, since stopping is a mark on the options.
class OnnxModel::StoppableRun final : public ModelRun {
 public:
  explicit StoppableRun(const OnnxModel& model)
      : model_(model), options_(std::exchange(t_spare_, Ort::RunOptions{nullptr})) {
    if (!options_) options_ = Ort::RunOptions();
  }
  ~StoppableRun() override {
    if (!stopped_.load(std::memory_order_relaxed)) t_spare_ = std::move(options_);
  }
  StoppableRun(const StoppableRun&) = delete;
  StoppableRun& operator=(const StoppableRun&) = delete;

  Result<std::vector<Tensor>> Run(std::span<const Tensor> inputs) override {
    auto outputs = model_.RunWith(options_, inputs);
    if (outputs || !stopped_.load(std::memory_order_relaxed)) return outputs;
    return Fail(ErrorCode::kDeadline, "the model was stopped: it took too long for these rows");
  }
  void Stop() override {
    stopped_.store(true, std::memory_order_relaxed);
    options_.SetTerminate();
  }

 private:
  /// Options that an earlier run of this thread has left as they were: making new ones takes as
  /// long as a small model does.
  static thread_local Ort::RunOptions t_spare_;

  const OnnxModel& model_;
  Ort::RunOptions options_;
  std::atomic<bool> stopped_{false};
};

thread_local Ort::RunOptions OnnxModel::StoppableRun::t_spare_{nullptr};

OnnxModel::OnnxModel(std::shared_ptr<Ort::Env> env, Ort::Session session, Signature signature,
                     std::size_t call_memory)
    : env_(std::move(env)),
      session_(std::move(session)),
      memory_(Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault)),
      signature_(std::move(signature)),
      call_memory_(call_memory) {
  for (const TensorSpec& output : signature_.outputs) output_names_.push_back(output.name.c_str());
}

Result<std::unique_ptr<OnnxModel>> OnnxModel::Read(std::shared_ptr<Ort::Env> env,
                                                   const std::filesystem::path& file,
                                                   const DeclaredSignature& declared,
                                                   std::size_t call_memory) {
  return CatchOrt(ErrorCode::kUnprocessable, [&]() -> Result<std::unique_ptr<OnnxModel>> {
    Ort::Session session(*env, file.c_str(), MakeOptions());
    PODIUM_TRY_ASSIGN(const Signature own, SignatureOf(session));
    PODIUM_TRY_ASSIGN(Signature served, Reconcile(own, declared));
    return std::unique_ptr<OnnxModel>(
        new OnnxModel(std::move(env), std::move(session), std::move(served), call_memory));
  });
}

Status OnnxModel::WarmUp(const Clock& clock) {
  std::vector<Tensor> inputs;
  for (const TensorSpec& spec : signature_.inputs) {
    PODIUM_TRY_ASSIGN(Tensor tensor, Zeros(spec));
    inputs.push_back(std::move(tensor));
  }
  std::vector<std::chrono::nanoseconds> times;
  const SteadyTime start = clock.SteadyNow();
  for (int i = 0; i <= kWarmUpRuns; ++i) {
    const SteadyTime before = clock.SteadyNow();
    const auto answer = Run(inputs);
    const SteadyTime after = clock.SteadyNow();
    if (!answer) {
      return Fail(ErrorCode::kUnprocessable, "the model fails its warm-up on zeros: {}",
                  answer.error().message);
    }
    if (i == 0) warning_ = WarningOf(*answer);
    // The first run also allocates; it counts only when there is no time for another.
    const bool last = after - start > kWarmUpBudget;
    if (i > 0 || last) times.push_back(after - before);
    if (last) break;
  }
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  time_per_row_ = *middle / RowsOf(inputs);
  return {};
}

Result<std::vector<Tensor>> OnnxModel::Run(std::span<const Tensor> inputs) const {
  return RunWith(Ort::RunOptions{nullptr}, inputs);
}

std::unique_ptr<ModelRun> OnnxModel::NewRun() const {
  return std::make_unique<StoppableRun>(*this);
}

Result<std::vector<Tensor>> OnnxModel::RunWith(const Ort::RunOptions& options,
                                               std::span<const Tensor> inputs) const {
  PODIUM_TRY(CheckInputs(signature_, inputs));
  const CallMemory bound(call_memory_);
  return CatchOrt(ErrorCode::kInternal, [&] { return RunChecked(options, inputs); });
}

Result<std::vector<Tensor>> OnnxModel::RunChecked(const Ort::RunOptions& options,
                                                  std::span<const Tensor> inputs) const {
  std::vector<const char*> names;
  std::vector<Ort::Value> values;
  names.reserve(inputs.size());
  values.reserve(inputs.size());
  for (const Tensor& tensor : inputs) {
    names.push_back(tensor.name.c_str());
    values.push_back(ToValue(tensor, memory_));
  }
  const auto answers = session_.Run(options, names.data(), values.data(), values.size(),
                                    output_names_.data(), output_names_.size());
  std::vector<Tensor> outputs;
  outputs.reserve(answers.size());
  for (std::size_t i = 0; i < answers.size(); ++i) {
    PODIUM_TRY_ASSIGN(Tensor tensor, FromValue(answers[i], signature_.outputs[i]));
    outputs.push_back(std::move(tensor));
  }
  PODIUM_TRY(CheckOutputs(signature_, outputs));
  return outputs;
}

}  // namespace podium::runtime
