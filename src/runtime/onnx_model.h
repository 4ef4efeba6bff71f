// One ONNX model in memory. Private to the adapter: the only header that shows ONNX Runtime's
// types.
#pragma once

#include <onnxruntime_cxx_api.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "domain/model.h"
#include "runtime/signature.h"

namespace podium::runtime {

/// Runs `work` and turns the library's exceptions into our error: they end here and nowhere else.
template <typename Work>
auto CatchOrt(ErrorCode code, Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const Ort::Exception& error) {
    return Fail(code, "{}", error.what());
  } catch (const std::exception& error) {  // Such as bad_alloc for a tensor of absurd size.
    return Fail(code, "{}", error.what());
  }
}

/// Threads: Run from any number of threads; the session itself has no others.
class OnnxModel final : public LoadedModel {
 public:
  /// Reads the file and settles the signature. kUnprocessable when either cannot be served. One
  /// call may use `call_memory` bytes for what it computes.
  static Result<std::unique_ptr<OnnxModel>> Read(std::shared_ptr<Ort::Env> env,
                                                 const std::filesystem::path& file,
                                                 const DeclaredSignature& declared,
                                                 std::size_t call_memory);
  /// Runs on zeros: proves that an answer comes back and measures how long one row takes.
  Status WarmUp(const Clock& clock);

  const Signature& signature() const override { return signature_; }
  Result<std::vector<Tensor>> Run(std::span<const Tensor> inputs) const override;
  std::chrono::nanoseconds time_per_row() const override { return time_per_row_; }
  std::string_view warning() const override { return warning_; }
  std::unique_ptr<ModelRun> NewRun() const override;

 private:
  class StoppableRun;

  OnnxModel(std::shared_ptr<Ort::Env> env, Ort::Session session, Signature signature,
            std::size_t call_memory);
  Result<std::vector<Tensor>> RunWith(const Ort::RunOptions& options,
                                      std::span<const Tensor> inputs) const;
  Result<std::vector<Tensor>> RunChecked(const Ort::RunOptions& options,
                                         std::span<const Tensor> inputs) const;

  std::shared_ptr<Ort::Env> env_;  // Must outlive the session.
  mutable Ort::Session session_;   // Run is safe from several threads, but not marked const.
  Ort::MemoryInfo memory_;
  Signature signature_;
  const std::size_t call_memory_;
  std::string warning_;
  std::vector<const char*> output_names_;  // Into signature_.
  std::chrono::nanoseconds time_per_row_{0};
};

}  // namespace podium::runtime
