#include "gateway/predict_codec.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>

#include "base/assert.h"
#include "base/limits.h"
#include "base/suggest.h"
#include "gateway/json_body.h"
#include "gateway/predict_cell.h"

namespace podium::gateway {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::string_view kEmptyRowsBody =
    "the body is empty: send {\"rows\": [[…], …]} or {\"rows\": [{column: value}, …]}";

// --- Messages -----------------------------------------------------------------------------------

std::string PointerTo(std::string_view key) {
  std::string out = "/";
  for (const char c : key) {
    if (c == '~' || c == '/') {
      out += c == '~' ? "~0" : "~1";
    } else {
      out += c;
    }
  }
  return out;
}

/// A cell by the caller's own terms: rows and columns count from 0, as in the JSON pointer.
struct Place {
  std::size_t row = 0;
  std::size_t column = 0;
  std::string_view name;  ///< Of the column or input; may be empty.
  bool by_name = false;   ///< The row is an object.

  std::string Text() const {
    std::string text = fmt::format("row {}, column {}", row, column);
    if (by_name) return fmt::format("row {}, column \"{}\"", row, name);
    return name.empty() ? text : fmt::format("{} (\"{}\")", text, name);
  }
  std::string Pointer() const {
    return fmt::format("/rows/{}{}", row, by_name ? PointerTo(name) : fmt::format("/{}", column));
  }
};

template <typename... Args>
Failure FailAt(std::string where, fmt::format_string<Args...> format, Args&&... args) {
  Error error{ErrorCode::kInvalidArgument, fmt::format(format, std::forward<Args>(args)...), "",
              nullptr};
  return Fail(std::move(error).At(std::move(where)));
}

/// Looks at the first few hundred names: a wrong one must not cost more than a right one by much.
std::string Suggestion(std::string_view wrong, std::span<const std::string> known) {
  constexpr std::size_t kMostLookedAt = 256;
  known = known.first(std::min(known.size(), kMostLookedAt));
  return DidYouMean(wrong, {known.begin(), known.end()});
}

std::string RowPointer(std::size_t row) { return fmt::format("/rows/{}", row); }

// --- Shapes -------------------------------------------------------------------------------------

/// One input while it is filled, row by row.
struct Filling {
  const TensorSpec* spec = nullptr;
  Shape entry;  ///< Dimensions of one row's entry; open ones are closed by the first row.
  CellReader read = nullptr;
  Tensor tensor;

  /// Elements per row; 0 while a dimension is open.
  std::size_t width() const {
    return static_cast<std::size_t>(
        std::clamp<std::int64_t>(ElementCount(entry).value_or(0), 0, std::int64_t{1} << 32U));
  }
};

/// Memory that one call leaves to the next.
struct RowScratch {
  std::vector<Filling> inputs;
  std::vector<std::string> input_names;
  std::vector<element> cells;  ///< Of one object row, in the order of names().
  std::vector<bool> seen;
};

}  // namespace

struct PredictDecoder::Impl {
  JsonBody json;
  std::vector<element> rows;
  RowScratch scratch;
  bool by_name = false;  ///< Rows are objects.
  std::size_t body_bytes = 0;

  Status TakeRows(const element& value);
};

namespace {

/// Fills the inputs of one signature from parsed rows.
class RowReader {
 public:
  RowReader(const Signature& signature, const std::vector<element>& rows, bool by_name,
            std::size_t body_bytes, RowScratch& scratch)
      : signature_(signature),
        rows_(rows),
        by_name_(by_name),
        body_bytes_(body_bytes),
        inputs_(scratch.inputs),
        input_names_(scratch.input_names),
        cells_(scratch.cells),
        seen_(scratch.seen) {}

  Result<std::vector<Tensor>> Read() {
    PODIUM_TRY(Prepare());
    for (std::size_t row = 0; row < rows_.size(); ++row) {
      PODIUM_TRY(by_name_ ? ReadObject(row) : ReadArray(row));
    }
    std::vector<Tensor> tensors;
    tensors.reserve(inputs_.size());
    for (Filling& input : inputs_) {
      Shape& shape = input.tensor.shape;
      shape.reserve(1 + input.entry.size());
      shape.assign(1, static_cast<std::int64_t>(rows_.size()));
      shape.insert(shape.end(), input.entry.begin(), input.entry.end());
      tensors.push_back(std::move(input.tensor));
    }
    return tensors;
  }

