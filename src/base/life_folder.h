// A folder for each process that keeps something below a root, held by a lock while the process
// lives: what is not locked was left behind by one that has ended, however it ended.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"

namespace podium {

class LifeFolder {
 public:
  /// Makes `root`/`name`, locked before it has its name: nobody takes it for one that was left
  /// behind. kUnavailable when it cannot be made.
  static Result<LifeFolder> Make(const std::string& root, const std::string& name);
  /// One that was left behind; nullopt while its process lives, while another one has taken it, and
  /// when it is gone. kUnavailable when it cannot be opened.
  static Result<std::optional<LifeFolder>> Take(const std::string& path);

  ~LifeFolder();  ///< Gives it up; what is in it stays.
  LifeFolder(LifeFolder&& other) noexcept;
  LifeFolder& operator=(LifeFolder&&) = delete;

  const std::string& path() const { return path_; }
  /// Removes it with all that is in it. What cannot be removed stays.
  void Remove() const;

 private:
  LifeFolder(std::string path, int lock);

  std::string path_;
  int lock_;  // -1: moved away.
};

}  // namespace podium
