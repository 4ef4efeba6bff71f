#include "testing/temp_dir.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "base/assert.h"

namespace podium::testing {

TempDir::TempDir() {
  std::string pattern = (std::filesystem::temp_directory_path() / "podium-test-XXXXXX").string();
  PODIUM_ASSERT(mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace podium::testing
