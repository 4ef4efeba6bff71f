// A file packed as gzip in slices, so that whoever packs can do other things between them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace podium::predictions {

/// Packs pieces, in order, into gzip. Threads: one.
class GzipPacker {
 public:
  GzipPacker();
  ~GzipPacker();
  GzipPacker(const GzipPacker&) = delete;
  GzipPacker& operator=(const GzipPacker&) = delete;

  /// Appends what is ready to `out`.
  Status Add(std::string_view piece, std::string& out);
  Status Finish(std::string& out);

 private:
  struct Stream;
  Status Run(std::string_view piece, int flush, std::string& out);
  const std::unique_ptr<Stream> stream_;
};

/// Unpacks a gzip file from its front; `take` is given piece after piece and says whether to go on.
/// kUnavailable when the file cannot be read, kUnprocessable when it is damaged. Blocks.
Status Unpack(const std::string& path, const std::function<bool(std::string_view)>& take);

}  // namespace podium::predictions
