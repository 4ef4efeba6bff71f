// The disk under SQLite, failing when a test says so: a VFS over the platform's own that counts
// what SQLite asks for, lets the n-th such call fail, and keeps a record of what reached the disk.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace podium::testing {

/// What SQLite asks of the disk.
enum class DiskCall : std::uint8_t {
  kOpen,
  kRead,
  kWrite,
  kTruncate,
  kSync,
  kFileSize,
  kLock,
  kDelete,
  kAccess,
  kShmMap,
  kShmLock,
};
inline constexpr std::size_t kDiskCalls = 11;
std::string_view NameOf(DiskCall call);

/// One way to fail.
struct DiskFault {
  DiskCall call = DiskCall::kWrite;
  int code = 0;  ///< SQLite's extended result code.
  int nth = 1;   ///< Counted from Arm, from 1.
  bool stays =
      false;          ///< From the n-th call on every one fails, until Disarm; else that one alone.
  bool torn = false;  ///< Of a write that fails, the first half is on the disk nevertheless.
};

/// One thing that happened to a file, in order.
struct DiskEvent {
  enum class Kind : std::uint8_t { kFound, kWrite, kTruncate, kSync, kDelete };
  Kind kind;
  std::string path;
  std::int64_t offset = 0;  ///< kTruncate: the new size. kDelete: 1 when its directory was synced.
  std::string bytes;        ///< kWrite: what; kFound: what the file held when it was opened first.
};

/// While it lives, SQLite uses it for every file that is opened without naming another VFS; files
/// must be closed before it goes. It syncs nothing: the system lives on when a test pulls the plug.
/// Threads: one at a time, and one FaultyVfs at a time.
class FaultyVfs {
 public:
  FaultyVfs();
  ~FaultyVfs();
  FaultyVfs(const FaultyVfs&) = delete;
  FaultyVfs& operator=(const FaultyVfs&) = delete;

  void Arm(const DiskFault& fault);
  /// How many calls failed since Arm.
  int Disarm();

  void Record();  ///< From here on, from an empty record.
  const std::vector<DiskEvent>& recorded() const;

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace podium::testing
