// A directory of its own for one test, gone when the test is.
#pragma once

#include <string>

namespace podium::testing {

class TempDir {
 public:
  TempDir();
  /// Below `parent`, or where temporary files go when there is no such directory.
  explicit TempDir(const std::string& parent);
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace podium::testing
