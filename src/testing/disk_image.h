// What a disk holds after the power went: everything that was synced, and of the rest whatever the
// drive happened to have written. Pure, over the record of a FaultyVfs.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "base/rng.h"
#include "testing/faulty_vfs.h"

namespace podium::testing {

/// What became of that which was written and not synced.
enum class Unsynced : std::uint8_t {
  kLost,       ///< All of it was lost.
  kScattered,  ///< Each write by itself arrived, was torn at a sector or was lost.
};

/// Content by path, after these events and then nothing more. The first sync of a new file syncs
/// its directory too, as SQLite's does: from then on it is there, and what was deleted is gone.
std::map<std::string, std::string> AfterPowerCut(std::span<const DiskEvent> events,
                                                 Unsynced unsynced, Rng& rng);

/// Puts the files, by their names without directories, into `directory`.
void WriteImage(const std::map<std::string, std::string>& files, const std::string& directory);

}  // namespace podium::testing
