#include "testing/sim/sim_loader.h"

#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>

namespace podium::testing {
namespace {

/// One number a row in, the artifact's number a row out.
class SimModel final : public LoadedModel {
 public:
  SimModel(int number, std::chrono::nanoseconds per_row) : number_(number), per_row_(per_row) {}

  const Signature& signature() const override { return signature_; }
  Result<std::vector<Tensor>> Run(std::span<const Tensor> inputs) const override {
    Tensor out{"y", DataType::kInt64, {inputs[0].shape[0]}, {}, {}};
    out.data.resize(static_cast<std::size_t>(inputs[0].shape[0]) * sizeof(std::int64_t));
    for (std::int64_t i = 0; i < inputs[0].shape[0]; ++i) out.As<std::int64_t>()[i] = number_;
    return std::vector<Tensor>{std::move(out)};
  }
  std::chrono::nanoseconds time_per_row() const override { return per_row_; }

 private:
  const std::int64_t number_;
  const std::chrono::nanoseconds per_row_;
  const Signature signature_{
      {{"x", DataType::kFp64, {-1, 1}}}, {{"y", DataType::kInt64, {-1}}}, {}};
};

std::optional<int> NumberIn(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

Result<ModelHandle> SimLoader::Load(const std::filesystem::path& file, const std::string&) {
  const std::optional<int> number = NumberIn(file);
  if (!number) {
    ++faults_[SimFault::kCorruptArtifact];
    return Fail(ErrorCode::kUnprocessable, "these bytes are no model");
  }
  const ArtifactFate before = fates_[*number];
  if (before.takes > std::chrono::seconds(1)) ++faults_[SimFault::kLoadSlow];
  if (!pass_(before.takes)) return Fail(ErrorCode::kUnavailable, "the process is dead");
  ArtifactFate& fate = fates_[*number];
  if (fate.broken) {
    ++faults_[fate.has_loaded ? SimFault::kLoadFailedLater : SimFault::kLoadFailed];
    fate.has_failed = true;
    return Fail(ErrorCode::kUnprocessable, "artifact {} does not load now", *number);
  }
  if (fate.has_failed) ++faults_[SimFault::kLoadRecovered];
  fate.has_failed = false;
  fate.has_loaded = true;
  return ModelHandle(std::make_shared<SimModel>(*number, fate.per_row));
}

}  // namespace podium::testing
