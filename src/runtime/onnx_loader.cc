#include "runtime/onnx_loader.h"

#include <dlfcn.h>

#include <cstdlib>
#include <mutex>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "runtime/call_memory.h"
#include "runtime/onnx_model.h"

namespace podium::runtime {
namespace {

constexpr std::string_view kLibraryName = "libonnxruntime.so.1.23.2";
constexpr std::string_view kFix = "`./run --build` puts it beside the binary";

// What goes wrong with one model comes back as an error value from the call that met it, so the
// library's own account of it is only detail.
void ORT_API_CALL LogFromOrt(void* /*param*/, OrtLoggingLevel severity, const char* /*category*/,
                             const char* /*id*/, const char* place, const char* message) {
  const ErrorLog level = severity >= ORT_LOGGING_LEVEL_FATAL ? ErrorLog::kError : ErrorLog::kDebug;
  Log(level, "ONNX Runtime: " + std::string(message), {{"place", place}});
}

/// Where the library's tables of functions are. Never closed: its threads and models may outlive
/// any owner.
Result<const OrtApiBase*> OpenLibrary(const std::filesystem::path& library) {
  std::error_code error;
  if (!std::filesystem::exists(library, error)) {
    return Fail(ErrorCode::kUnavailable, "ONNX Runtime is missing: there is no file {}: {}",
                library.string(), kFix);
  }
  // No telemetry, in builds of the library that have any. Read by the library when it starts.
  ::setenv("ORT_DISABLE_TELEMETRY", "1", /*replace=*/1);
  void* handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    return Fail(ErrorCode::kUnavailable, "ONNX Runtime cannot be opened: {}: {}", ::dlerror(),
                kFix);
  }
  using GetApiBase = const OrtApiBase*(ORT_API_CALL*)();
  const auto get_base = reinterpret_cast<GetApiBase>(::dlsym(handle, "OrtGetApiBase"));
  if (get_base == nullptr) {
    return Fail(ErrorCode::kUnavailable, "{} is not ONNX Runtime: it has no OrtGetApiBase: {}",
                library.string(), kFix);
  }
  if (get_base()->GetApi(ORT_API_VERSION) == nullptr) {
    return Fail(ErrorCode::kUnavailable, "{} is ONNX Runtime {}, too old for API version {}: {}",
                library.string(), get_base()->GetVersionString(), ORT_API_VERSION, kFix);
  }
  return get_base();
}

}  // namespace

struct OnnxLoader::Impl {
  std::shared_ptr<Ort::Env> env;
  const Clock& clock;
  std::size_t call_memory;
  std::string version;
};

std::filesystem::path DefaultOrtLibrary() {
  std::error_code error;
  const auto binary = std::filesystem::read_symlink("/proc/self/exe", error);
  return binary.parent_path() / kLibraryName;
}

OnnxLoader::OnnxLoader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
OnnxLoader::~OnnxLoader() = default;

Result<std::shared_ptr<OnnxLoader>> OnnxLoader::Open(const std::filesystem::path& library,
                                                     const Clock& clock, std::size_t call_memory) {
  static std::mutex opening;  // The library's table is one global of its C++ header.
  const std::lock_guard lock(opening);
  PODIUM_TRY_ASSIGN(const OrtApiBase* base, OpenLibrary(library));
  Ort::InitApi(base->GetApi(ORT_API_VERSION));
  return CatchOrt(ErrorCode::kUnavailable, [&]() -> Result<std::shared_ptr<OnnxLoader>> {
    auto env = std::make_shared<Ort::Env>(ORT_LOGGING_LEVEL_ERROR, "podium", LogFromOrt, nullptr);
    env->DisableTelemetryEvents();
    RegisterCallAllocator(*env);
    return std::shared_ptr<OnnxLoader>(new OnnxLoader(std::make_unique<Impl>(
        Impl{std::move(env), clock, call_memory, base->GetVersionString()})));
  });
}

const std::string& OnnxLoader::version() const { return impl_->version; }

Result<ModelHandle> OnnxLoader::Load(const std::filesystem::path& file,
                                     const std::string& declared) {
  return LoadTelling(file, declared, [] {});
}

Result<ModelHandle> OnnxLoader::LoadTelling(const std::filesystem::path& file,
                                            const std::string& declared,
                                            const std::function<void()>& warming) {
  auto signature = ParseSignature(declared);
  if (!signature) return Fail(ErrorCode::kUnprocessable, "{}", signature.error().message);
  PODIUM_TRY_ASSIGN(std::unique_ptr<OnnxModel> model,
                    OnnxModel::Read(impl_->env, file, *signature, impl_->call_memory));
  warming();
  PODIUM_TRY(model->WarmUp(impl_->clock));
  return ModelHandle(std::move(model));
}

}  // namespace podium::runtime
