// Filters come from callers: whatever is accepted can be asked of any row, within its limits.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "domain/model_limits.h"
#include "store/model_filter.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace podium;
  using namespace podium::store;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  RegisteredModel model;
  model.name = "iris";
  model.tags = {{"team", "ml"}, {"a.b", ""}};
  RegisteredVersion version;
  version.name = model.name;
  version.number = 3;
  version.source = "s3://bucket/iris";
  version.tags = model.tags;
  const auto of_models = ParseModelFilter(text);
  const auto of_versions = ParseVersionFilter(text);
  // What models may be asked, versions may be asked as well, and the answer is the same.
  if (of_models) {
    PODIUM_ASSERT(of_versions && *of_versions == *of_models);
    PODIUM_ASSERT(of_models->size() <= limits::kMaxSearchClauses);
    PODIUM_ASSERT(Matches(*of_models, model) == Matches(*of_versions, version));
  }
  if (of_versions) {
    (void)Matches(*of_versions, version);
    PODIUM_ASSERT(size <= limits::kMaxSearchFilterBytes);
  }
  return 0;
}
