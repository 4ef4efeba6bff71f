// The statements that all SQL adapters share. Written so that SQLite and PostgreSQL both take them:
// numbered parameters, standard upserts, row values, text instead of nulls for "any". Keys compare
// byte by byte: PostgreSQL columns need COLLATE "C" for pages to come in the same order.
#pragma once

#include <string_view>

namespace podium::store::sql {

#define PODIUM_VERSION_COLUMNS                                                                   \
  "model_id, model_type, name, version, provider_key, upstream_model, artifact_uri, "            \
  "artifact_sha256, format, status, stage, traffic_bp, signature, metrics, tags, catalogue_id, " \
  "experiment_id, load, source_run, parent_id, created_at, updated_at, revision, deleted"
#define PODIUM_ROUTE_COLUMNS                                                                  \
  "route, task_type, policy, sticky_on, salt, canary_salt, previous_primary, primary_since, " \
  "created_at, updated_at, revision, follow, rollout, shadow, challenger"
#define PODIUM_PROMOTION_COLUMNS                                                            \
  "revision, route, kind, from_id, to_id, share_before_bp, share_after_bp, undoes, actor, " \
  "origin, reason, request_id, evidence, at, previous_hash, hash"

// Versions.
inline constexpr std::string_view kVersionById =
    "SELECT " PODIUM_VERSION_COLUMNS " FROM model_registry WHERE model_id = $1";
inline constexpr std::string_view kVersionsOfRoute =
    "SELECT " PODIUM_VERSION_COLUMNS
    " FROM model_registry WHERE model_type = $1 AND deleted = 0 ORDER BY created_at, model_id";
inline constexpr std::string_view kVersionsInRoles =
    "SELECT " PODIUM_VERSION_COLUMNS
    " FROM model_registry WHERE model_type = $1 AND status NOT IN ('standby', 'retired')"
    " ORDER BY created_at, model_id";
inline constexpr std::string_view kVersionAtPlace =
    "SELECT " PODIUM_VERSION_COLUMNS
    " FROM model_registry WHERE model_type = $1 AND name = $2 AND version = $3 AND deleted = 0";
inline constexpr std::string_view kVersionsSince =
    "SELECT " PODIUM_VERSION_COLUMNS
    " FROM model_registry WHERE revision > $1 ORDER BY model_type, created_at, model_id";
inline constexpr std::string_view kVersionExists =
    "SELECT 1 FROM model_registry WHERE model_id = $1 AND deleted = 0";
inline constexpr std::string_view kVersionPage =
    "SELECT " PODIUM_VERSION_COLUMNS
    " FROM model_registry WHERE deleted = 0 AND ($1 = '' OR model_type = $1)"
    " AND ($2 = '' OR name = $2) AND ($3 = '' OR status = $3)"
    " AND (model_type, created_at, model_id) > ($4, $5, $6)"
    " ORDER BY model_type, created_at, model_id LIMIT $7";
inline constexpr std::string_view kUpsertVersion =
    "INSERT INTO model_registry (" PODIUM_VERSION_COLUMNS
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, "
    "$19,"
    " $20, $21, $22, $23, $24) ON CONFLICT (model_id) DO UPDATE SET status = excluded.status,"
    " traffic_bp = excluded.traffic_bp, updated_at = excluded.updated_at,"
    " revision = excluded.revision, deleted = excluded.deleted";

// Routes.
inline constexpr std::string_view kRouteByName =
    "SELECT " PODIUM_ROUTE_COLUMNS " FROM routes WHERE route = $1";
inline constexpr std::string_view kRoutesSince =
    "SELECT " PODIUM_ROUTE_COLUMNS " FROM routes WHERE revision > $1 ORDER BY route";
inline constexpr std::string_view kArmsOfRoute =
    "SELECT route, model_id, slot, weight_bp FROM route_arms WHERE route = $1 ORDER BY slot";
inline constexpr std::string_view kArmsSince =
    "SELECT a.route, a.model_id, a.slot, a.weight_bp FROM route_arms AS a"
    " JOIN routes AS r ON r.route = a.route WHERE r.revision > $1 ORDER BY a.route, a.slot";
inline constexpr std::string_view kUpsertRoute =
    "INSERT INTO routes (" PODIUM_ROUTE_COLUMNS
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT "
    "(route) DO "
    "UPDATE"
    " SET task_type = excluded.task_type, policy = excluded.policy, sticky_on = excluded.sticky_on,"
    " salt = excluded.salt, canary_salt = excluded.canary_salt,"
    " previous_primary = excluded.previous_primary, primary_since = excluded.primary_since,"
    " updated_at = excluded.updated_at, revision = excluded.revision, follow = excluded.follow,"
    " rollout = excluded.rollout, shadow = excluded.shadow, challenger = excluded.challenger";
inline constexpr std::string_view kDeleteArms = "DELETE FROM route_arms WHERE route = $1";
inline constexpr std::string_view kInsertArm =
    "INSERT INTO route_arms (route, model_id, slot, weight_bp) VALUES ($1, $2, $3, $4)";

// History: a row is in force from its revision to the route's next one.
inline constexpr std::string_view kHistoryAt =
    "SELECT revision, at, source, input FROM route_history WHERE route = $1 AND revision <= $2"
    " ORDER BY revision DESC LIMIT 1";
inline constexpr std::string_view kHistoryAfter =
    "SELECT revision, at, source, input FROM route_history WHERE route = $1 AND revision > $2"
    " ORDER BY revision LIMIT 1";
inline constexpr std::string_view kHistoryStart = "SELECT revision FROM route_history_start";
inline constexpr std::string_view kUnfilledHistory =
    "SELECT route, revision FROM route_history WHERE input IS NULL";
inline constexpr std::string_view kFillHistory =
    "UPDATE route_history SET input = $3 WHERE route = $1 AND revision = $2";
inline constexpr std::string_view kUpsertHistory =
    "INSERT INTO route_history (route, revision, at, source, input)"
    " VALUES ($1, $2, $3, 'podium', $4) ON CONFLICT (route, revision) DO UPDATE SET"
    " at = excluded.at, source = excluded.source, input = excluded.input";
inline constexpr std::string_view kDropHistory =
    "DELETE FROM route_history WHERE route = $1 AND revision = $2";
// Begins with the few rows that the floor has just passed, so that it costs what it removes.
inline constexpr std::string_view kPruneHistory =
    "DELETE FROM route_history WHERE (route, revision) IN (SELECT old.route, old.revision"
    " FROM (SELECT route, max(revision) AS revision FROM route_history"
    " WHERE revision > $1 AND revision <= $2 GROUP BY route) AS kept"
    " JOIN route_history AS old ON old.route = kept.route AND old.revision < kept.revision)";
// Times do not go back with the revision, so a moment is found by halving.
inline constexpr std::string_view kPromotionTime =
    "SELECT revision, at FROM model_promotions WHERE revision >= $1 ORDER BY revision LIMIT 1";
inline constexpr std::string_view kPromotionsOfRoute =
    "SELECT " PODIUM_PROMOTION_COLUMNS
    " FROM model_promotions WHERE route = $1 AND revision > $2 AND revision <= $3"
    " ORDER BY revision LIMIT $4";

// Audit. An activation of what was primary already moved nothing, so there is nothing to undo.
inline constexpr std::string_view kStandingPromotions =
    "SELECT " PODIUM_PROMOTION_COLUMNS
    " FROM model_promotions AS p WHERE route = $1 AND kind IN ('promote', 'activate')"
    " AND (from_id IS NULL OR from_id <> to_id)"
    " AND NOT EXISTS (SELECT 1 FROM model_promotions AS u WHERE u.undoes = p.revision)"
    " ORDER BY revision DESC LIMIT 2";
inline constexpr std::string_view kPromotionPage =
    "SELECT " PODIUM_PROMOTION_COLUMNS
    " FROM model_promotions WHERE ($1 = '' OR route = $1) AND revision < $2"
    " ORDER BY revision DESC LIMIT $3";
inline constexpr std::string_view kPromotionsAfter =
    "SELECT " PODIUM_PROMOTION_COLUMNS
    " FROM model_promotions WHERE revision > $1 ORDER BY revision LIMIT $2";
inline constexpr std::string_view kPromotionHash =
    "SELECT hash FROM model_promotions WHERE revision = $1";
inline constexpr std::string_view kAuditAt =
    "SELECT hash FROM model_promotions WHERE revision <= $1 ORDER BY revision DESC LIMIT 1";
inline constexpr std::string_view kInsertPromotion =
    "INSERT INTO model_promotions (" PODIUM_PROMOTION_COLUMNS
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";

// Keys of requests. The oldest go first when there are more than may be kept.
inline constexpr std::string_view kIdempotencyKey =
    "SELECT fingerprint, revision, at FROM idempotency_keys WHERE key = $1";
inline constexpr std::string_view kDropOldKeys = "DELETE FROM idempotency_keys WHERE at <= $1";
inline constexpr std::string_view kDropSurplusKeys =
    "DELETE FROM idempotency_keys WHERE key IN (SELECT key FROM idempotency_keys"
    " ORDER BY at DESC, key DESC LIMIT 1000 OFFSET $1)";
inline constexpr std::string_view kInsertKey =
    "INSERT INTO idempotency_keys (key, fingerprint, revision, at) VALUES ($1, $2, $3, $4)";

// Outbox and head.
inline constexpr std::string_view kInsertEvent =
    "INSERT INTO event_outbox (revision, type, data, at) VALUES ($1, $2, $3, $4)";
inline constexpr std::string_view kNewestEventRevision =
    "SELECT revision FROM event_outbox ORDER BY sequence DESC LIMIT 1";
inline constexpr std::string_view kEventsAfter =
    "SELECT sequence, revision, type, data, at FROM event_outbox WHERE sequence > $1"
    " ORDER BY sequence LIMIT $2";
inline constexpr std::string_view kDropEvents =
    "DELETE FROM event_outbox WHERE sequence IN (SELECT sequence FROM event_outbox"
    " WHERE at < $1 AND sequence < (SELECT max(sequence) FROM event_outbox)"
    " ORDER BY sequence LIMIT $2) RETURNING 1";
inline constexpr std::string_view kNewestEvent =
    "SELECT coalesce(max(sequence), 0) FROM event_outbox";
inline constexpr std::string_view kHead =
    "SELECT epoch, revision, head_hash, audit_count, committed_at FROM registry_revision WHERE id "
    "= 1";
inline constexpr std::string_view kMoveHead =
    "UPDATE registry_revision SET epoch = $1, revision = $2, head_hash = $3, audit_count = $4,"
    " committed_at = $5 WHERE id = 1";

// Costs and prices.
#define PODIUM_COST_COLUMNS                                                                      \
  "event_id, model_id, version_id, route, provider_key, upstream_model, request_id, user_id, "   \
  "key_id, workflow_run_id, kind, attempt, status, uncached_input, cache_read, cache_write_5m, " \
  "cache_write_1h, audio_input, output_text, output_reasoning, images, calls, estimated, "       \
  "contradictory, cost_nano_usd, price_id, created_at"
#define PODIUM_PRICE_COLUMNS                                                                    \
  "price_id, provider_key, upstream_model, effective_from, input, output, cache_read, "         \
  "cache_write_5m, cache_write_1h, audio_input, output_reasoning, image, call, actor, reason, " \
  "created_at"

// Between the two, a list of parameters in brackets for each event: a round trip for many.
inline constexpr int kCostColumns = 27;
inline constexpr std::string_view kInsertCostEvents =
    "INSERT INTO cost_events (" PODIUM_COST_COLUMNS ") VALUES ";
inline constexpr std::string_view kUnlessThere =
    " ON CONFLICT (event_id) DO NOTHING RETURNING event_id";
inline constexpr std::string_view kDropCostEvents =
    "DELETE FROM cost_events WHERE event_id IN (SELECT event_id FROM cost_events"
    " WHERE created_at < $1 ORDER BY created_at LIMIT $2) RETURNING 1";
inline constexpr std::string_view kAddToDay =
    "INSERT INTO model_daily_costs"
    " (model_id, day, total_calls, total_cost_nano_usd, total_tokens, unpriced_calls)"
    " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (model_id, day) DO UPDATE SET"
    " total_calls = model_daily_costs.total_calls + excluded.total_calls,"
    " total_cost_nano_usd = CASE WHEN model_daily_costs.total_cost_nano_usd >"
    " 9223372036854775807 - excluded.total_cost_nano_usd THEN 9223372036854775807"
    " ELSE model_daily_costs.total_cost_nano_usd + excluded.total_cost_nano_usd END,"
    " total_tokens = CASE WHEN model_daily_costs.total_tokens >"
    " 9223372036854775807 - excluded.total_tokens THEN 9223372036854775807"
    " ELSE model_daily_costs.total_tokens + excluded.total_tokens END,"
    " unpriced_calls = model_daily_costs.unpriced_calls + excluded.unpriced_calls";
// Sums fit: each is bounded, and a sum that does not is refused rather than wrong.
inline constexpr std::string_view kModelCosts =
    "SELECT model_id, CAST(coalesce(sum(cost_nano_usd), 0) AS BIGINT), count(*),"
    " CAST(sum(tokens_in) AS BIGINT), CAST(sum(tokens_out) AS BIGINT),"
    " CAST(sum(CASE WHEN cost_nano_usd IS NULL THEN 0 ELSE tokens_in + tokens_out END) AS BIGINT),"
    " sum(CASE WHEN cost_nano_usd IS NULL THEN 1 ELSE 0 END), sum(estimated) FROM cost_events"
    " WHERE created_at >= $1 AND created_at < $2 GROUP BY model_id ORDER BY 2 DESC, model_id";
inline constexpr std::string_view kShadowCosts =
    "SELECT route, CAST(coalesce(sum(cost_nano_usd), 0) AS BIGINT),"
    " CAST(coalesce(sum(CASE WHEN substr(event_id, 1, length(CAST($3 AS TEXT)))"
    " = CAST($3 AS TEXT) THEN cost_nano_usd END), 0)"
    " AS BIGINT) FROM cost_events"
    " WHERE kind = 'shadow' AND created_at >= $1 AND created_at < $2 GROUP BY route ORDER BY route";
inline constexpr std::string_view kAllDays =
    "SELECT model_id, day, total_calls, total_cost_nano_usd, total_tokens, unpriced_calls"
    " FROM model_daily_costs ORDER BY model_id, day";
inline constexpr std::string_view kCostEventsAfter =
    "SELECT " PODIUM_COST_COLUMNS
    " FROM cost_events WHERE event_id > $1 ORDER BY event_id LIMIT $2";
inline constexpr std::string_view kCountPrices = "SELECT count(*) FROM prices";
inline constexpr std::string_view kInsertPrice =
    "INSERT INTO prices (" PODIUM_PRICE_COLUMNS
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
inline constexpr std::string_view kAllPrices =
    "SELECT " PODIUM_PRICE_COLUMNS " FROM prices ORDER BY price_id";

#undef PODIUM_COST_COLUMNS
#undef PODIUM_PRICE_COLUMNS
#undef PODIUM_VERSION_COLUMNS
#undef PODIUM_ROUTE_COLUMNS
#undef PODIUM_PROMOTION_COLUMNS

}  // namespace podium::store::sql
