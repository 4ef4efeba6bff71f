// Loads .onnx files by ONNX Runtime, whose library is opened at run time from a path we are given.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "runtime/harm_limits.h"
#include "runtime/model_runtime.h"

namespace podium::runtime {

/// Beside the running executable, where the build puts it.
std::filesystem::path DefaultOrtLibrary();

/// One session per model on one thread: parallelism comes from calls, not from within one.
/// Models keep the library in use and may outlive the loader.
/// Threads: all methods from any thread.
class OnnxLoader : public ModelLoader {
 public:
  /// Opens the library once per process and never closes it (its threads and its models may outlive
  /// any owner). `clock` measures warm-ups and must outlive the loader.
  /// One call of a model may use `call_memory` bytes for what it computes; more is its error.
  /// kUnavailable naming the path and the fix when the library is missing or too old.
  static Result<std::shared_ptr<OnnxLoader>> Open(const std::filesystem::path& library,
                                                  const Clock& clock,
                                                  std::size_t call_memory = limits::kCallMemory);
  ~OnnxLoader() override;

  const std::string& version() const;  ///< Of the library, "1.23.2".

  Result<ModelHandle> Load(const std::filesystem::path& file, const std::string& declared) override;
  Result<ModelHandle> LoadTelling(const std::filesystem::path& file, const std::string& declared,
                                  const std::function<void()>& warming) override;

 private:
  struct Impl;
  explicit OnnxLoader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace podium::runtime
