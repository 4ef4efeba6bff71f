#include "app/cli_chat.h"

#include <fmt/format.h>

#include <iterator>
#include <map>
#include <utility>

#include "app/chat_conversation.h"
#include "app/chat_reply.h"
#include "app/chat_report.h"
#include "app/cli_target.h"
#include "app/terminal_text.h"
#include "net/target.h"

namespace podium::app {
namespace {

constexpr std::size_t kMostPricesOfModel = 1'000;

std::chrono::milliseconds Milliseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time);
}

CliFailure Refused(const Status& status) {
  return UsageError(status.error().message, status.error().code == ErrorCode::kTooLarge
                                                ? "/reset begins anew; shorter questions help too"
                                                : "podium chat --help");
}

/// A slash and letters: hardly a question.
bool IsOrder(std::string_view line) {
  return line.size() > 1 && line.front() == '/' &&
         line.find_first_not_of("abcdefghijklmnopqrstuvwxyz", 1) == std::string_view::npos;
}

class Chat {
 public:
  Chat(CommandContext& context, const ChatArgs& args, const ChatSeat& seat)
      : context_(context), args_(args), seat_(seat), conversation_(args.system) {}

  /// What the conversation then knows: question and answer, or neither.
  CliStatus Ask(std::string question);
  CliStatus Converse();

 private:
  struct Exchange {
    ChatReport report;
    ChatStreamReader reader;
    SteadyTime sent;
    bool text_shown = false;
  };

  bool json() const { return args_.json || context_.format == OutputFormat::kJson; }
  net::ClientRequest Request() const;
  CliStatus Answer(ChatReport& report);
  CliStatus Stream(ChatReport& report);
  CliStatus Whole(ChatReport& report);
  void Take(std::string_view piece, Exchange& exchange);
  void Show(std::string_view text);
  void LearnWhoAnswered(ChatReport& report);
  void LearnCost(ChatReport& report);
  CliFailure Cut(const ChatReport& report, const Error& why) const;
  CliFailure Unanswered(CliError error);
  void Tell(const std::string& line) const;
  bool Obey(const std::string& line);

  CommandContext& context_;
  const ChatArgs& args_;
  const ChatSeat& seat_;
  ChatConversation conversation_;
  std::map<std::string, Json> versions_;  // By model id, as asked.
  bool over_ = false;
};

net::ClientRequest Chat::Request() const {
  net::ClientRequest request;
  request.method = net::HttpMethod::kPost;
  request.target = "/v1/chat/completions";
  request.body = DumpJson(ChatBody(
      conversation_, {args_.route, args_.max_tokens, args_.temperature, !args_.no_stream}));
  if (!args_.session.empty()) request.headers.emplace_back("X-Session-Id", args_.session);
  if (!args_.version.empty()) request.headers.emplace_back("X-Podium-Model-Version", args_.version);
  return request;
}

CliStatus Chat::Ask(std::string question) {
  if (const Status asked = conversation_.Ask(std::move(question)); !asked) return Refused(asked);
  ChatReport report;
  CliStatus answered = Answer(report);
  if (!answered) {
    conversation_.Withdraw();
    if (json() && !report.request_id.empty()) {
      PrintJson(context_.console, ReportJson(report, answered.error().error));
    }
    return answered;
  }
  conversation_.Answered(report.reply.text);
  LearnWhoAnswered(report);
  if (!report.cost) LearnCost(report);
  if (json()) {
    PrintJson(context_.console, ReportJson(report));
  } else {
    Tell(ReportLine(report));
  }
  return {};
}

CliStatus Chat::Answer(ChatReport& report) {
  const SteadyTime sent = seat_.clock.SteadyNow();
  CliStatus answered = args_.no_stream ? Whole(report) : Stream(report);
  report.total = Milliseconds(seat_.clock.SteadyNow() - sent);
  return answered;
}

CliStatus Chat::Whole(ChatReport& report) {
  CliResult<ApiAnswer> answer = context_.api.Send(Request());
  if (!answer) return Unanswered(std::move(answer).error());
  TakeHeaders(*answer, report);
  Result<ChatReply> reply = ReadWholeReply(answer->body);
  if (!reply) return Cut(report, reply.error());
  report.reply = *std::move(reply);
  Show(report.reply.text);
  if (!report.reply.text.ends_with('\n')) Show("\n");
  return {};
}

CliStatus Chat::Stream(ChatReport& report) {
  Exchange exchange;
  exchange.sent = seat_.clock.SteadyNow();
  bool begun = false;
  net::ClientRequest request = Request();
  request.sink = [&](const net::ClientResponse& head, std::string_view piece) {
    if (!std::exchange(begun, true)) TakeHeaders({{}, head.headers}, exchange.report);
    Take(piece, exchange);
  };
  CliResult<ApiAnswer> answer = context_.api.Send(std::move(request));
  const Status end = exchange.reader.End();
  report = std::move(exchange.report);
  report.reply = exchange.reader.reply();
  const bool open_line = exchange.text_shown && !report.reply.text.ends_with('\n');
  if (open_line) Show("\n");
  if (!answer && !begun) return Unanswered(std::move(answer).error());
  if (end) return {};
  if (answer) return Cut(report, end.error());
  const CliError& broken = answer.error();
  return Cut(report, Error{ErrorCode::kUnavailable,
                           broken.cause.empty() ? broken.error : broken.cause, "", nullptr});
}

