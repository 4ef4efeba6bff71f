// The settings of the MLflow API.
#include <string>
#include <utility>
#include <vector>

#include "app/setting_rows.h"

namespace podium::app {

std::vector<SettingRow> MlflowSettingRows() {
  SettingRow upstream =
      Row("mlflow.upstream", "URL",
          "The MLflow tracking server that all calls of MLflow's API go to which are not the "
          "registry's. Without it Podium is reached by mlflow.set_registry_uri.");
  upstream.set = [](Settings& settings, const std::string&,
                    const std::vector<std::string>& values) -> Status {
    Result<BaseUrl> url = ParseBaseUrl(values.at(0));
    if (!url) return Wrong(std::move(url).error());
    settings.mlflow_upstream = *std::move(url);
    return {};
  };
  upstream.show = [](const Settings&) { return std::string(); };
  std::vector<SettingRow> rows;
  rows.push_back(std::move(upstream));
  rows.push_back(PathRow("mlflow.upstream_ca_file", Of(&Settings::mlflow_ca_file),
                         "Certificates that the tracking server's is judged by, as PEM; without "
                         "it, those that the system trusts."));
  return rows;
}

}  // namespace podium::app
