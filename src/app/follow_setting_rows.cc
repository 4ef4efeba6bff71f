// The settings of routes that follow a registered model.
#include <vector>

#include "app/setting_rows.h"

namespace podium::app {

std::vector<SettingRow> FollowSettingRows() {
  using namespace std::chrono_literals;
  return {
      DurationRow("follow.poll_interval", Of(&Settings::follow_poll), 1s, 1h,
                  "How often each followed model is looked at, give or take a tenth, in case "
                  "nothing told of a change."),
      ChoiceRow("follow.trust", "true or false", Of(&Settings::follow_trust), kYesNo,
                "Whether MLflow's registry counts as a named person: its champion and challenger "
                "then serve even if their signature does not fit the primary's callers."),
  };
}

}  // namespace podium::app
