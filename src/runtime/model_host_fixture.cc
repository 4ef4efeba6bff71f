// Makes the test executable its own `model-host`, with models that misbehave as their file says.

#include <csignal>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "runtime/misbehaving_loader.h"
#include "runtime/model_host.h"
#include "runtime/model_process.h"

namespace podium::runtime {
namespace {

// Before main, since GoogleTest has that: the C library hands us its arguments.
[[gnu::constructor]] void HostIfAsked(int argc, char** argv) {
  if (argc != 2 || std::string_view(argv[1]) != kModelHostVerb) return;
  // A crash is to end the process as it would without a sanitizer.
  for (const int number : {SIGSEGV, SIGABRT}) std::signal(number, SIG_DFL);
  std::_Exit(HostModel([](const VerifyOrder&) -> Result<std::shared_ptr<ModelLoader>> {
    return std::make_shared<MisbehavingLoader>(/*in_server=*/false);
  }));
}

}  // namespace
}  // namespace podium::runtime
