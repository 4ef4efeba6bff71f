// What somebody says about predictions, read from a body. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/prediction.h"

namespace podium::control {

/// One item as it was sent: it names its prediction by `id`, or by `request_id` and, if need be,
/// route.
struct FeedbackItem {
  std::string id;
  Feedback feedback;
};

enum class FeedbackForm { kJson, kLines };

/// kJson: an object, a list of them, or {"items": […]}. kLines: NDJSON. One item at least, at most
/// limits::kMaxFeedbackBatch. kInvalidArgument says which item is wrong, and how: then none is
/// taken.
Result<std::vector<FeedbackItem>> ReadFeedbackBody(std::string_view body, FeedbackForm form);

}  // namespace podium::control
