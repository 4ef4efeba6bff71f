// What a route follows, as JSON; null for one that is driven by Podium's own verbs.
#include "store/migrations.h"

namespace podium::store {
namespace {

constexpr const char* kAddFollow = "ALTER TABLE routes ADD COLUMN follow TEXT;";

}  // namespace

const Migration kFollowMigration = {"follow", kAddFollow, kAddFollow};

}  // namespace podium::store
