#include "domain/compare_report.h"

namespace podium {

std::string_view NameOf(LabelKind kind) {
  switch (kind) {
    case LabelKind::kNone:
      return "none";
    case LabelKind::kBinary:
      return "binary";
    case LabelKind::kClass:
      return "class";
    case LabelKind::kQuantity:
      break;
  }
  return "quantity";
}

}  // namespace podium
