#include "testing/faulty_vfs.h"

#include <sqlite3.h>

#include <cstring>
#include <optional>
#include <set>

#include "base/assert.h"

namespace podium::testing {

struct FaultyVfs::Impl {
  /// The code to fail with, SQLITE_OK to go on.
  int Ask(DiskCall call) {
    if (!armed || armed->call != call) return SQLITE_OK;
    ++asked;
    if (asked < armed->nth || (asked > armed->nth && !armed->stays)) return SQLITE_OK;
    ++struck;
    return armed->code;
  }
  bool Tears() const { return armed && armed->torn; }
  void Note(DiskEvent event) {
    if (recording) record.push_back(std::move(event));
  }

  sqlite3_vfs vfs{};
  sqlite3_vfs* real = nullptr;
  std::optional<DiskFault> armed;
  int asked = 0;
  int struck = 0;
  bool recording = false;
  std::vector<DiskEvent> record;
  std::set<std::string> seen;
};

namespace {

using Impl = FaultyVfs::Impl;

/// What SQLite holds: ours, with the platform's behind it in the same block of memory.
struct File {
  sqlite3_file base;
  Impl* disk;
  const char* path;  // SQLite keeps it for as long as the file is open.

  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

File* Of(sqlite3_file* file) { return reinterpret_cast<File*>(file); }
sqlite3_file* RealOf(sqlite3_file* file) { return Of(file)->real(); }
const sqlite3_io_methods* MethodsOf(sqlite3_file* file) { return RealOf(file)->pMethods; }
int Ask(sqlite3_file* file, DiskCall call) { return Of(file)->disk->Ask(call); }
void Note(sqlite3_file* file, DiskEvent::Kind kind, std::int64_t offset = 0,
          std::string bytes = "") {
  Of(file)->disk->Note({kind, Of(file)->path, offset, std::move(bytes)});
}

int Close(sqlite3_file* file) { return MethodsOf(file)->xClose(RealOf(file)); }

int Read(sqlite3_file* file, void* into, int size, sqlite3_int64 offset) {
  if (const int code = Ask(file, DiskCall::kRead)) {
    if (code == SQLITE_IOERR_SHORT_READ) std::memset(into, 0, static_cast<std::size_t>(size));
    return code;
  }
  return MethodsOf(file)->xRead(RealOf(file), into, size, offset);
}

int WriteReal(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
  const int code = MethodsOf(file)->xWrite(RealOf(file), bytes, size, offset);
  if (code == SQLITE_OK) {
    Note(file, DiskEvent::Kind::kWrite, offset,
         {static_cast<const char*>(bytes), static_cast<std::size_t>(size)});
  }
  return code;
}

int Write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
  const int code = Ask(file, DiskCall::kWrite);
  if (code == SQLITE_OK) return WriteReal(file, bytes, size, offset);
  if (Of(file)->disk->Tears()) WriteReal(file, bytes, size / 2, offset);
  return code;
}

int Truncate(sqlite3_file* file, sqlite3_int64 size) {
  if (const int code = Ask(file, DiskCall::kTruncate)) return code;
  Note(file, DiskEvent::Kind::kTruncate, size);
  return MethodsOf(file)->xTruncate(RealOf(file), size);
}

int Sync(sqlite3_file* file, int) {
  if (const int code = Ask(file, DiskCall::kSync)) return code;
  Note(file, DiskEvent::Kind::kSync);
  return SQLITE_OK;
}

int FileSize(sqlite3_file* file, sqlite3_int64* size) {
  if (const int code = Ask(file, DiskCall::kFileSize)) return code;
  return MethodsOf(file)->xFileSize(RealOf(file), size);
}

int Lock(sqlite3_file* file, int level) {
  if (const int code = Ask(file, DiskCall::kLock)) return code;
  return MethodsOf(file)->xLock(RealOf(file), level);
}
int Unlock(sqlite3_file* file, int level) { return MethodsOf(file)->xUnlock(RealOf(file), level); }
int CheckReservedLock(sqlite3_file* file, int* reserved) {
  return MethodsOf(file)->xCheckReservedLock(RealOf(file), reserved);
}
int FileControl(sqlite3_file* file, int operation, void* argument) {
  return MethodsOf(file)->xFileControl(RealOf(file), operation, argument);
}
int SectorSize(sqlite3_file* file) { return MethodsOf(file)->xSectorSize(RealOf(file)); }
int Characteristics(sqlite3_file* file) {
  return MethodsOf(file)->xDeviceCharacteristics(RealOf(file));
}

int ShmMap(sqlite3_file* file, int page, int size, int extend, void volatile** mapped) {
  if (const int code = Ask(file, DiskCall::kShmMap)) return code;
  return MethodsOf(file)->xShmMap(RealOf(file), page, size, extend, mapped);
}
int ShmLock(sqlite3_file* file, int offset, int count, int flags) {
  // Letting go cannot fail.
  if ((flags & SQLITE_SHM_LOCK) != 0) {
    if (const int code = Ask(file, DiskCall::kShmLock)) return code;
  }
  return MethodsOf(file)->xShmLock(RealOf(file), offset, count, flags);
}
void ShmBarrier(sqlite3_file* file) { MethodsOf(file)->xShmBarrier(RealOf(file)); }
int ShmUnmap(sqlite3_file* file, int remove) {
  return MethodsOf(file)->xShmUnmap(RealOf(file), remove);
}

// Version 2: without xFetch, so that every byte comes through Read and Write.
constexpr sqlite3_io_methods kMethods = {2,
                                         Close,
                                         Read,
                                         Write,
                                         Truncate,
                                         Sync,
                                         FileSize,
                                         Lock,
                                         Unlock,
                                         CheckReservedLock,
                                         FileControl,
                                         SectorSize,
                                         Characteristics,
                                         ShmMap,
                                         ShmLock,
                                         ShmBarrier,
                                         ShmUnmap,
                                         nullptr,
                                         nullptr};

Impl& Of(sqlite3_vfs* vfs) { return *static_cast<Impl*>(vfs->pAppData); }

std::string ContentOf(sqlite3_file* real) {
  sqlite3_int64 size = 0;
  real->pMethods->xFileSize(real, &size);
  std::string bytes(static_cast<std::size_t>(size), '\0');
  if (size > 0) real->pMethods->xRead(real, bytes.data(), static_cast<int>(size), 0);
  return bytes;
}

int Open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* given) {
  Impl& disk = Of(vfs);
  file->pMethods = nullptr;
  if (const int code = disk.Ask(DiskCall::kOpen)) return code;
  File* ours = Of(file);
  ours->disk = &disk;
  ours->path = path != nullptr ? path : "";
  int existed = 0;
  if (path != nullptr) disk.real->xAccess(disk.real, path, SQLITE_ACCESS_EXISTS, &existed);
  const int code = disk.real->xOpen(disk.real, path, ours->real(), flags, given);
  if (code != SQLITE_OK) return code;
  file->pMethods = &kMethods;
  if (disk.recording && disk.seen.insert(ours->path).second && existed != 0) {
    Note(file, DiskEvent::Kind::kFound, 0, ContentOf(ours->real()));
  }
  return SQLITE_OK;
}

int Delete(sqlite3_vfs* vfs, const char* path, int sync_directory) {
  Impl& disk = Of(vfs);
  if (const int code = disk.Ask(DiskCall::kDelete)) return code;
  disk.Note({DiskEvent::Kind::kDelete, path, sync_directory != 0 ? 1 : 0, ""});
  return disk.real->xDelete(disk.real, path, 0);
}

int Access(sqlite3_vfs* vfs, const char* path, int flags, int* result) {
  Impl& disk = Of(vfs);
  if (const int code = disk.Ask(DiskCall::kAccess)) return code;
  return disk.real->xAccess(disk.real, path, flags, result);
}

}  // namespace