 private:
  /// A row is the entry of the only input itself ([[…], …] for [-1, k]), not a list of entries.
  bool row_is_entry() const { return inputs_.size() == 1 && !inputs_.front().entry.empty(); }
  /// The elements of a row are columns of the only input.
  bool rows_are_columns() const { return row_is_entry() && !by_name_; }
  bool has_columns() const { return !signature_.columns.empty() && row_is_entry(); }
  std::span<const std::string> names() const {
    return has_columns() ? std::span<const std::string>(signature_.columns) : input_names_;
  }

  Status Prepare();
  Status ReadArray(std::size_t row);
  Status ReadObject(std::size_t row);
  Status ReadCells(Filling& input, std::size_t row, const element& entry);
  Status ReadEntry(Filling& input, const element& entry, Place place, bool outermost);
  Status ReadNested(Filling& input, const element& value, std::size_t level, const Place& place);
  Status ReadValue(Filling& input, const element& value, const Place& place);
  std::byte* Extend(Filling& input, std::size_t count) const;
  static Failure Refuse(const Filling& input, const element& value, const Place& place);
  Status CloseDimension(Filling& input, std::size_t level, std::size_t length, const Place& place);
  Result<std::size_t> IndexOf(std::string_view key, std::size_t expected, std::size_t row);
  Place PlaceOf(std::size_t row, std::size_t column) const {
    return {row, column, column < names().size() ? names()[column] : std::string_view(), by_name_};
  }

  const Signature& signature_;
  const std::vector<element>& rows_;
  const bool by_name_;
  const std::size_t body_bytes_;
  std::vector<Filling>& inputs_;
  std::vector<std::string>& input_names_;
  std::unordered_map<std::string_view, std::size_t> index_;  ///< Built when keys are out of order.
  std::vector<element>& cells_;
  std::vector<bool>& seen_;
};

Status RowReader::Prepare() {
  const auto count = static_cast<std::int64_t>(rows_.size());
  static const Shape kTable = {-1, -1};
  static const Shape kValue = {-1};
  inputs_.resize(signature_.inputs.size());
  input_names_.resize(inputs_.size());
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const TensorSpec& spec = signature_.inputs[i];
    Filling& input = inputs_[i];
    input.spec = &spec;
    input.read = ReaderOf(spec.type);
    input.tensor = Tensor{spec.name, spec.type, {}, {}, {}};
    input_names_[i] = spec.name;
    // A model that does not state its rank: a table, when it is alone, else one value per row.
    const Shape& assumed = inputs_.size() == 1 ? kTable : kValue;
    const Shape& shape = spec.shape.empty() ? assumed : spec.shape;
    if (shape.front() != -1 && shape.front() != count) {
      return FailAt("/rows", "the model takes exactly {} row{} at a time, {} are given",
                    shape.front(), shape.front() == 1 ? "" : "s", count);
    }
    input.entry.assign(shape.begin() + 1, shape.end());
  }
  cells_.resize(names().size());
  return {};
}

Status RowReader::ReadArray(std::size_t row) {
  Filling& first = inputs_.front();
  if (row_is_entry()) return ReadEntry(first, rows_[row], PlaceOf(row, 0), /*outermost=*/true);
  const array entries = rows_[row].get_array().value_unsafe();
  if (entries.size() != inputs_.size()) {
    return FailAt(RowPointer(row), "row {} has {} entries, but the model takes {} ({})", row,
                  entries.size(), inputs_.size(), fmt::join(input_names_, ", "));
  }
  std::size_t column = 0;
  for (const element entry : entries) {
    PODIUM_TRY(ReadEntry(inputs_[column], entry, PlaceOf(row, column), /*outermost=*/false));
    ++column;
  }
  return {};
}

Status RowReader::ReadObject(std::size_t row) {
  seen_.assign(names().size(), false);
  std::size_t expected = 0;
  std::size_t found = 0;
  for (const auto field : rows_[row].get_object().value_unsafe()) {
    PODIUM_TRY_ASSIGN(const std::size_t column, IndexOf(field.key, expected, row));
    if (seen_[column]) {
      return FailAt(RowPointer(row) + PointerTo(field.key), "row {} has the column \"{}\" twice",
                    row, field.key);
    }
    seen_[column] = true;
    cells_[column] = field.value;
    expected = column + 1;
    ++found;
  }
  if (found < names().size()) {
    const auto missing = std::find(seen_.begin(), seen_.end(), false) - seen_.begin();
    return FailAt(RowPointer(row), "row {} lacks the column \"{}\"", row,
                  names()[static_cast<std::size_t>(missing)]);
  }
  for (std::size_t column = 0; column < cells_.size(); ++column) {
    const Place place = PlaceOf(row, column);
    PODIUM_TRY(has_columns() ? ReadValue(inputs_.front(), cells_[column], place)
                             : ReadEntry(inputs_[column], cells_[column], place, false));
  }
  return {};
}

