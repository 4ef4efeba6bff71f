#include "app/cli_help.h"

#include <utility>

namespace podium::app {

bool IsNoun(const CLI::App& app) {
  return app.get_parent() == nullptr || app.get_name() == "version" || app.get_name() == "price" ||
         app.get_name() == "import" || app.get_name() == "rollout";
}

std::string HelpFormatter::make_help(const CLI::App* app, std::string name,
                                     CLI::AppFormatMode mode) const {
  if (mode == CLI::AppFormatMode::Sub) return make_expanded(app);
  const bool is_root = app->get_parent() == nullptr;
  std::string text = app->get_description() + "\n\n" + make_usage(app, std::move(name));
  text += make_positionals(app) + make_subcommands(app, mode) + make_groups(app, mode);
  if (!is_root) {
    text +=
        "\nEvery verb takes: --server HOST:PORT, -o json|table, --timeout, --reason, --yes "
        "(podium --help)\n";
  }
  const std::string footer = make_footer(app);
  if (!footer.empty()) text += "\n" + footer;
  for (std::size_t at = 0; (at = text.find("\n\n\n", at)) != std::string::npos;) text.erase(at, 1);
  return text;
}

std::string HelpFormatter::make_usage(const CLI::App* app, std::string) const {
  std::string path = app->get_name();
  for (const CLI::App* at = app->get_parent(); at != nullptr; at = at->get_parent()) {
    path.insert(0, at->get_name() + " ");
  }
  std::string text = "Usage: " + path;
  if (!app->get_subcommands({}).empty()) {
    text += IsNoun(*app) ? " VERB" : " [VERB]";
  }
  for (const CLI::Option* option :
       app->get_options([](const CLI::Option* o) { return o->get_positional(); })) {
    const std::string& text_for_it = option->get_option_text();
    const std::string word = text_for_it.empty() ? option->get_name(true) : text_for_it;
    text += option->get_required() || !text_for_it.empty() ? " " + word : " [" + word + "]";
  }
  return text + " [FLAGS]\n";
}

std::string HelpFormatter::make_option_opts(const CLI::Option* option) const {
  if (option->get_positional() || option->get_items_expected_max() == 0) return "";
  return " " + (option->get_option_text().empty() ? "VALUE" : option->get_option_text());
}

}  // namespace podium::app
