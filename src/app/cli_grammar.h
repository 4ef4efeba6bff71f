// What the command line understands: verbs are added to it, then it reads what was typed.
#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/cli_args.h"

namespace podium::app {

/// The command-line library fills fields while it parses; a verb is made from them once it is known
/// which one it was. One use, one thread.
class Grammar {
 public:
  /// How many a list shows if nothing is said, and the most that may be asked for.
  static constexpr std::size_t kListDefault = 100;
  static constexpr std::size_t kListMost = 100'000;

  /// Makes the verb of the words once they are parsed.
  using Make = std::function<CliResult<Verb>()>;

  /// With the flags that every verb takes, and no verb yet.
  Grammar();
  Grammar(const Grammar&) = delete;
  Grammar& operator=(const Grammar&) = delete;

  CLI::App& top() { return app_; }
  /// Those flags, once they were read; a verb's own may stand for one of them.
  ClientFlags& client() { return client_; }

  /// Words that live as long as the grammar, for flags to fill.
  template <class Words>
  Words& Keep() {
    auto words = std::make_shared<Words>();
    kept_.push_back(words);
    return *words;
  }

  /// A verb below `parent`, shown in `group` of its help. `examples` may be empty.
  CLI::App* Add(CLI::App& parent, const char* name, const char* group, const char* help,
                const char* examples, Make make);
  /// A verb of a noun.
  CLI::App* AddVerb(CLI::App& noun, const char* name, const char* help, const char* examples,
                    Make make);
  /// A noun: by itself it only says what it needs, with `hint` (empty: where its verbs are listed).
  CLI::App* AddNoun(const char* name, const char* group, const char* help, const char* examples,
                    std::string hint = "");

  /// `podium help`, last among the verbs that are there.
  void AddHelp();

  /// kUsage for what cannot be read, naming what was probably meant.
  CliResult<CommandLine> Parse(const std::vector<std::string>& arguments);

 private:
  void AddClientFlags();
  CliStatus ReadClientFlags();
  CliResult<Verb> MakeHelp(std::vector<std::string> topic);
  CliStatus KnowCommand(const std::vector<std::string>& arguments) const;
  const CLI::Option* FindOption(const std::string& word) const;
  std::string Chosen() const;
  CliFailure ExplainExtras(const std::string& message) const;

  CLI::App app_;
  Make make_;
  ClientFlags client_;
  std::string server_;  // As typed, as the two below.
  std::string output_;
  std::string timeout_;
  std::vector<std::shared_ptr<void>> kept_;
};

}  // namespace podium::app
