// In which order a search lists models and versions, and where a page of it ended. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "domain/registered_model.h"
#include "store/registry_store.h"

namespace podium::store {

enum class OrderField : std::uint8_t { kName, kNumber, kCreated, kUpdated };
struct OrderTerm {
  OrderField field = OrderField::kName;
  bool descending = false;
  bool operator==(const OrderTerm&) const = default;
};
/// Ends with what makes it total: the name, and for versions the number.
using ListOrder = std::vector<OrderTerm>;

/// From `order_by` ("name", "timestamp DESC"); the default order when there is none.
/// kInvalidArgument for a key that is not known or comes twice.
Result<ListOrder> ParseModelOrder(const std::vector<std::string>& terms);
Result<ListOrder> ParseVersionOrder(const std::vector<std::string>& terms);

/// All that an order may look at.
struct ListKey {
  std::string name;
  std::int64_t number = 0;
  WallTime created_at;
  WallTime updated_at;
  bool operator==(const ListKey&) const = default;
};
ListKey KeyOf(const RegisteredModel& model);
ListKey KeyOf(const RegisteredVersion& version);
bool Precedes(const ListOrder& order, const ListKey& a, const ListKey& b);

/// Opaque text. A page goes on behind the row that ended the one before, so that what is added
/// meanwhile shifts nothing. kInvalidArgument for text that was not given out for this order.
std::string EncodePageToken(const ListOrder& order, const ListKey& last);
Result<ListKey> DecodePageToken(const ListOrder& order, std::string_view text);

/// Collects one page from rows in any order, in memory for one page.
template <typename Row>
class PageCollector {
 public:
  /// `after` is empty, or a page token of this order.
  static Result<PageCollector> Make(ListOrder order, std::size_t limit, std::string_view after) {
    PageCollector made(std::move(order), limit);
    if (!after.empty()) {
      PODIUM_TRY_ASSIGN(ListKey key, DecodePageToken(made.order_, after));
      made.after_ = std::move(key);
    }
    return made;
  }

  /// Where the page begins; nullptr for the first.
  const ListKey* after() const { return after_ ? &*after_ : nullptr; }
  /// More than a page is here: a source that brings rows in their order may stop.
  bool full() const { return kept_.size() > limit_; }

  void Offer(Row row) {
    ListKey key = KeyOf(row);
    if (after_ && !Precedes(order_, *after_, key)) return;
    kept_.emplace_back(std::move(key), std::move(row));
    std::ranges::push_heap(kept_, Before());
    if (kept_.size() <= limit_ + 1) return;
    std::ranges::pop_heap(kept_, Before());
    kept_.pop_back();
  }

  Page<Row> Finish() && {
    std::ranges::sort_heap(kept_, Before());
    Page<Row> page;
    if (kept_.size() > limit_) {
      kept_.pop_back();
      page.next_cursor = EncodePageToken(order_, kept_.back().first);
    }
    page.items.reserve(kept_.size());
    for (auto& [key, row] : kept_) page.items.push_back(std::move(row));
    return page;
  }

 private:
  PageCollector(ListOrder order, std::size_t limit) : order_(std::move(order)), limit_(limit) {}
  auto Before() const {
    return [this](const auto& a, const auto& b) { return Precedes(order_, a.first, b.first); };
  }

  ListOrder order_;
  std::size_t limit_;
  std::optional<ListKey> after_;
  std::vector<std::pair<ListKey, Row>> kept_;  // A heap, the last in order on top.
};

}  // namespace podium::store
