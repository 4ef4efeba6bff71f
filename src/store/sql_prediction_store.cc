// SqlStore as a PredictionStore. Writes may be run again after a commit whose answer was lost: they
// then find their rows there.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>
#include <utility>

#include "base/limits.h"
#include "store/cursor.h"
#include "store/sql_row_lists.h"
#include "store/sql_store.h"

namespace podium::store {
namespace {

#define PODIUM_PREDICTION_COLUMNS                                                             \
  "route, id, request_id, unit, unit_kind, assigned, served, arm, reason, propensity, keep, " \
  "bucket, generation, outcome, status, latency_us, cost_nano_usd, request_rows, scores, "    \
  "replica, segment, segment_offset, answered_at, challenger"
constexpr int kPredictionColumns = 24;

// Of how many rows one statement may be. Few sizes: each is prepared once and kept.
constexpr std::array<std::size_t, 3> kRowsOfInsert = {64, 8, 1};

constexpr std::string_view kSelectPredictions =
    "SELECT " PODIUM_PREDICTION_COLUMNS " FROM prediction_index WHERE ";
constexpr std::string_view kPredictionById =
    "SELECT " PODIUM_PREDICTION_COLUMNS " FROM prediction_index WHERE id = $1";
// The inner part reads one stretch of the primary key, so that a page costs what it holds. The rest
// is written such that a planner that knows nothing of the tables (they grow faster than they are
// analyzed) can do nothing but look up each prediction: BETWEEN, since an equation could be hashed,
// which reads all feedback for each page, and route || '', for which there is no index, since one
// of a route alone reads all of the route for each prediction.
constexpr std::string_view kFacts =
    "SELECT p.id, p.assigned, p.served, p.arm, p.outcome, p.latency_us, p.cost_nano_usd,"
    " p.propensity, p.keep, p.scores, f.request_row, f.label, f.score, f.prediction,"
    " p.unit, p.generation, p.challenger"
    " FROM (SELECT route, request_id, id, unit, generation, assigned, served, arm, outcome,"
    " latency_us, cost_nano_usd, propensity, keep, scores, challenger FROM prediction_index"
    " WHERE route = $1 AND id > $2 AND id < $3 ORDER BY id LIMIT $4) AS p"
    " LEFT JOIN prediction_feedback AS f ON f.route = $1"
    " AND f.request_id BETWEEN p.request_id AND p.request_id"
    // Of those that were sent again, all but the one that it is about. Few are, and the index of
    // request ids knows them.
    " AND NOT EXISTS (SELECT 1 FROM prediction_index AS q WHERE q.request_id = p.request_id"
    " AND q.route || '' = p.route AND q.id <> p.id AND ((q.outcome = 'ok') > (p.outcome = 'ok')"
    " OR ((q.outcome = 'ok') = (p.outcome = 'ok') AND q.id > p.id)))"
    " ORDER BY p.id, f.request_row LIMIT $5";
// In the order of store::PredictionStore::LabelledPrediction.
constexpr std::string_view kLabelledPrediction =
    "SELECT id FROM prediction_index WHERE request_id = $1 AND route || '' = $2"
    " ORDER BY (outcome = 'ok') DESC, id DESC LIMIT 1";
constexpr std::string_view kDropPredictions =
    "DELETE FROM prediction_index WHERE id IN (SELECT id FROM prediction_index WHERE id < $1"
    " ORDER BY id LIMIT $2) RETURNING 1";
constexpr std::string_view kFeedbackOfRow =
    "SELECT label, score, prediction FROM prediction_feedback"
    " WHERE route = $1 AND request_id = $2 AND request_row = $3";
constexpr std::string_view kUpsertFeedback =
    "INSERT INTO prediction_feedback (route, request_id, request_row, label, score, prediction,"
    " actor, given_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
    " ON CONFLICT (route, request_id, request_row) DO UPDATE SET label = excluded.label,"
    " score = excluded.score, prediction = excluded.prediction, actor = excluded.actor,"
    " given_at = excluded.given_at";
constexpr std::string_view kFeedbackOfRequest =
    "SELECT route, request_id, request_row, label, score, prediction, actor, given_at"
    " FROM prediction_feedback WHERE route = $1 AND request_id = $2 ORDER BY request_row";
constexpr std::string_view kDropFeedback =
    "DELETE FROM prediction_feedback WHERE (route, request_id, request_row) IN"
    " (SELECT route, request_id, request_row FROM prediction_feedback WHERE given_at < $1"
    " ORDER BY given_at LIMIT $2) RETURNING 1";

std::string NumberText(double number) { return fmt::format("{}", number); }

std::optional<std::string> OptionalText(std::optional<double> number) {
  return number ? std::optional(NumberText(*number)) : std::nullopt;
}

// What cannot be read is not a number: a comparison says so and goes on.
double NumberOf(std::string_view text) {
  double number = std::numeric_limits<double>::quiet_NaN();
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::optional<double> OptionalNumber(const Query& row, int column) {
  const std::optional<std::string> text = row.OptionalText(column);
  return text ? std::optional(NumberOf(*text)) : std::nullopt;
}

void BindPrediction(Query& insert, const PredictionRow& row) {
  insert.Bind(row.route)
      .Bind(row.id)
      .Bind(row.request_id)
      .Bind(row.unit)
      .Bind(NameOf(row.unit_kind))
      .Bind(row.assigned)
      .Bind(row.served)
      .Bind(row.arm)
      .Bind(row.reason)
      .Bind(NumberText(row.propensity))
      .Bind(NumberText(row.keep))
      .Bind(std::int64_t{row.bucket})
      .Bind(static_cast<std::int64_t>(row.generation.get()))
      .Bind(NameOf(row.outcome))
      .Bind(std::int64_t{row.status})
      .Bind(std::int64_t{row.latency.count()})
      .BindOptional(row.cost ? std::optional(row.cost->value) : std::nullopt)
      .Bind(row.rows)
      .Bind(ScoresText(row.scores))
      .Bind(row.replica)
      .Bind(row.segment)
      .Bind(row.offset)
      .Bind(MicrosOf(row.at))
      .BindOptional(row.challenger ? std::optional(DumpJson(ChallengerJson(*row.challenger)))
                                   : std::nullopt);
}

std::optional<ChallengerRecord> ChallengerIn(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  const Result<Json> json = ParseJson(*text);
  Result<ChallengerRecord> record = json ? ParseChallenger(*json) : Fail(json.error());
  return record ? std::optional(*std::move(record)) : std::nullopt;
}

UnitKind UnitKindOf(std::string_view name) {
  if (name == NameOf(UnitKind::kSession)) return UnitKind::kSession;
  return name == NameOf(UnitKind::kUser) ? UnitKind::kUser : UnitKind::kRequest;
}

PredictionRow PredictionOf(const Query& query) {
  PredictionRow row;
  row.route = query.Text(0);
  row.id = query.Text(1);
  row.request_id = query.Text(2);
  row.unit = query.Text(3);
  row.unit_kind = UnitKindOf(query.Text(4));
  row.assigned = query.Text(5);
  row.served = query.Text(6);
  row.arm = query.Text(7);
  row.reason = query.Text(8);
  row.propensity = NumberOf(query.Text(9));
  row.keep = NumberOf(query.Text(10));
  row.bucket = static_cast<int>(query.Int(11));
  row.generation = Generation(static_cast<std::uint64_t>(query.Int(12)));
  row.outcome = ParsePredictionOutcome(query.Text(13)).value_or(PredictionOutcome::kError);
  row.status = static_cast<int>(query.Int(14));
  row.latency = std::chrono::microseconds(query.Int(15));
  if (const auto nanos = query.OptionalInt(16)) row.cost = NanoUsd{*nanos};
  row.rows = query.Int(17);
  row.scores = ParseScores(query.Text(18)).value_or(std::vector<double>());
  row.replica = query.Text(19);
  row.segment = query.Text(20);
  row.offset = query.Int(21);
  row.at = WallTimeOf(query.Int(22));
  row.challenger = ChallengerIn(query.OptionalText(23));
  return row;
}

PredictionFact FactOf(const Query& row) {
  PredictionFact fact;
  fact.id = row.Text(0);
  fact.assigned = row.Text(1);
  fact.served = row.Text(2);
  fact.arm = row.Text(3);
  fact.outcome = ParsePredictionOutcome(row.Text(4)).value_or(PredictionOutcome::kError);
  fact.latency = std::chrono::microseconds(row.Int(5));
  if (const auto nanos = row.OptionalInt(6)) fact.cost = NanoUsd{*nanos};
  fact.propensity = NumberOf(row.Text(7));
  fact.keep = NumberOf(row.Text(8));
  fact.scores = ParseScores(row.Text(9)).value_or(std::vector<double>());
  const std::optional<std::int64_t> of_row = row.OptionalInt(10);
  fact.has_feedback = of_row.has_value();
  fact.row = of_row.value_or(0);
  fact.label = OptionalNumber(row, 11);
  fact.score = OptionalNumber(row, 12);
  fact.prediction = OptionalNumber(row, 13);
  fact.unit = row.Text(14);
  fact.generation = Generation(static_cast<std::uint64_t>(row.Int(15)));
  fact.challenger = ChallengerIn(row.OptionalText(16));
  return fact;
}

Feedback FeedbackOf(const Query& row) {
  Feedback item;
  item.route = row.Text(0);
  item.request_id = row.Text(1);
  item.row = row.Int(2);
  item.label = OptionalNumber(row, 3);
  item.score = OptionalNumber(row, 4);
  item.prediction = OptionalNumber(row, 5);
  item.actor = row.Text(6);
  item.at = WallTimeOf(row.Int(7));
  return item;
}

const std::string& PredictionInsert(std::size_t rows) {
  static const InsertTexts kTexts(
      "INSERT INTO prediction_index (" PODIUM_PREDICTION_COLUMNS ") VALUES ", kPredictionColumns,
      " ON CONFLICT DO NOTHING RETURNING 1", kRowsOfInsert);
  return kTexts.ForRows(rows);
}

#undef PODIUM_PREDICTION_COLUMNS

/// A statement in pieces: each condition with its own value.
class Conditions {
 public:
  void Add(std::string_view before, std::string_view value, std::string_view behind = "") {
    values_.emplace_back(value);
    text_ += fmt::format("{}{}${}{}", text_.empty() ? "" : " AND ", before, values_.size(), behind);
  }
  void AddTwice(std::string_view first, std::string_view second, std::string_view value) {
    Add(fmt::format("({}", first), value);
    values_.emplace_back(value);
    text_ += fmt::format(" OR {}${})", second, values_.size());
  }
  void AddText(std::string_view text) {
    text_ += fmt::format("{}{}", text_.empty() ? "" : " AND ", text);
  }
  const std::string& text() const { return text_; }
  const std::vector<std::string>& values() const { return values_; }

 private:
  std::string text_;
  std::vector<std::string> values_;
};

// Few of the 2^8 texts are ever asked for; each is prepared once.
Conditions ConditionsOf(const PredictionQuery& query) {
  Conditions all;
  if (query.route) all.Add("route = ", *query.route);
  if (query.unit) all.Add("unit = ", *query.unit);
  if (query.request_id) all.Add("request_id = ", *query.request_id);
  if (query.since) all.Add("id >= ", PredictionIdFloor(*query.since));
  if (query.until) all.Add("id < ", PredictionIdFloor(*query.until));
  if (query.outcome) all.Add("outcome = ", NameOf(*query.outcome));
  // In words that the index of failures is made with: few of many rows.
  if (query.outcome && query.outcome != PredictionOutcome::kOk) all.AddText("outcome <> 'ok'");
  if (query.version) all.AddTwice("assigned = ", "served = ", *query.version);
  // Above every id: they begin with a hex digit.
  all.Add("id < ", query.cursor.empty() ? std::string_view("~") : std::string_view(query.cursor));
  return all;
}

Result<Page<PredictionRow>> ReadPage(SqlConnection& connection, const PredictionQuery& query) {
  const Conditions conditions = ConditionsOf(query);
  const std::string text = fmt::format("{}{} ORDER BY id DESC LIMIT ${}", kSelectPredictions,
                                       conditions.text(), conditions.values().size() + 1);
  Query rows(connection, text);
  for (const std::string& value : conditions.values()) rows.Bind(std::string_view(value));
  rows.Bind(std::int64_t{query.limit} + 1);
  Page<PredictionRow> page;
  while (true) {
    PODIUM_TRY_ASSIGN(const bool more, rows.Next());
    if (!more) return page;
    if (page.items.size() == static_cast<std::size_t>(query.limit)) {
      page.next_cursor = page.items.back().id;
      return page;
    }
    page.items.push_back(PredictionOf(rows));
  }
}

// `next`: the prediction of the first row that has no place any more. Its own rows wait for the
// next page, unless they are all there is.
void EndFullPage(FactPage& page, const std::string& next) {
  const auto first = std::ranges::find(page.facts, next, &PredictionFact::id);
  page.cut = first == page.facts.begin();
  if (!page.cut) page.facts.erase(first, page.facts.end());
  page.after = page.facts.back().id;
}

Result<FactPage> ReadFactPage(SqlConnection& connection, const FactQuery& query) {
  // The floor itself is no id: what is above it is at it or later.
  const std::string from = std::max(PredictionIdFloor(query.since), query.after);
  Query rows(connection, kFacts);
  rows.Bind(query.route)
      .Bind(from)
      .Bind(PredictionIdFloor(query.until))
      .Bind(std::int64_t{query.limit})
      .Bind(std::int64_t{query.rows} + 1);
  FactPage page;
  int predictions = 0;
  while (true) {
    PODIUM_TRY_ASSIGN(const bool more, rows.Next());
    if (!more) break;
    if (page.facts.size() == static_cast<std::size_t>(query.rows)) {
      EndFullPage(page, rows.Text(0));
      return page;
    }
    page.facts.push_back(FactOf(rows));
    const std::size_t size = page.facts.size();
    if (size == 1 || page.facts[size - 1].id != page.facts[size - 2].id) ++predictions;
  }
  if (predictions == query.limit) page.after = page.facts.back().id;
  return page;
}

Result<FeedbackFate> PutFeedback(SqlConnection& connection, const Feedback& item) {
  FeedbackFate fate = FeedbackFate::kNew;
  {
    Query known(connection, kFeedbackOfRow);
    known.Bind(item.route).Bind(item.request_id).Bind(item.row);
    PODIUM_TRY_ASSIGN(const bool found, known.Next());
    if (found) {
      Feedback before = item;
      before.label = OptionalNumber(known, 0);
      before.score = OptionalNumber(known, 1);
      before.prediction = OptionalNumber(known, 2);
      if (before.SaysTheSame(item)) return FeedbackFate::kSame;
      fate = FeedbackFate::kReplaced;
    }
  }
  PODIUM_TRY(Query(connection, kUpsertFeedback)
                 .Bind(item.route)
                 .Bind(item.request_id)
                 .Bind(item.row)
                 .BindOptional(OptionalText(item.label))
                 .BindOptional(OptionalText(item.score))
                 .BindOptional(OptionalText(item.prediction))
                 .Bind(item.actor)
                 .Bind(MicrosOf(item.at))
                 .Run());
  return fate;
}

}  // namespace

Result<RecordedPredictions> SqlStore::RecordPredictions(std::span<const PredictionRow> rows) {
  RecordedPredictions done;
  Writing writing;
  writing.turn = WriteTurn::kRecords;
  writing.work = [&](SqlConnection& connection) -> Result<bool> {
    done = {};
    // Half of the time is left to the commit.
    const SteadyTime deadline = clock_.SteadyNow() + limits::kRecordTransaction / 2;
    auto left = rows.first(std::min(rows.size(), limits::kPredictionTransaction));
    while (!left.empty() && (done.taken == 0 || clock_.SteadyNow() < deadline)) {
      const std::size_t size =
          *std::ranges::find_if(kRowsOfInsert, [&](std::size_t one) { return one <= left.size(); });
      Query insert(connection, PredictionInsert(size));
      for (const PredictionRow& row : left.first(size)) BindPrediction(insert, row);
      PODIUM_TRY_ASSIGN(const std::size_t inserted, CountRows(insert));
      done.inserted += inserted;
      done.taken += size;
      left = left.subspan(size);
    }
    return true;
  };
  PODIUM_TRY(Write(writing));
  return done;
}

Result<Page<PredictionRow>> SqlStore::ListPredictions(const PredictionQuery& query) {
  PODIUM_TRY(CheckPageLimit(query.limit));
  return ReadValue<Page<PredictionRow>>(
      [&](SqlConnection& connection) { return ReadPage(connection, query); });
}

Result<PredictionRow> SqlStore::FindPrediction(const std::string& id) {
  return ReadValue<PredictionRow>([&](SqlConnection& connection) -> Result<PredictionRow> {
    Query row(connection, kPredictionById);
    row.Bind(id);
    PODIUM_TRY_ASSIGN(const bool found, row.Next());
    if (found) return PredictionOf(row);
    return Fail(ErrorCode::kNotFound, "there is no prediction {}", id);
  });
}

Result<std::string> SqlStore::LabelledPrediction(const std::string& route,
                                                 const std::string& request_id) {
  return ReadValue<std::string>([&](SqlConnection& connection) -> Result<std::string> {
    Query row(connection, kLabelledPrediction);
    row.Bind(request_id).Bind(route);
    PODIUM_TRY_ASSIGN(const bool found, row.Next());
    return found ? std::string(row.Text(0)) : std::string();
  });
}

Result<FactPage> SqlStore::ReadFacts(const FactQuery& query) {
  return ReadValue<FactPage>(
      [&](SqlConnection& connection) { return ReadFactPage(connection, query); });
}

Result<std::size_t> SqlStore::DropRecords(std::string_view sql,
                                          const std::function<void(Query&)>& bind) {
  std::size_t dropped = 0;
  Writing writing;
  writing.turn = WriteTurn::kRecords;
  writing.work = [&](SqlConnection& connection) -> Result<bool> {
    dropped = 0;
    const SteadyTime deadline = clock_.SteadyNow() + limits::kRecordTransaction / 2;
    while (true) {
      Query drop(connection, sql);
      bind(drop);
      drop.Bind(std::int64_t{limits::kDropBatch});
      PODIUM_TRY_ASSIGN(const std::size_t some, CountRows(drop));
      dropped += some;
      const bool none_left = some < limits::kDropBatch;
      if (none_left || dropped >= limits::kPredictionTransaction ||
          clock_.SteadyNow() >= deadline) {
        break;
      }
    }
    return dropped > 0;
  };
  PODIUM_TRY(Write(writing));
  return dropped;
}

Result<std::size_t> SqlStore::DropPredictions(WallTime before) {
  const std::string end = PredictionIdFloor(before);
  return DropRecords(kDropPredictions, [&](Query& drop) { drop.Bind(std::string_view(end)); });
}

Result<std::size_t> SqlStore::DropFeedback(WallTime before) {
  return DropRecords(kDropFeedback, [&](Query& drop) { drop.Bind(MicrosOf(before)); });
}

Result<std::vector<FeedbackFate>> SqlStore::RecordFeedback(std::span<const Feedback> items) {
  std::vector<FeedbackFate> fates(items.size());
  // In one order everywhere: two that take the same rows in different orders would wait for each
  // other.
  std::vector<std::size_t> order(items.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    return std::tie(items[a].route, items[a].request_id, items[a].row) <
           std::tie(items[b].route, items[b].request_id, items[b].row);
  });
  Writing writing;
  writing.turn = WriteTurn::kRecords;
  writing.work = [&](SqlConnection& connection) -> Result<bool> {
    for (const std::size_t index : order) {
      PODIUM_TRY_ASSIGN(fates[index], PutFeedback(connection, items[index]));
    }
    return true;
  };
  PODIUM_TRY(Write(writing));
  return fates;
}

Result<std::vector<Feedback>> SqlStore::ReadFeedback(const std::string& route,
                                                     const std::string& request_id) {
  return ReadValue<std::vector<Feedback>>(
      [&](SqlConnection& connection) -> Result<std::vector<Feedback>> {
        Query rows(connection, kFeedbackOfRequest);
        rows.Bind(route).Bind(request_id);
        return ReadRows<Feedback>(rows, FeedbackOf);
      });
}

}  // namespace podium::store
