#include "store/sql_row_lists.h"

#include <fmt/format.h>

namespace podium::store {
namespace {

std::string ValueLists(std::size_t rows, int columns) {
  std::string text;
  int parameter = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    text += row == 0 ? "(" : ", (";
    for (int column = 0; column < columns; ++column) {
      text += fmt::format("{}${}", column == 0 ? "" : ", ", ++parameter);
    }
    text += ')';
  }
  return text;
}

}  // namespace

InsertTexts::InsertTexts(std::string_view head, int columns, std::string_view tail,
                         std::span<const std::size_t> sizes) {
  for (const std::size_t size : sizes) {
    texts_.emplace(size, fmt::format("{}{}{}", head, ValueLists(size, columns), tail));
  }
}

const std::string& InsertTexts::ForRows(std::size_t rows) const { return texts_.at(rows); }

Result<std::size_t> CountRows(Query& query) {
  std::size_t count = 0;
  while (true) {
    PODIUM_TRY_ASSIGN(const bool more, query.Next());
    if (!more) return count;
    ++count;
  }
}

}  // namespace podium::store