std::string_view NameOf(DiskCall call) {
  constexpr std::array<std::string_view, kDiskCalls> kNames = {
      "open", "read",   "write",  "truncate", "sync",    "size",
      "lock", "delete", "access", "shm map",  "shm lock"};
  return kNames[static_cast<std::size_t>(call)];
}

FaultyVfs::FaultyVfs() : impl_(std::make_unique<Impl>()) {
  impl_->real = sqlite3_vfs_find(nullptr);
  PODIUM_ASSERT(impl_->real != nullptr);
  // What is not replaced below (paths, randomness, time) does not look at which VFS it is called
  // on.
  impl_->vfs = *impl_->real;
  impl_->vfs.zName = "podium-faulty";
  impl_->vfs.szOsFile = static_cast<int>(sizeof(File)) + impl_->real->szOsFile;
  impl_->vfs.pAppData = impl_.get();
  impl_->vfs.pNext = nullptr;
  impl_->vfs.xOpen = Open;
  impl_->vfs.xDelete = Delete;
  impl_->vfs.xAccess = Access;
  PODIUM_ASSERT(sqlite3_vfs_register(&impl_->vfs, /*makeDflt=*/1) == SQLITE_OK);
}

FaultyVfs::~FaultyVfs() {
  sqlite3_vfs_unregister(&impl_->vfs);
  sqlite3_vfs_register(impl_->real, /*makeDflt=*/1);
}

void FaultyVfs::Arm(const DiskFault& fault) {
  impl_->armed = fault;
  impl_->asked = 0;
  impl_->struck = 0;
}

int FaultyVfs::Disarm() {
  impl_->armed.reset();
  return impl_->struck;
}

void FaultyVfs::Record() {
  impl_->recording = true;
  impl_->record.clear();
  impl_->seen.clear();
}

const std::vector<DiskEvent>& FaultyVfs::recorded() const { return impl_->record; }

}  // namespace podium::testing
