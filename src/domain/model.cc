#include "domain/model.h"

namespace podium {

std::string_view NameOf(LoadState state) {
  switch (state) {
    case LoadState::kRequested:
      return "requested";
    case LoadState::kDownloading:
      return "downloading";
    case LoadState::kVerifying:
      return "verifying";
    case LoadState::kLoading:
      return "loading";
    case LoadState::kWarming:
      return "warming";
    case LoadState::kReady:
      return "ready";
    case LoadState::kDraining:
      return "draining";
    case LoadState::kUnloaded:
      return "unloaded";
    case LoadState::kFailed:
      return "failed";
  }
  return "unloaded";
}

}  // namespace podium
