// Server-sent events (WHATWG HTML, section 9.2), read and written.
//
// Pure: bytes in, events out, and the same events however the bytes were split. Characters are not
// looked at: UTF-8 that the network has cut in two is whole again in its event.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "base/result.h"

namespace podium::net {

/// Views that are valid until the parser is called again, and no longer than the piece fed last.
struct SseEvent {
  std::string_view name;  ///< Empty when the event names none; the standard then says "message".
  std::string_view data;  ///< Its lines joined by LF; may be empty.
  std::string_view id;    ///< The last id that the stream has named, in this event or before it.
};

/// Takes one stream apart. An event that lies in one piece and has one line of data, as nearly all
/// have, is not copied.
class SseParser {
 public:
  explicit SseParser(std::size_t max_event_bytes = limits::kMaxSseEventBytes)
      : max_event_bytes_(max_event_bytes) {}
  SseParser(const SseParser&) = delete;  ///< It has views of itself.
  SseParser& operator=(const SseParser&) = delete;

  /// The next bytes. REQUIRES: Next has returned nullopt since the last piece, and `piece` stays
  /// where it is until Next does so again.
  void Feed(std::string_view piece);

  /// The next event that is whole; nullopt: feed more. Events without a line of data are passed
  /// over, as the standard asks. Errors: kTooLarge, now and ever after, when the data of one event
  /// and the line being read are larger than the limit.
  Result<std::optional<SseEvent>> Next();

  /// An event, or a line, has begun that has not ended. A stream that ends here was cut.
  bool mid_event() const { return begun_ || !line_.empty(); }

 private:
  std::optional<std::string_view> WholeEvent();
  std::optional<std::string_view> NextLine();
  bool TakeLine(std::string_view line);
  void TakeData(std::string_view value);
  void ForgetEvent();
  void KeepWhatIsBegun();
  Failure TooLarge();

  const std::size_t max_event_bytes_;
  std::string_view piece_;    // Not read yet.
  std::size_t next_lf_ = 0;   // Where in piece_ the next LF is; its size if there is none.
  std::string line_;          // The begin of a line whose end has not come.
  bool line_is_out_ = false;  // line_ has been handed out whole.
  bool after_cr_ = false;     // An LF now belongs to the line end before it.
  bool first_line_ = true;    // A byte order mark may stand here, and nowhere else.

  bool begun_ = false;  // A line of the event has been read.
  std::string name_;
  std::string id_;
  bool has_data_ = false;
  std::string_view data_;  // In the piece, or kept_.
  std::string kept_;
  bool event_is_out_ = false;  // Its views are with the caller.
  bool failed_ = false;
};

/// Appends one event. `name` may be empty. A line end in `data` (LF, CR, CRLF) begins a new line of
/// it; one in `name` becomes a space: text from outside cannot end an event or begin another.
void AppendSseEvent(std::string_view name, std::string_view data, std::string& out);
/// Without a name, and without looking for line ends. REQUIRES: `data` has none.
void AppendOneLineEvent(std::string_view data, std::string& out);

}  // namespace podium::net
