// The index of predictions in this process's memory: for tests.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "store/prediction_store.h"

namespace podium::store {

/// Threads: all methods from any thread; one lock over everything.
class MemoryPredictionStore final : public PredictionStore {
 public:
  Result<RecordedPredictions> RecordPredictions(std::span<const PredictionRow> rows) override;
  Result<Page<PredictionRow>> ListPredictions(const PredictionQuery& query) override;
  Result<PredictionRow> FindPrediction(const std::string& id) override;
  Result<std::string> LabelledPrediction(const std::string& route,
                                         const std::string& request_id) override;
  Result<FactPage> ReadFacts(const FactQuery& query) override;
  Result<std::size_t> DropPredictions(WallTime before) override;
  Result<std::vector<FeedbackFate>> RecordFeedback(std::span<const Feedback> items) override;
  Result<std::vector<Feedback>> ReadFeedback(const std::string& route,
                                             const std::string& request_id) override;
  Result<std::size_t> DropFeedback(WallTime before) override;

 private:
  using FeedbackKey = std::tuple<std::string, std::string, std::int64_t>;
  std::string LabelledOf(const std::string& route, const std::string& request_id) const;
  void AddFacts(const PredictionRow& row, std::vector<PredictionFact>& facts) const;

  std::mutex mutex_;                           // Over all below.
  std::map<std::string, PredictionRow> rows_;  // By id.
  std::map<FeedbackKey, Feedback> feedback_;   // By route, request and row.
};

}  // namespace podium::store