void Chat::Take(std::string_view piece, Exchange& exchange) {
  std::string fresh;
  const Status fed = exchange.reader.Feed(piece, fresh);
  (void)fed;  // End says it again, once all is over.
  if (fresh.empty()) return;
  if (!std::exchange(exchange.text_shown, true)) {
    exchange.report.first_token = Milliseconds(seat_.clock.SteadyNow() - exchange.sent);
  }
  Show(fresh);
}

void Chat::Show(std::string_view text) {
  if (json()) return;
  std::ostream& out = context_.console.out;
  if (context_.console.out_is_terminal) {
    out << Harmless(text);
  } else {
    out << text;  // A file or another program gets what the model said.
  }
  out.flush();
}

// The headers name the version; where it lives is in its row, for those who may see it.
void Chat::LearnWhoAnswered(ChatReport& report) {
  if (!report.model_id.empty()) {
    const auto [known, is_new] = versions_.try_emplace(report.model_id);
    if (is_new) {
      const auto row = context_.api.Get(ApiPath("/api/v1/versions", report.model_id));
      if (row) known->second = row->body;
    }
    report.provider = TextOf(known->second, "provider_key");
    report.model = TextOf(known->second, "upstream_model");
  }
  if (report.model.empty()) report.model = report.reply.model;
}

// A stream's headers leave before its usage is known. The price is asked for each time: it may have
// been set since.
void Chat::LearnCost(ChatReport& report) {
  if (!report.reply.usage || report.provider.empty() || report.model.empty()) return;
  const std::string target =
      WithQuery(WithQuery("/api/v1/prices", "provider", report.provider), "model", report.model);
  const CliResult<Json> prices = context_.api.List(target, kMostPricesOfModel);
  if (prices) report.cost = CostByPrices(*report.reply.usage, *prices, seat_.clock.Now());
}

CliFailure Chat::Cut(const ChatReport& report, const Error& why) const {
  CliError error;
  error.error = fmt::format("the answer was cut: {}", Printable(why.message));
  error.fix = "ask again; what is shown is not the whole answer";
  error.request_id = Printable(report.request_id);
  return CliFailure(std::move(error));
}

// A mistyped name is the likeliest reason for a 404.
CliFailure Chat::Unanswered(CliError error) {
  if (error.exit != ExitCode::kNotFound || !args_.version.empty()) {
    return CliFailure(std::move(error));
  }
  CliResult<Json> route = FindRoute(context_.api, args_.route);
  return CliFailure(route ? std::move(error) : std::move(route).error());
}

void Chat::Tell(const std::string& line) const {
  context_.console.err << (seat_.dim ? fmt::format("\x1b[2m{}\x1b[0m\n", line) : line + "\n");
}

/// A line of the conversation that is an order and not a question.
bool Chat::Obey(const std::string& line) {
  if (line == "/exit" || line == "/quit") {
    over_ = true;
  } else if (line == "/reset") {
    conversation_.Reset();
    Tell("begun anew");
  } else if (IsOrder(line)) {
    Tell("/reset forgets what was said; /exit or Ctrl-D ends");
  } else {
    return false;
  }
  return true;
}

CliStatus Chat::Converse() {
  Tell(fmt::format("{} at {}: /reset forgets what was said, /exit or Ctrl-D ends",
                   Printable(args_.route), context_.api.server()));
  std::string line;
  while (!over_) {
    context_.console.err << "> " << std::flush;
    if (!std::getline(context_.console.in, line)) {
      context_.console.err << '\n';
      break;
    }
    if (line.find_first_not_of(" \t\r") == std::string::npos || Obey(line)) continue;
    if (const CliStatus asked = Ask(line); !asked) context_.console.err << Render(asked.error());
  }
  return {};
}

// At most one byte more than may be said: the conversation then refuses it by its own limit.
std::string AllOf(std::istream& in) {
  std::string text;
  std::string buffer(64 * 1024, '\0');
  while (text.size() <= kMaxConversationBytes &&
         (in.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || in.gcount() > 0)) {
    text.append(buffer, 0, static_cast<std::size_t>(in.gcount()));
  }
  return text;
}

}  // namespace

CliStatus RunChat(CommandContext& context, const ChatArgs& args, const ChatSeat& seat) {
  Chat chat(context, args, seat);
  if (!args.prompt.empty()) return chat.Ask(args.prompt);
  if (context.console.in_is_terminal) return chat.Converse();
  std::string piped = AllOf(context.console.in);
  while (piped.ends_with('\n')) piped.pop_back();
  return chat.Ask(std::move(piped));
}

}  // namespace podium::app
