#include "app/import_progress.h"

#include <fmt/format.h>

#include "app/cli_table.h"

namespace podium::app {
namespace {

constexpr std::size_t kImportBarWidth = 30;
constexpr std::uint64_t kVersionsOfLine = 1000;  // Of a long model a line each.

std::string VersionCount(std::uint64_t count) {
  return fmt::format("{} version{}", WithThousands(count), count == 1 ? "" : "s");
}

}  // namespace

std::string ImportBar(std::size_t models_done, std::size_t models, std::uint64_t versions) {
  const std::size_t percent = models == 0 ? 100 : models_done * 100 / models;
  return fmt::format("[{:<{}}] {:>3} %  {} of {} model{}, {}",
                     std::string(percent * kImportBarWidth / 100, '='), kImportBarWidth, percent,
                     WithThousands(models_done), WithThousands(models), models == 1 ? "" : "s",
                     VersionCount(versions));
}

void ImportProgress::Draw() {
  if (!console_.err_is_terminal) return;
  std::string bar = ImportBar(done_, models_, versions_);
  if (bar == drawn_) return;
  console_.err << '\r' << bar << std::flush;
  drawn_ = std::move(bar);
}

void ImportProgress::Listed(std::size_t models) {
  models_ = models;
  if (!console_.err_is_terminal) {
    console_.err << fmt::format("{} model{} at the source\n", WithThousands(models),
                                models == 1 ? "" : "s");
  }
  Draw();
}

void ImportProgress::Versions(const std::string& model, std::size_t more) {
  const std::uint64_t before = of_model_;
  of_model_ += more;
  versions_ += more;
  if (!console_.err_is_terminal && before / kVersionsOfLine != of_model_ / kVersionsOfLine) {
    console_.err << fmt::format("{}: {} so far\n", Printable(model), VersionCount(of_model_));
    console_.err.flush();
  }
  Draw();
}

void ImportProgress::ModelDone(const std::string& model) {
  ++done_;
  if (!console_.err_is_terminal) {
    console_.err << fmt::format("{}: {}\n", Printable(model), VersionCount(of_model_));
    console_.err.flush();
  }
  of_model_ = 0;
  Draw();
}

void ImportProgress::End() {
  if (!drawn_.empty()) console_.err << '\n';
  drawn_.clear();
}

}  // namespace podium::app