/// Rows mostly name their columns in the model's order: only others cost a look-up.
Result<std::size_t> RowReader::IndexOf(std::string_view key, std::size_t expected,
                                       std::size_t row) {
  if (expected < names().size() && names()[expected] == key) return expected;
  if (index_.empty()) {
    for (std::size_t i = 0; i < names().size(); ++i) index_.emplace(names()[i], i);
  }
  const auto found = index_.find(key);
  if (found != index_.end()) return found->second;
  return FailAt(RowPointer(row) + PointerTo(key), "row {} has the unknown column \"{}\"{}", row,
                key, Suggestion(key, names()));
}

/// `outermost`: the row itself is the entry, so that its own elements are the columns.
Status RowReader::ReadEntry(Filling& input, const element& entry, Place place, bool outermost) {
  // A column of width one may come bare: 5 for [5].
  const bool bare = input.entry.size() == 1 && input.entry.front() == 1 && !entry.is_array();
  if (bare && !outermost) return ReadValue(input, entry, place);
  return ReadNested(input, entry, 0, place);
}

Status RowReader::ReadNested(Filling& input, const element& value, std::size_t level,
                             const Place& place) {
  if (level == input.entry.size()) return ReadValue(input, value, place);
  array values;
  if (value.get_array().get(values) != simdjson::SUCCESS) {
    return FailAt(place.Pointer(), "{}: an array is wanted for input \"{}\", {} is given",
                  place.Text(), input.spec->name, GivenText(value));
  }
  PODIUM_TRY(CloseDimension(input, level, values.size(), place));
  const bool columns = rows_are_columns() && level == 0;
  const auto place_of = [&](std::size_t i) { return columns ? PlaceOf(place.row, i) : place; };
  std::size_t index = 0;
  if (level + 1 == input.entry.size() && input.read != nullptr) {
    std::byte* out = Extend(input, values.size());
    for (const element inner : values) {
      if (!input.read(inner, out)) return Refuse(input, inner, place_of(index));
      out += WidthOf(input.tensor.type);
      ++index;
    }
    return {};
  }
  for (const element inner : values) {
    PODIUM_TRY(ReadNested(input, inner, level + 1, place_of(index)));
    ++index;
  }
  return {};
}

/// Room for `count` elements more.
std::byte* RowReader::Extend(Filling& input, std::size_t count) const {
  std::vector<std::byte>& data = input.tensor.data;
  const std::size_t width = WidthOf(input.tensor.type);
  const std::size_t at = data.size();
  if (at == 0) {
    // Every element takes at least two bytes of the body, whatever the signature promises.
    const std::size_t hoped = std::max(input.width(), count) * rows_.size();
    data.reserve(std::min(hoped, body_bytes_ / 2 + 1) * width);
  }
  data.resize(at + count * width);
  return data.data() + at;
}

Failure RowReader::Refuse(const Filling& input, const element& value, const Place& place) {
  return FailAt(place.Pointer(), "{}: {} is wanted, {} is given", place.Text(),
                WantedText(input.tensor.type), GivenText(value));
}

/// The first row settles an open dimension; every other must agree.
Status RowReader::CloseDimension(Filling& input, std::size_t level, std::size_t length,
                                 const Place& place) {
  std::int64_t& dimension = input.entry[level];
  const auto given = static_cast<std::int64_t>(length);
  const bool columns = rows_are_columns() && level == 0;
  if (dimension == -1 && given > 0) dimension = given;
  if (dimension == given) return {};
  if (columns) {
    return FailAt(RowPointer(place.row), "row {} has {} columns, {} are wanted", place.row, given,
                  dimension == -1 ? "one or more" : fmt::to_string(dimension));
  }
  return FailAt(place.Pointer(), "{}: {} values are wanted for input \"{}\", {} are given",
                place.Text(), dimension == -1 ? "one or more" : fmt::to_string(dimension),
                input.spec->name, given);
}

Status RowReader::ReadValue(Filling& input, const element& value, const Place& place) {
  if (input.read != nullptr) {
    if (!input.read(value, Extend(input, 1))) return Refuse(input, value, place);
    return {};
  }
  std::string_view text;
  if (value.get_string().get(text) != simdjson::SUCCESS) return Refuse(input, value, place);
  input.tensor.strings.emplace_back(text);
  return {};
}

}  // namespace

// --- The decoder --------------------------------------------------------------------------------

PredictDecoder::PredictDecoder() : impl_(std::make_unique<Impl>()) {}
PredictDecoder::~PredictDecoder() = default;

