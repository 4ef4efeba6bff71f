#include "store/memory_prediction_store.h"

#include <algorithm>
#include <limits>

#include "base/limits.h"
#include "store/cursor.h"

namespace podium::store {
namespace {

bool Wants(const PredictionQuery& query, const PredictionRow& row) {
  return (!query.route || row.route == *query.route) &&
         (!query.version || row.assigned == *query.version || row.served == *query.version) &&
         (!query.outcome || row.outcome == *query.outcome) &&
         (!query.unit || row.unit == *query.unit) &&
         (!query.request_id || row.request_id == *query.request_id) &&
         (!query.since || row.id >= PredictionIdFloor(*query.since)) &&
         (!query.until || row.id < PredictionIdFloor(*query.until)) &&
         (query.cursor.empty() || row.id < query.cursor);
}

}  // namespace

Result<RecordedPredictions> MemoryPredictionStore::RecordPredictions(
    std::span<const PredictionRow> rows) {
  const std::lock_guard lock(mutex_);
  RecordedPredictions done;
  for (const PredictionRow& row :
       rows.first(std::min(rows.size(), limits::kPredictionTransaction))) {
    done.inserted += rows_.try_emplace(row.id, row).second ? 1 : 0;
    ++done.taken;
  }
  return done;
}

Result<Page<PredictionRow>> MemoryPredictionStore::ListPredictions(const PredictionQuery& query) {
  PODIUM_TRY(CheckPageLimit(query.limit));
  const std::lock_guard lock(mutex_);
  Page<PredictionRow> page;
  for (auto at = rows_.rbegin(); at != rows_.rend(); ++at) {
    if (!Wants(query, at->second)) continue;
    if (page.items.size() == static_cast<std::size_t>(query.limit)) {
      page.next_cursor = page.items.back().id;
      break;
    }
    page.items.push_back(at->second);
  }
  return page;
}

Result<PredictionRow> MemoryPredictionStore::FindPrediction(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto found = rows_.find(id);
  if (found != rows_.end()) return found->second;
  return Fail(ErrorCode::kNotFound, "there is no prediction {}", id);
}

void MemoryPredictionStore::AddFacts(const PredictionRow& row,
                                     std::vector<PredictionFact>& facts) const {
  PredictionFact fact;
  fact.id = row.id;
  fact.unit = row.unit;
  fact.generation = row.generation;
  fact.assigned = row.assigned;
  fact.served = row.served;
  fact.arm = row.arm;
  fact.outcome = row.outcome;
  fact.latency = row.latency;
  fact.cost = row.cost;
  fact.propensity = row.propensity;
  fact.keep = row.keep;
  fact.scores = row.scores;
  fact.challenger = row.challenger;
  bool any = false;
  if (LabelledOf(row.route, row.request_id) != row.id) {
    facts.push_back(std::move(fact));
    return;
  }
  for (auto at = feedback_.lower_bound(
           {row.route, row.request_id, std::numeric_limits<std::int64_t>::min()});
       at != feedback_.end() && at->second.route == row.route &&
       at->second.request_id == row.request_id;
       ++at) {
    any = true;
    fact.has_feedback = true;
    fact.row = at->second.row;
    fact.label = at->second.label;
    fact.score = at->second.score;
    fact.prediction = at->second.prediction;
    facts.push_back(fact);
  }
  if (!any) facts.push_back(std::move(fact));
}

// REQUIRES: the lock.
std::string MemoryPredictionStore::LabelledOf(const std::string& route,
                                              const std::string& request_id) const {
  std::string answered;
  std::string last;
  for (const auto& [id, row] : rows_) {
    if (row.route != route || row.request_id != request_id) continue;
    last = id;
    if (row.outcome == PredictionOutcome::kOk) answered = id;
  }
  return answered.empty() ? last : answered;
}

Result<std::string> MemoryPredictionStore::LabelledPrediction(const std::string& route,
                                                              const std::string& request_id) {
  const std::lock_guard lock(mutex_);
  return LabelledOf(route, request_id);
}

Result<FactPage> MemoryPredictionStore::ReadFacts(const FactQuery& query) {
  const std::lock_guard lock(mutex_);
  FactPage page;
  int count = 0;
  const std::string until = PredictionIdFloor(query.until);
  std::string last;
  for (auto at = rows_.lower_bound(std::max(PredictionIdFloor(query.since), query.after));
       at != rows_.end() && at->first < until; ++at) {
    if (at->second.route != query.route || at->first == query.after) continue;
    if (count++ == query.limit) {
      page.after = last;
      break;
    }
    std::vector<PredictionFact> facts;
    AddFacts(at->second, facts);
    const auto most = static_cast<std::size_t>(query.rows);
    if (!page.facts.empty() && page.facts.size() + facts.size() > most) {
      page.after = last;
      break;
    }
    last = at->first;
    page.cut = facts.size() > most;
    if (page.cut) {
      facts.resize(most);
      page.after = last;
    }
    std::ranges::move(facts, std::back_inserter(page.facts));
    if (page.cut) break;
  }
  return page;
}

Result<std::size_t> MemoryPredictionStore::DropPredictions(WallTime before) {
  const std::lock_guard lock(mutex_);
  const std::string end = PredictionIdFloor(before);
  return std::erase_if(rows_, [&](const auto& row) { return row.first < end; });
}

Result<std::vector<FeedbackFate>> MemoryPredictionStore::RecordFeedback(
    std::span<const Feedback> items) {
  const std::lock_guard lock(mutex_);
  std::vector<FeedbackFate> fates;
  for (const Feedback& item : items) {
    const auto [at, is_new] = feedback_.try_emplace({item.route, item.request_id, item.row}, item);
    if (is_new) {
      fates.push_back(FeedbackFate::kNew);
    } else if (at->second.SaysTheSame(item)) {
      fates.push_back(FeedbackFate::kSame);
    } else {
      at->second = item;
      fates.push_back(FeedbackFate::kReplaced);
    }
  }
  return fates;
}

Result<std::vector<Feedback>> MemoryPredictionStore::ReadFeedback(const std::string& route,
                                                                  const std::string& request_id) {
  const std::lock_guard lock(mutex_);
  std::vector<Feedback> found;
  for (const auto& [key, item] : feedback_) {
    if (item.route == route && item.request_id == request_id) found.push_back(item);
  }
  return found;
}

Result<std::size_t> MemoryPredictionStore::DropFeedback(WallTime before) {
  const std::lock_guard lock(mutex_);
  return std::erase_if(feedback_, [&](const auto& item) { return item.second.at < before; });
}

}  // namespace podium::store
