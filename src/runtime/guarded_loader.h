// A loader that lets a model show in a process of its own that it loads and warms up, before it may
// do so in this one.
#pragma once

#include <memory>
#include <string>

#include "runtime/guard.h"
#include "runtime/model_runtime.h"

namespace podium::runtime {

/// What is proven is remembered beside the file, in its folder: a restart does not ask again.
/// Threads: as ModelLoader.
class GuardedLoader final : public ModelLoader {
 public:
  GuardedLoader(std::shared_ptr<Guard> guard, std::shared_ptr<ModelLoader> inner)
      : guard_(std::move(guard)), inner_(std::move(inner)) {}

  Result<ModelHandle> Load(const std::filesystem::path& file, const std::string& declared) override;
  /// kUnprocessable, with what happened, when it does harm there; crashes and hunger for memory
  /// also put it into quarantine, unless it has proved itself under another signature. Too slow a
  /// load is tried again: the machine may be to blame. kUnavailable when the system has no process
  /// for us.
  Result<ModelHandle> LoadTelling(const std::filesystem::path& file, const std::string& declared,
                                  const std::function<void()>& warming) override;

 private:
  Status Prove(const ModelFile& model) const;
  Result<ModelHandle> LoadHere(const ModelFile& model, const std::function<void()>& warming) const;

  const std::shared_ptr<Guard> guard_;
  const std::shared_ptr<ModelLoader> inner_;
};

}  // namespace podium::runtime
