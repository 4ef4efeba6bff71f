#include "testing/temp_dir.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "base/assert.h"

namespace podium::testing {

TempDir::TempDir() : TempDir(std::filesystem::temp_directory_path().string()) {}

TempDir::TempDir(const std::string& parent) {
  const std::filesystem::path home = std::filesystem::is_directory(parent)
                                         ? std::filesystem::path(parent)
                                         : std::filesystem::temp_directory_path();
  std::string pattern = (home / "podium-test-XXXXXX").string();
  PODIUM_ASSERT(mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace podium::testing
