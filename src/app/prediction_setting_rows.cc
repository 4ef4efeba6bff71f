// The settings of the prediction log. Of one route: `predictions.routes.<route>.*`, in the file.
#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "app/prediction_settings.h"
#include "app/setting_rows.h"

namespace podium::app {
namespace {

using Values = std::vector<std::string>;
using predictions::Payloads;
using predictions::RouteLogging;
using predictions::Units;

constexpr std::size_t kMaxRedactions = 64;
constexpr auto kPayloadWords = std::to_array<std::pair<std::string_view, Payloads>>(
    {{"none", Payloads::kNone}, {"request", Payloads::kRequest}, {"all", Payloads::kAll}});
constexpr auto kUnitWords = std::to_array<std::pair<std::string_view, Units>>(
    {{"plain", Units::kPlain}, {"hashed", Units::kHashed}});

template <typename T>
auto OfPredictions(T PredictionSettings::* member) {
  return [member](Settings& settings, const std::string&) -> T& {
    return settings.predictions.*member;
  };
}
template <typename T>
auto OfAllRoutes(T RouteLogging::* member) {
  return [member](Settings& settings, const std::string&) -> T& {
    return settings.predictions.all.*member;
  };
}
template <typename T>
auto OfLoggedRoute(T RoutePredictionSettings::* member) {
  return [member](Settings& settings, const std::string& name) -> T& {
    return settings.predictions.routes[name].*member;
  };
}

// What a route does not say is shown as nothing.
SettingRow Unshown(SettingRow row) {
  row.show = [](const Settings&) { return std::string(); };
  return row;
}

template <typename Slot>
SettingRow ShareRow(std::string_view path, Slot slot, std::string_view help) {
  SettingRow row = Row(path, "number", help);
  row.range = "0..1";
  row.set = [=](Settings& settings, const std::string& name, const Values& values) -> Status {
    const std::string& text = values.at(0);
    double share = -1;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), share);
    if (failed != std::errc() || end != text.data() + text.size() || !(share >= 0 && share <= 1)) {
      return OutOfRange(text, "0", "1");
    }
    slot(settings, name) = share;
    return {};
  };
  row.show = [](const Settings& settings) {
    return fmt::format("{}", settings.predictions.all.share);
  };
  return row;
}

template <typename Slot>
SettingRow RedactRow(std::string_view path, Slot slot, std::string_view help) {
  SettingRow row = Row(path, "list of JSON pointers", help);
  row.is_list = true;
  row.set = [=](Settings& settings, const std::string& name, const Values& values) -> Status {
    if (values.size() > kMaxRedactions) {
      return Fail(ErrorCode::kInvalidArgument, "holds more than {} pointers", kMaxRedactions);
    }
    for (const std::string& pointer : values) {
      if (predictions::IsJsonPointer(pointer)) continue;
      return Fail(ErrorCode::kInvalidArgument,
                  "holds \"{}\", which is no JSON pointer such as /messages/*/content", pointer);
    }
    slot(settings, name) = values;
    return {};
  };
  row.show = [](const Settings&) { return std::string(); };
  return row;
}

}  // namespace

predictions::LoggingPolicy PredictionSettings::Policy() const {
  predictions::LoggingPolicy policy;
  policy.all = all;
  for (const auto& [name, route] : routes) {
    RouteLogging& logging = policy.routes.emplace(name, all).first->second;
    logging.log = route.log.value_or(all.log);
    logging.payloads = route.payloads.value_or(all.payloads);
    logging.units = route.units.value_or(all.units);
    logging.share = route.share.value_or(all.share);
    logging.redact.insert(logging.redact.end(), route.redact.begin(), route.redact.end());
  }
  return policy;
}

std::vector<SettingRow> PredictionSettingRows() {
  using namespace std::chrono_literals;
  using S = PredictionSettings;
  using R = RoutePredictionSettings;
  return {
      ChoiceRow("predictions.log", "true or false", OfAllRoutes(&RouteLogging::log), kYesNo,
                "Whether each prediction is logged: ids, version, outcome, latency, cost, score. "
                "Off until you say so: it is personal data, and disk."),
      ChoiceRow("predictions.payloads", "none, request or all",
                OfAllRoutes(&RouteLogging::payloads), kPayloadWords,
                "Whether what was asked, and what was answered, is logged too."),
      ChoiceRow("predictions.units", "plain or hashed", OfAllRoutes(&RouteLogging::units),
                kUnitWords, "Whether sessions and users are logged as sent, or their SHA-256 is."),
      ShareRow("predictions.share", OfAllRoutes(&RouteLogging::share),
               "The share of units whose predictions are logged; which ones is by a hash."),
      RedactRow("predictions.redact", OfAllRoutes(&RouteLogging::redact),
                "What is replaced in payloads, as in /messages/*/content."),
      DurationRow("predictions.retention", OfPredictions(&S::retention), 1h, 24h * 36'500,
                  "How long segments, their index and feedback are kept."),
      SizeRow("predictions.max_disk", OfPredictions(&S::max_disk_bytes), 1024ULL * 1024,
              1ULL << 50U, "Above it the oldest segments go before their time."),
      SizeRow("predictions.segment_size", OfPredictions(&S::segment_bytes), 64ULL * 1024,
              1024ULL * 1024 * 1024, "A segment is closed at this size, before it is packed."),
      DurationRow("predictions.segment_age", OfPredictions(&S::segment_age), 1s, 24h,
                  "A segment is closed at this age; other tools can read it from then on."),
      Unshown(ChoiceRow("predictions.routes.*.log", "true or false", OfLoggedRoute(&R::log), kYesNo,
                        "The same of one route.")),
      Unshown(ChoiceRow("predictions.routes.*.payloads", "none, request or all",
                        OfLoggedRoute(&R::payloads), kPayloadWords, "The same of one route.")),
      Unshown(ChoiceRow("predictions.routes.*.units", "plain or hashed", OfLoggedRoute(&R::units),
                        kUnitWords, "The same of one route.")),
      Unshown(ShareRow("predictions.routes.*.share", OfLoggedRoute(&R::share),
                       "The same of one route.")),
      RedactRow("predictions.routes.*.redact", OfLoggedRoute(&R::redact),
                "What is replaced in payloads of one route, besides."),
  };
}

}  // namespace podium::app
