// The settings of shadows: routes.<tag>.shadow.
#include <charconv>
#include <cmath>
#include <utility>

#include "app/setting_rows.h"
#include "app/setting_table.h"
#include "domain/names.h"

namespace podium::app {
namespace {

SettingRow RateRow() {
  SettingRow row = Row("routes.*.shadow.rate", "number",
                       "Share of the route's traffic that its shadows get copies of; said once, "
                       "the registry has it from then on.");
  row.range = "0..1";
  row.set = [](Settings& settings, const std::string& tag,
               const std::vector<std::string>& values) -> Status {
    const std::string& text = values.at(0);
    double rate = -1;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), rate);
    const bool read = failed == std::errc() && end == text.data() + text.size();
    const Result<BasisPoints> share = BasisPoints::FromPercent(read ? rate * 100.0 : -1);
    if (!share) return OutOfRange(text, "0", "1");
    settings.shadows[tag].plan.rate = *share;
    return {};
  };
  row.show = [](const Settings&) { return std::string(); };
  return row;
}

SettingRow CapRow() {
  SettingRow row = Row("routes.*.shadow.daily_cost_cap_usd", "dollars",
                       "What copies to providers may cost in a day (UTC); 0: none is sent.");
  row.range = "0..1000000";
  row.set = [](Settings& settings, const std::string& tag,
               const std::vector<std::string>& values) -> Status {
    const std::optional<NanoUsd> amount = ParseUsd(values.at(0));
    ShadowPlan plan;
    if (amount) plan.daily_cap = *amount;
    if (!amount || !Validate(plan)) return OutOfRange(values.at(0), "0", "1000000");
    settings.shadows[tag].plan.daily_cap = *amount;
    return {};
  };
  row.show = [](const Settings&) { return std::string("10"); };
  return row;
}

SettingRow ShadowTextRow(std::string_view path, std::string_view type,
                         std::string ShadowSettings::* member, std::string_view help) {
  SettingRow row = Row(path, type, help);
  row.set = [member](Settings& settings, const std::string& tag,
                     const std::vector<std::string>& values) -> Status {
    const Status checked = CheckText("it", values.at(0), limits::kMaxModelNameBytes);
    if (!checked || values.at(0).empty()) {
      return Fail(ErrorCode::kInvalidArgument, "must be 1 to {} bytes of text",
                  limits::kMaxModelNameBytes);
    }
    settings.shadows[tag].*member = values.at(0);
    return {};
  };
  row.show = [](const Settings&) { return std::string(); };
  return row;
}

}  // namespace

std::vector<SettingRow> ShadowSettingRows() {
  return {
      RateRow(),
      CapRow(),
      ShadowTextRow("routes.*.shadow.provider", "provider", &ShadowSettings::provider,
                    "Of a shadow that is registered if it is not there yet."),
      ShadowTextRow("routes.*.shadow.model", "text", &ShadowSettings::upstream_model,
                    "And the model's name there."),
  };
}

}  // namespace podium::app
