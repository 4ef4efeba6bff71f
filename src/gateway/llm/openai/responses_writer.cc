// A stream of response events.
#include <utility>

#include "base/limits.h"
#include "gateway/llm/json_text.h"
#include "gateway/llm/openai/responses_item.h"
#include "gateway/llm/reply_writer.h"
#include "net/sse_parser.h"

namespace podium::gateway::llm {
namespace {

constexpr std::size_t kNoItem = static_cast<std::size_t>(-1);

/// Keeps the whole answer: the last event repeats it, as the format demands.
class ResponsesWriter final : public ReplyWriter {
 public:
  explicit ResponsesWriter(AnswerTerms terms) : terms_(std::move(terms)) {}

  void Begin(const Reply& head, std::string& out) override;
  void Text(std::string_view text, std::string& out) override;
  void Refusal(std::string_view text, std::string& out) override;
  void Thinking(std::string_view text, std::string& out) override;
  void Signature(std::string_view signature, std::string& out) override;
  void RedactedThinking(std::string_view data, std::string& out) override;
  void ToolCall(std::size_t tool, std::string_view id, std::string_view name,
                std::string& out) override;
  void ToolArguments(std::size_t tool, std::string_view piece, std::string& out) override;
  void EndBlock(std::string& out) override { Close(out); }
  void End(const Reply& end, std::string& out) override;
  void Abort(const CallError& error, std::string& out) override {
    AppendErrorFrame(Surface::kResponses, error, sequence_, out);
  }
  bool full() const override {
    return kept_ > limits::kMaxRepeatedAnswerBytes || items_.size() > limits::kMaxStreamBlocks;
  }

 private:
  /// Opens an event: type and number are in it.
  JsonText Event(std::string_view type);
  JsonText ItemEvent(std::string_view type, std::size_t place);
  void Send(std::string_view type, std::string& out);
  void SendWhole(std::string_view type, const Reply& head, std::string& out);
  std::size_t Open(ItemKind kind, std::string& out);
  void Piece(ItemKind kind, std::string_view event, std::string_view piece, std::string& out);
  void CloseItem(std::size_t place, std::string& out);
  void SendDone(std::size_t place, std::string& out);
  void Close(std::string& out);
  void CloseCalls(bool all, std::string& out);
  void PartEvent(std::string_view type, std::size_t place, std::string_view text, std::string& out);

