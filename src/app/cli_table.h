// Tables for people: columns as wide as they need to be, numbers to the right.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace podium::app {

class Table {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string_view title;
    Align align = Align::kLeft;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// REQUIRES: as many cells as columns. An empty cell is shown as "-".
  void Add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  std::size_t size() const { return rows_.size(); }  ///< Rows.
  /// Titles and rows, each with its line end and without spaces at the end.
  std::string Render() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// 1204 as "1,204".
std::string WithThousands(std::uint64_t number);
/// 0.0512 as "5.12 %"; at most two digits behind the point, none that are zero.
std::string AsPercent(double fraction);
/// 25 as "25 %", 0.25 as "0.25 %".
std::string ShowPercent(double percent);
/// Milliseconds with three significant digits: "0.121", "12.1", "121".
std::string ShowMilliseconds(double milliseconds);

}  // namespace podium::app
