#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace podium {

void AssertFailed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "podium: broken invariant: %s (%s:%d)\n", expression, file, line);
  std::abort();
}

}  // namespace podium
