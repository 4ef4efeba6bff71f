// What a route's shadows get copies of, and its challenger, as JSON; null where nobody said so.
#include "store/migrations.h"

namespace podium::store {
namespace {

constexpr const char* kAddShadow =
    "ALTER TABLE routes ADD COLUMN shadow TEXT;"
    "ALTER TABLE routes ADD COLUMN challenger TEXT;";

}  // namespace

const Migration kShadowMigration = {"shadow", kAddShadow, kAddShadow};

}  // namespace podium::store