  const AnswerTerms terms_;
  std::string id_, model_;
  std::int64_t created_ = 0;
  std::int64_t sequence_ = 0;
  std::vector<ResponseItem> items_;
  std::size_t current_ = kNoItem;   // A text, a refusal or reasoning that grows.
  std::vector<std::size_t> calls_;  // Places of the function calls.
  std::size_t kept_ = 0;
  std::string data_;
};

JsonText ResponsesWriter::Event(std::string_view type) {
  data_.clear();
  JsonText json(data_);
  json.Object().Member("type", type).Key("sequence_number").Number(sequence_++);
  return json;
}

JsonText ResponsesWriter::ItemEvent(std::string_view type, std::size_t place) {
  JsonText json = Event(type);
  json.Member("item_id", items_[place].id);
  json.Key("output_index").Number(static_cast<std::int64_t>(place));
  return json;
}

void ResponsesWriter::Send(std::string_view type, std::string& out) {
  data_ += '}';
  net::AppendSseEvent(type, data_, out);
}

void ResponsesWriter::SendWhole(std::string_view type, const Reply& head, std::string& out) {
  Event(type).Key("response");
  AppendResponse(terms_, head, items_, data_);
  Send(type, out);
}

void ResponsesWriter::Begin(const Reply& head, std::string& out) {
  id_ = head.id;
  model_ = head.model;
  created_ = head.created;
  SendWhole("response.created", head, out);
  SendWhole("response.in_progress", head, out);
}

/// "content_part" for what is said, "reasoning_summary_part" for what was thought.
void ResponsesWriter::PartEvent(std::string_view type, std::size_t place, std::string_view text,
                                std::string& out) {
  const ResponseItem& item = items_[place];
  const bool reasoning = item.kind == ItemKind::kReasoning;
  const std::string name =
      fmt::format("response.{}.{}", reasoning ? "reasoning_summary_part" : "content_part", type);
  JsonText json = ItemEvent(name, place);
  json.Key(reasoning ? "summary_index" : "content_index").Number(0).Key("part");
  if (reasoning) {
    json.Object().Member("type", "summary_text").Member("text", text).EndObject();
  } else {
    AppendItemPart(item, text, data_);
  }
  Send(name, out);
}

std::size_t ResponsesWriter::Open(ItemKind kind, std::string& out) {
  Close(out);
  const std::size_t place = items_.size();
  ResponseItem item;
  item.kind = kind;
  item.id = ItemId(kind, id_, place);
  items_.push_back(std::move(item));
  return place;
}

void ResponsesWriter::Piece(ItemKind kind, std::string_view event, std::string_view piece,
                            std::string& out) {
  if (current_ == kNoItem || items_[current_].kind != kind) {
    const std::size_t place = Open(kind, out);
    JsonText json = Event("response.output_item.added");
    json.Key("output_index").Number(static_cast<std::int64_t>(place)).Key("item");
    AppendItem(items_[place], /*completed=*/false, data_);
    Send("response.output_item.added", out);
    PartEvent("added", place, "", out);
    current_ = place;
  }
  items_[current_].text += piece;
  kept_ += piece.size();
  const bool reasoning = kind == ItemKind::kReasoning;
  JsonText json = ItemEvent(event, current_);
  json.Key(reasoning ? "summary_index" : "content_index").Number(0).Member("delta", piece);
  if (kind == ItemKind::kText) json.Key("logprobs").Array().EndArray();
  Send(event, out);
}

void ResponsesWriter::Text(std::string_view text, std::string& out) {
  Piece(ItemKind::kText, "response.output_text.delta", text, out);
}

void ResponsesWriter::Refusal(std::string_view text, std::string& out) {
  Piece(ItemKind::kRefusal, "response.refusal.delta", text, out);
}

void ResponsesWriter::Thinking(std::string_view text, std::string& out) {
  Piece(ItemKind::kReasoning, "response.reasoning_summary_text.delta", text, out);
}

/// Some thinking is a signature and nothing else.
void ResponsesWriter::Signature(std::string_view signature, std::string& out) {
  if (current_ == kNoItem || items_[current_].kind != ItemKind::kReasoning) Thinking("", out);
  items_[current_].signature += signature;
  kept_ += signature.size();
}

void ResponsesWriter::RedactedThinking(std::string_view data, std::string& out) {
  Close(out);
  Thinking("", out);
  items_[current_].redacted = data;
  kept_ += data.size();
  Close(out);
}

void ResponsesWriter::ToolCall(std::size_t tool, std::string_view id, std::string_view name,
                               std::string& out) {
  const std::size_t place = Open(ItemKind::kFunctionCall, out);
  items_[place].call_id = id;
  items_[place].name = name;
  if (calls_.size() <= tool) calls_.resize(tool + 1, kNoItem);
  calls_[tool] = place;
  JsonText json = Event("response.output_item.added");
  json.Key("output_index").Number(static_cast<std::int64_t>(place)).Key("item");
  AppendItem(items_[place], /*completed=*/false, data_);
  Send("response.output_item.added", out);
}

void ResponsesWriter::ToolArguments(std::size_t tool, std::string_view piece, std::string& out) {
  ResponseItem& item = items_[calls_[tool]];
  if (!item.open) return;
  item.extent.Feed(piece);
  item.arguments += piece;
  kept_ += piece.size();
  ItemEvent("response.function_call_arguments.delta", calls_[tool]).Member("delta", piece);
  Send("response.function_call_arguments.delta", out);
}

void ResponsesWriter::SendDone(std::size_t place, std::string& out) {
  const ResponseItem& item = items_[place];
  switch (item.kind) {
    case ItemKind::kText:
      ItemEvent("response.output_text.done", place)
          .Key("content_index")
          .Number(0)
          .Member("text", item.text)
          .Key("logprobs")
          .Array()
          .EndArray();
      return Send("response.output_text.done", out);
    case ItemKind::kRefusal:
      ItemEvent("response.refusal.done", place)
          .Key("content_index")
          .Number(0)
          .Member("refusal", item.text);
      return Send("response.refusal.done", out);
    case ItemKind::kReasoning:
      ItemEvent("response.reasoning_summary_text.done", place)
          .Key("summary_index")
          .Number(0)
          .Member("text", item.text);
      return Send("response.reasoning_summary_text.done", out);
    case ItemKind::kFunctionCall:
      ItemEvent("response.function_call_arguments.done", place)
          .Member("name", item.name)
          .Member("arguments", item.arguments);
      return Send("response.function_call_arguments.done", out);
  }
}

void ResponsesWriter::CloseItem(std::size_t place, std::string& out) {
  ResponseItem& item = items_[place];
  if (!item.open) return;
  item.open = false;
  if (item.kind == ItemKind::kFunctionCall && item.arguments.empty()) item.arguments = "{}";
  SendDone(place, out);
  if (item.kind != ItemKind::kFunctionCall) PartEvent("done", place, item.text, out);
  Event("response.output_item.done")
      .Key("output_index")
      .Number(static_cast<std::int64_t>(place))
      .Key("item");
  AppendItem(item, /*completed=*/true, data_);
  Send("response.output_item.done", out);
}

void ResponsesWriter::Close(std::string& out) {
  if (current_ != kNoItem) CloseItem(current_, out);
  current_ = kNoItem;
  CloseCalls(/*all=*/false, out);
}

/// Arguments may come interleaved: a call that is not whole stays open until the end.
void ResponsesWriter::CloseCalls(bool all, std::string& out) {
  for (const std::size_t place : calls_) {
    if (place != kNoItem && (all || items_[place].extent.whole())) CloseItem(place, out);
  }
}

void ResponsesWriter::End(const Reply& end, std::string& out) {
  Close(out);
  CloseCalls(/*all=*/true, out);
  Reply whole = end;
  whole.id = id_;
  whole.model = model_;
  whole.created = created_;
  SendWhole(EndEventOf(end.finish), whole, out);
}

}  // namespace

std::unique_ptr<ReplyWriter> MakeResponsesWriter(const AnswerTerms& terms) {
  return std::make_unique<ResponsesWriter>(terms);
}

}  // namespace podium::gateway::llm
