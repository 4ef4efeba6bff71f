// One page of a search as MLflow's API shows it. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "control/mlflow/shapes.h"
#include "store/search_limits.h"

namespace podium::control {

/// The answer's whole text: `list` with the rows, and the token of the page behind them. Ends early
/// once the rows have more than `most` bytes, with a token that goes on from there.
template <typename Row>
std::string SearchPageText(std::string_view list, const store::Page<Row>& page,
                           const store::ListOrder& order,
                           std::size_t most = limits::kMaxSearchPageBytes) {
  std::string rows;
  std::string token = page.next_cursor;
  for (const Row& row : page.items) {
    if (!rows.empty()) rows += ',';
    rows += DumpJson(MlflowJson(row));
    if (rows.size() <= most || &row == &page.items.back()) continue;
    token = EncodePageToken(order, store::KeyOf(row));
    break;
  }
  if (rows.empty()) return "{}";
  std::string text = fmt::format(R"({{"{}":[)", list) + std::move(rows) + "]";
  if (!token.empty()) text += R"(,"next_page_token":)" + DumpJson(Json(token));
  return text + "}";
}

}  // namespace podium::control
