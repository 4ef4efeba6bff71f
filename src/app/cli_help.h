// How `--help` is set: the command-line library's formatter, in our order and our words.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace podium::app {

/// It does nothing by itself, only its verbs do: `podium`, `podium version`, `podium price`,
/// `podium import`, `podium rollout`.
bool IsNoun(const CLI::App& app);

/// The library's help with what people look for first: usage, then verbs, then flags; values are
/// named by what they are and not by their type.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override;
  std::string make_usage(const CLI::App* app, std::string name) const override;
  std::string make_option_opts(const CLI::Option* option) const override;
};

}  // namespace podium::app
