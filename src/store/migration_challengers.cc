// What champion and challenger made of the same call, in the index of predictions: JSON, as in the
// log's lines; null for calls that one alone was asked.
#include "store/migrations.h"

namespace podium::store {
namespace {

constexpr const char* kAddChallenger = "ALTER TABLE prediction_index ADD COLUMN challenger TEXT;";

}  // namespace

const Migration kChallengersMigration = {"challengers", kAddChallenger, kAddChallenger};

}  // namespace podium::store
