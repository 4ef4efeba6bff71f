// What fails again and again, said once.
#pragma once

#include <string_view>

#include "base/log.h"
#include "base/result.h"

namespace podium::app {

/// Says once that something fails, and once that it works again. Threads: one at a time.
class Trouble {
 public:
  /// Both texts outlive it.
  constexpr Trouble(std::string_view what, std::string_view well) : what_(what), well_(well) {}

  void Note(const Status& status) {
    if (!status && !failing_) LogWarning(what_, {{"error", Describe(status.error())}});
    if (status && failing_) LogInfo(well_, {});
    failing_ = !status;
  }
  bool going_on() const { return failing_; }

 private:
  const std::string_view what_;
  const std::string_view well_;
  bool failing_ = false;
};

}  // namespace podium::app
