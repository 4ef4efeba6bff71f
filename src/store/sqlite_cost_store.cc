// SqliteStore as a CostStore. Records share the one writer with the registry's changes, in
// transactions short enough that a promote does not notice.
#include <algorithm>
#include <utility>

#include "store/sqlite_costs.h"
#include "store/sqlite_store.h"

namespace podium::store {

using Kind = Transaction::Kind;

Result<RecordedCosts> SqliteStore::RecordCosts(std::span<const CostEvent> events) {
  PODIUM_TRY_ASSIGN(const std::unique_lock turn, TakeTurn());
  PODIUM_TRY_ASSIGN(Transaction transaction, BeginWrite());
  const SteadyTime deadline = clock_.SteadyNow() + limits::kRecordTransaction;
  RecordedCosts done;
  DailySums sums;  // One row for each, whatever the number of events.
  for (const CostEvent& event : events.first(std::min(events.size(), limits::kCostBatch))) {
    PODIUM_TRY_ASSIGN(const bool inserted, InsertCostEvent(writer_, event));
    if (inserted) sums.Add(event);
    done.inserted += inserted ? 1 : 0;
    ++done.taken;
    if (clock_.SteadyNow() >= deadline) break;
  }
  for (const auto& [key, day] : sums.days()) PODIUM_TRY(AddToDay(writer_, day));
  PODIUM_TRY(transaction.Commit());
  return done;
}

Result<std::vector<ModelCost>> SqliteStore::ReadCosts(WallTime from, WallTime to) {
  const ReaderPool::Lease reader = readers_.Take();
  return ReadModelCosts(*reader, from, to);
}

Result<std::vector<DailyCost>> SqliteStore::ReadDailyCosts() {
  const ReaderPool::Lease reader = readers_.Take();
  return ReadDays(*reader);
}

Result<std::vector<CostEvent>> SqliteStore::ReadCostEvents(const std::string& after, int limit) {
  const ReaderPool::Lease reader = readers_.Take();
  return ReadEventRows(*reader, after, limit);
}

Result<Price> SqliteStore::AddPrice(const Price& price) {
  PODIUM_TRY_ASSIGN(const std::unique_lock turn, TakeTurn());
  PODIUM_TRY_ASSIGN(Transaction transaction, BeginWrite());
  Price added = price;
  added.created_at = clock_.Now();
  PODIUM_TRY_ASSIGN(added, InsertPrice(writer_, std::move(added)));
  PODIUM_TRY(transaction.Commit());
  return added;
}

Result<std::vector<Price>> SqliteStore::ReadPrices() {
  const ReaderPool::Lease reader = readers_.Take();
  return ReadPriceRows(*reader);
}

}  // namespace podium::store
