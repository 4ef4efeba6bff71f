#include "net/sse_parser.h"

#include <algorithm>
#include <utility>

namespace podium::net {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kDataField = "data: ";
constexpr std::string_view kEventEnd = "\n\n";

bool IsLineEnd(char c) { return c == '\n' || c == '\r'; }

/// The text up to the next line end, which is taken off `rest` together with it.
std::string_view TakeFirstLine(std::string_view& rest) {
  const auto end = std::find_if(rest.begin(), rest.end(), IsLineEnd);
  const auto length = static_cast<std::size_t>(end - rest.begin());
  const std::string_view line = rest.substr(0, length);
  const std::size_t line_end = rest.substr(length).starts_with("\r\n") ? 2 : 1;
  rest.remove_prefix(std::min(length + line_end, rest.size()));
  return line;
}

void Release(std::string& text) {
  text.clear();
  if (text.capacity() > limits::kKeptBodyCapacity) text.shrink_to_fit();
}

}  // namespace

void SseParser::Feed(std::string_view piece) {
  piece_ = piece;
  next_lf_ = std::min(piece.find('\n'), piece.size());
}

Result<std::optional<SseEvent>> SseParser::Next() {
  if (event_is_out_) ForgetEvent();
  if (failed_) return TooLarge();
  if (const auto line = WholeEvent()) {
    if (line->size() > max_event_bytes_) return TooLarge();
    data_ = line->substr(kDataField.size());
    event_is_out_ = true;
    return SseEvent{name_, data_, id_};
  }
  while (const auto line = NextLine()) {
    if (line->size() + data_.size() > max_event_bytes_) return TooLarge();
    if (!TakeLine(*line)) continue;
    event_is_out_ = true;
    begun_ = false;
    return SseEvent{name_, data_, id_};
  }
  KeepWhatIsBegun();
  if (line_.size() + data_.size() > max_event_bytes_) return TooLarge();
  return std::nullopt;
}

Failure SseParser::TooLarge() {
  failed_ = true;
  return Fail(ErrorCode::kTooLarge, "one event of the stream is larger than the limit of {} bytes",
              max_event_bytes_);
}

/// The line of data of the next event where that lies whole in the piece and is written as nearly
/// all are: such a line, an LF, a blank line. nullopt, and nothing taken: it is read line by line.
std::optional<std::string_view> SseParser::WholeEvent() {
  if (begun_ || !line_.empty() || !piece_.starts_with(kDataField)) return std::nullopt;
  if (!piece_.substr(next_lf_).starts_with(kEventEnd)) return std::nullopt;
  const std::string_view line = piece_.substr(0, next_lf_);
  if (line.find('\r') != std::string_view::npos) return std::nullopt;
  first_line_ = after_cr_ = false;
  Feed(piece_.substr(line.size() + kEventEnd.size()));
  return line;
}

/// Without its end; nullopt when that has not come. A view of the piece or of line_.
std::optional<std::string_view> SseParser::NextLine() {
  if (std::exchange(line_is_out_, false)) Release(line_);
  const auto drop = [this](std::size_t bytes) {
    piece_.remove_prefix(bytes);
    // Looked for once per LF, not once per line: a piece may consist of CR alone.
    next_lf_ = next_lf_ >= bytes ? next_lf_ - bytes : std::min(piece_.find('\n'), piece_.size());
  };
  if (piece_.empty()) return std::nullopt;
  if (std::exchange(after_cr_, false) && piece_.front() == '\n') drop(1);
  const std::string_view until_lf = piece_.substr(0, next_lf_);
  const std::size_t end = std::min(until_lf.find('\r'), until_lf.size());
  if (end == piece_.size()) return std::nullopt;
  std::string_view line = piece_.substr(0, end);
  after_cr_ = piece_[end] == '\r';
  if (!line_.empty()) {
    line_.append(line);
    line = line_;
    line_is_out_ = true;
  }
  drop(end + 1);
  return line;
}

/// True when it was the blank line that ends an event.
bool SseParser::TakeLine(std::string_view line) {
  if (std::exchange(first_line_, false) && line.starts_with(kByteOrderMark)) {
    line.remove_prefix(kByteOrderMark.size());
  }
  if (line.empty()) {
    if (has_data_) return true;
    ForgetEvent();
    return false;
  }
  if (line.front() == ':') return false;
  begun_ = true;
  const std::size_t colon = std::min(line.find(':'), line.size());
  const std::string_view field = line.substr(0, colon);
  std::string_view value = line.substr(std::min(colon + 1, line.size()));
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "data") {
    TakeData(value);
  } else if (field == "event") {
    name_.assign(value);
  } else if (field == "id" && value.find('\0') == std::string_view::npos) {
    id_.assign(value);
  }
  return false;
}

void SseParser::TakeData(std::string_view value) {
  if (!std::exchange(has_data_, true)) {
    data_ = value;
    // A line that was put together goes before the next one comes.
    if (!line_is_out_) return;
    kept_.assign(value);
  } else {
    if (data_.data() != kept_.data()) kept_.assign(data_);
    kept_.append(1, '\n').append(value);
  }
  data_ = kept_;
}

void SseParser::ForgetEvent() {
  event_is_out_ = begun_ = has_data_ = false;
  name_.clear();
  data_ = {};
  Release(kept_);
}

/// The piece goes now: what is needed of it is copied.
void SseParser::KeepWhatIsBegun() {
  if (!piece_.empty()) line_.append(piece_);
  piece_ = {};
  next_lf_ = 0;
  if (!has_data_ || data_.data() == kept_.data()) return;
  kept_.assign(data_);
  data_ = kept_;
}

void AppendOneLineEvent(std::string_view data, std::string& out) {
  out.append(kDataField).append(data).append(kEventEnd);
}

void AppendSseEvent(std::string_view name, std::string_view data, std::string& out) {
  if (!name.empty()) {
    out.append("event: ");
    const std::size_t begin = out.size();
    out.append(name).append("\n");
    std::replace_if(out.begin() + static_cast<std::ptrdiff_t>(begin), out.end() - 1, IsLineEnd,
                    ' ');
  }
  // Nearly all data is one line, and finding that out so is many times faster than line by line.
  if (!data.empty() && data.find('\n') == std::string_view::npos &&
      data.find('\r') == std::string_view::npos) {
    return AppendOneLineEvent(data, out);
  }
  const bool open_end = data.empty() || IsLineEnd(data.back());
  while (!data.empty()) out.append(kDataField).append(TakeFirstLine(data)).append("\n");
  if (open_end) out.append("data: \n");
  out.append("\n");
}

}  // namespace podium::net
