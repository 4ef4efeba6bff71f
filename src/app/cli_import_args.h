// `podium import mlflow URL` as it was typed.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace podium::app {

struct ImportArgs {
  std::string url;                  ///< Of the other server.
  std::vector<std::string> models;  ///< By name; none: all.
  bool dry_run = false;
  bool overwrite = false;  ///< The source wins where both have something.
  std::string username;    ///< At the source, as the three below.
  std::string password;
  std::string token;
  std::string ca_file;  ///< PEM; empty: whom the system trusts.
  std::string podium;   ///< Another name of --server.
  bool json = false;    ///< Another name of -o json.
};

/// `args` outlives `verb`.
void AddImportFlags(CLI::App& verb, ImportArgs& args);

inline constexpr const char* kImportExamples =
    "  podium import mlflow http://mlflow.example:5000 --dry-run\n"
    "  podium import mlflow http://mlflow.example:5000\n"
    "  podium import mlflow https://mlflow.example --model churn --model ranker --username ann\n"
    "\nIt may be ended at any time and run again: it goes on, and what is here already stays.\n"
    "Registered models, versions with their numbers, stages, tags, aliases and times come over; "
    "the\nartifacts stay where they are. Credentials of the source come from "
    "MLFLOW_TRACKING_TOKEN, "
    "or\nMLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.\n";

}  // namespace podium::app
