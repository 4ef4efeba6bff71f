#include "app/cli_import_args.h"

#include <CLI/CLI.hpp>

namespace podium::app {

void AddImportFlags(CLI::App& verb, ImportArgs& args) {
  verb.add_option("URL", args.url, "the tracking server: http://HOST:PORT or https://HOST")
      ->required();
  verb.add_option("--model", args.models, "only this registered model; may be repeated")
      ->option_text("NAME")
      ->allow_extra_args(false);
  verb.add_flag("--dry-run", args.dry_run, "say what would happen, change nothing");
  verb.add_flag("--overwrite", args.overwrite,
                "where stages, descriptions, tags or aliases differ, take the source's");
  verb.add_option("--username", args.username, "at the source (MLFLOW_TRACKING_USERNAME)")
      ->option_text("NAME");
  verb.add_option("--password", args.password, "better MLFLOW_TRACKING_PASSWORD, which nobody sees")
      ->option_text("TEXT");
  verb.add_option("--token", args.token, "better MLFLOW_TRACKING_TOKEN, which nobody sees")
      ->option_text("TEXT");
  verb.add_option("--ca-file", args.ca_file,
                  "whom to believe by https (MLFLOW_TRACKING_SERVER_CERT_PATH)")
      ->option_text("FILE");
  verb.add_option("--url", args.podium, "where to: the same as --server")->option_text("HOST:PORT");
  verb.add_flag("--json", args.json, "the report as JSON: the same as -o json");
}

}  // namespace podium::app
