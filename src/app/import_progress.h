// How far an import is: a bar on a terminal, else a line for each model. All on the error output.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "app/cli_console.h"

namespace podium::app {

/// "[====      ]  40 %  2 of 5 models, 1,200 versions"
std::string ImportBar(std::size_t models_done, std::size_t models, std::uint64_t versions);

class ImportProgress {
 public:
  /// `console` outlives it.
  explicit ImportProgress(Console& console) : console_(console) {}

  void Listed(std::size_t models);  ///< So many there are; before the first model.
  void Versions(const std::string& model, std::size_t more);
  void ModelDone(const std::string& model);
  void End();  ///< Before anything else is written.

 private:
  void Draw();

  Console& console_;
  std::size_t models_ = 0;
  std::size_t done_ = 0;
  std::uint64_t versions_ = 0;
  std::uint64_t of_model_ = 0;
  std::string drawn_;
};

}  // namespace podium::app