Status PredictDecoder::Impl::TakeRows(const element& value) {
  array list;
  if (value.get_array().get(list) != simdjson::SUCCESS) {
    return FailAt("/rows", "\"rows\" must be an array of rows, {} is given", GivenText(value));
  }
  if (list.size() == 0) return FailAt("/rows", "\"rows\" is empty: send at least one row");
  if (list.size() > limits::kMaxPredictRows) {
    return Fail(Error{ErrorCode::kTooLarge,
                      fmt::format("{} rows are given, at most {} fit one request: send several",
                                  list.size(), limits::kMaxPredictRows),
                      "/rows", nullptr});
  }
  for (const element row : list) {
    const std::size_t index = rows.size();
    const bool is_object = row.is_object();
    if (!is_object && !row.is_array()) {
      return FailAt(RowPointer(index), "row {}: an array or an object is wanted, {} is given",
                    index, GivenText(row));
    }
    if (index == 0) by_name = is_object;
    if (is_object != by_name) {
      return FailAt(RowPointer(index), "row {} is {}, but row 0 is {}: write all rows alike", index,
                    is_object ? "an object" : "an array", by_name ? "an object" : "an array");
    }
    const std::size_t width =
        is_object ? row.get_object().value_unsafe().size() : row.get_array().value_unsafe().size();
    if (width > limits::kMaxColumns) {
      return Fail(Error{ErrorCode::kTooLarge,
                        fmt::format("row {} has {} columns, at most {} are read", index, width,
                                    limits::kMaxColumns),
                        RowPointer(index), nullptr});
    }
    rows.push_back(row);
  }
  return {};
}

Result<BodyIds> PredictDecoder::Parse(std::string_view body) {
  static const std::array<std::string, 3> kKeys = {"rows", "session_id", "request_id"};
  Impl& impl = *impl_;
  impl.rows.clear();
  impl.body_bytes = body.size();
  PODIUM_TRY_ASSIGN(const element root, impl.json.Parse(body, kEmptyRowsBody));
  object fields;
  if (root.get_object().get(fields) != simdjson::SUCCESS) {
    return FailAt("", "the body must be an object with \"rows\", {} is given", GivenText(root));
  }
  std::array<std::optional<element>, 3> values;
  for (const auto field : fields) {
    const auto* key = std::find(kKeys.begin(), kKeys.end(), field.key);
    if (key == kKeys.end()) {
      return FailAt(PointerTo(field.key), "the body has the unknown key \"{}\"{}: {} are read",
                    field.key, Suggestion(field.key, kKeys), fmt::join(kKeys, ", "));
    }
    auto& value = values[static_cast<std::size_t>(key - kKeys.begin())];
    if (value) return FailAt(PointerTo(field.key), "the body has the key \"{}\" twice", field.key);
    value = field.value;
  }
  BodyIds ids;
  std::string_view* const targets[] = {nullptr, &ids.session_id, &ids.request_id};
  for (std::size_t i = 1; i < values.size(); ++i) {
    if (!values[i]) continue;
    if (values[i]->get_string().get(*targets[i]) != simdjson::SUCCESS) {
      return FailAt(PointerTo(kKeys[i]), "\"{}\" must be a string, {} is given", kKeys[i],
                    GivenText(*values[i]));
    }
  }
  if (!values[0]) return FailAt("", "the body lacks \"rows\": send {{\"rows\": [[…], …]}}");
  PODIUM_TRY(impl.TakeRows(*values[0]));
  return ids;
}

std::size_t PredictDecoder::rows() const { return impl_->rows.size(); }

Result<std::vector<Tensor>> PredictDecoder::ToTensors(const Signature& signature) const {
  PODIUM_ASSERT(!signature.inputs.empty());
  return RowReader(signature, impl_->rows, impl_->by_name, impl_->body_bytes, impl_->scratch)
      .Read();
}

Result<CallInputs> PredictCodec::Read(const Signature& signature) {
  PODIUM_TRY_ASSIGN(std::vector<Tensor> tensors, decoder_.ToTensors(signature));
  return CallInputs{std::move(tensors), decoder_.rows()};
}

void PredictCodec::WriteAnswer(const CallAnswer& answer, net::Response& response) const {
  EncodePredictions(answer.outputs, answer.rows, answer.served.model_id.get(),
                    answer.served.version, response.body);
  response.body += '\n';
}

void PredictCodec::WriteError(const Error& error, std::string_view request_id,
                              net::Response& response) const {
  response = net::ProblemResponse(error, request_id);
}

}  // namespace podium::gateway
