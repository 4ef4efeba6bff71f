#include "store/prediction_store.h"

namespace podium::store {

std::string_view NameOf(FeedbackFate fate) {
  switch (fate) {
    case FeedbackFate::kNew:
      return "new";
    case FeedbackFate::kSame:
      return "same";
    case FeedbackFate::kReplaced:
      break;
  }
  return "replaced";
}

}  // namespace podium::store
