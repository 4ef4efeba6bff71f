#include "app/guard_options.h"

#include "runtime/model_process.h"
#include "runtime/onnx_loader.h"

namespace podium::app {

std::filesystem::path OrtLibrary(const Settings& settings) {
  return settings.onnxruntime.empty() ? runtime::DefaultOrtLibrary() : settings.onnxruntime;
}

runtime::GuardOptions GuardOptionsOf(const Settings& settings) {
  runtime::GuardOptions options;
  options.program = runtime::ThisProgram();
  options.ort_library = OrtLibrary(settings);
  options.load_memory = settings.load_memory;
  options.call_memory = settings.call_memory;
  options.load_timeout = settings.load_timeout;
  options.inference_timeout = settings.inference_timeout;
  return options;
}

}  // namespace podium::app
