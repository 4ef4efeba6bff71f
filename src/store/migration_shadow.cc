// What a route's shadows get copies of, and its challenger, as JSON; null where nobody said so.
// What copies cost is asked for every few seconds: it must not walk over what all other calls cost.
#include "store/migrations.h"

namespace podium::store {
namespace {

constexpr const char* kAddShadow =
    "ALTER TABLE routes ADD COLUMN shadow TEXT;"
    "ALTER TABLE routes ADD COLUMN challenger TEXT;"
    "CREATE INDEX cost_events_of_shadows ON cost_events (created_at) WHERE kind = 'shadow';";

}  // namespace

const Migration kShadowMigration = {"shadow", kAddShadow, kAddShadow};

}  // namespace podium::store
