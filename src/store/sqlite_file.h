// Opening the registry's file: its directory, its permissions, its journal.
#pragma once

#include <chrono>
#include <string>

#include "base/result.h"
#include "store/sqlite_connection.h"

namespace podium::store {

/// Creates the file, readable and writable by its owner alone, and its directory, unless they
/// exist.
Status CreateRegistryFile(const std::string& path);

/// A connection set up for writing: WAL, full synchronisation, foreign keys.
Result<Connection> OpenWriter(const std::string& path, std::chrono::milliseconds busy_timeout);
/// A connection that refuses to write.
Result<Connection> OpenReader(const std::string& path, std::chrono::milliseconds busy_timeout);

}  // namespace podium::store
