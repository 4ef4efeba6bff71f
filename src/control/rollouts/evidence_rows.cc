#include "control/rollouts/evidence_rows.h"

namespace podium::control {

store::RolloutCount CountRow(const CountedIn& in, bool canary, const view::ArmCounts& arm) {
  store::RolloutCount row;
  row.rollout = in.rollout;
  row.epoch = in.epoch;
  row.incarnation = in.incarnation;
  row.canary = canary;
  row.units = arm.units;
  row.requests = arm.requests;
  row.bad = arm.bad;
  return row;
}

store::RolloutHit HitRow(const CountedIn& in, const view::KeyRecord& record) {
  return {.rollout = in.rollout,
          .epoch = in.epoch,
          .series = record.series,
          .unit = record.unit,
          .incarnation = in.incarnation,
          .canary = record.canary,
          .first_rank = record.first_rank,
          .second_rank = record.second_rank,
          .bad = record.bad,
          .seen = record.seen};
}

}  // namespace podium::control
