// What decides where a call goes is read as every other parser would read it, or the call is
// refused; what is sent on differs from what came in the spliced values alone.
#include "gateway/llm/request_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

#include "base/json.h"
#include "base/limits.h"
#include "net/handler.h"

namespace podium::gateway::llm {
namespace {

using ::testing::HasSubstr;

Result<RequestFields> Scan(std::string_view body, Surface surface = Surface::kChat) {
  std::string padded(body);
  padded.append(net::kBodyPadding, '\xAA');
  FieldScanner scanner;
  return scanner.Scan(surface, std::string_view(padded).substr(0, body.size()));
}

std::string Spliced(std::string_view body, bool force_usage = true) {
  const auto fields = Scan(body);
  return fields ? SpliceBody(body, *fields, "up/stream", force_usage) : fields.error().message;
}

TEST(RequestFields, ReadsWhatRoutingNeeds) {
  const auto fields =
      Scan(R"({"messages":[{"role":"user","content":"hi"}],"model":"chat","stream":true,
      "stream_options":{"include_usage":true},"user":"u-1","max_tokens":5,"n":3,"x":{"model":1}})");
  ASSERT_TRUE(fields.has_value()) << fields.error().message;
  EXPECT_EQ(fields->model, "chat");
  EXPECT_TRUE(fields->stream);
  EXPECT_TRUE(fields->include_usage);
  EXPECT_EQ(fields->user, "u-1");
  EXPECT_EQ(fields->max_tokens, 5);
  EXPECT_EQ(fields->choices, 3);
}

TEST(RequestFields, EachSurfaceHasItsOwnNames) {
  struct Case {
    Surface surface;
    const char* body;
    std::optional<std::int64_t> max_tokens;
    const char* user;
  };
  const Case cases[] = {
      {Surface::kChat, R"({"model":"m","max_tokens":1,"max_completion_tokens":2})", 2, ""},
      {Surface::kChat, R"({"model":"m","max_output_tokens":9,"metadata":{"user_id":7}})",
       std::nullopt, ""},
      {Surface::kEmbeddings, R"({"model":"m","user":"e","max_tokens":"any"})", std::nullopt, "e"},
      {Surface::kResponses, R"({"model":"m","max_output_tokens":3,"user":"r","n":"x"})", 3, "r"},
      {Surface::kMessages, R"({"model":"m","max_tokens":4,"metadata":{"user_id":"a"},"user":1})", 4,
       "a"},
      {Surface::kMessages, R"({"model":"m","max_tokens":4,"metadata":null})", 4, ""},
      {Surface::kChat, R"({"model":"m","stream":null,"user":null,"n":null,"max_tokens":null})",
       std::nullopt, ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.body);
    const auto fields = Scan(c.body, c.surface);
    ASSERT_TRUE(fields.has_value()) << fields.error().message;
    EXPECT_EQ(fields->max_tokens, c.max_tokens);
    EXPECT_EQ(fields->user, c.user);
    EXPECT_FALSE(fields->stream);
    EXPECT_EQ(fields->choices, 1);
  }
}

TEST(RequestFields, RefusesWithTheFieldAtFault) {
  struct Case {
    const char* body;
    const char* where;
    const char* message;
  };
  const Case cases[] = {
      {"", "", "empty"},
      {"  ", "", "empty"},
      {"[]", "", "must be a JSON object"},
      {"7", "", "must be a JSON object"},
      {R"({"model":"m")", "", "malformed JSON"},
      {R"({"model":"m"} {"model":"n"})", "", "malformed JSON"},
      {R"({"model":"m"}})", "", "malformed JSON"},
      {R"({"model" "m"})", "", "malformed JSON"},
      {"{\"model\":\"m\",\"a\":\"\xff\"}", "", "malformed JSON"},
      {R"({"model":"m","stream":trueish})", "stream", "must be true or false"},
      {R"({"model":"m","stream":nul})", "stream", "must be true or false"},
      {"{}", "model", "must provide a model"},
      {R"({"model":null})", "model", "must be a string"},
      {R"({"model":""})", "model", "must not be empty"},
      {R"({"model":"a\nb"})", "model", "control characters"},
      {R"({"model":["m"]})", "model", "must be a string"},
      {R"({"model":"m","stream":"true"})", "stream", "must be true or false"},
      {R"({"model":"m","stream":1})", "stream", "must be true or false"},
      {R"({"model":"m","user":7})", "user", "must be a string"},
      {R"({"model":"m","n":0})", "n", "must be 1 to 128, not 0"},
      {R"({"model":"m","n":1.5})", "n", "must be an integer"},
      {R"({"model":"m","max_tokens":-1})", "max_tokens", "must be 0 to"},
      {R"({"model":"m","max_tokens":99999999999999999999})", "max_tokens", "must be an integer"},
      {R"({"model":"m","stream_options":[]})", "stream_options", "must be an object"},
      {R"({"model":"m","stream_options":{"include_usage":1}})", "stream_options.include_usage",
       "must be true or false"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.body);
    const auto fields = Scan(c.body);
    ASSERT_FALSE(fields.has_value());
    EXPECT_EQ(fields.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(fields.error().where, c.where);
    EXPECT_THAT(fields.error().message, HasSubstr(c.message));
  }
}

// One parser takes the first of two keys, another the last, a third any letter case: what is
// checked here must be what the provider does.
TEST(RequestFields, RefusesWhatParsersReadDifferently) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"model":"a","model":"b"})", "model"},
      {R"({"model":"a","mod\u0065l":"b"})", "model"},
      {R"({"model":"a","Model":"b"})", "model"},
      {R"({"MODEL":"a"})", "model"},
      {R"({"model":"a","stream":true,"\u017Ftream":false})", "stream"},
      {"{\"model\":\"a\",\"max_to\xE2\x84\xAA\x65ns\":1}", "max_tokens"},
      {R"({"model":"a","N":2})", "n"},
      {R"({"model":"a","max_tokens":1,"max_tokens":1})", "max_tokens"},
      {R"({"model":"a","stream_options":{},"stream_options":{}})", "stream_options"},
      {R"({"model":"a","stream_options":{"include_usage":true,"include_usage":false}})",
       "stream_options.include_usage"},
      {R"({"model":"a","stream_options":{"Include_Usage":true}})", "stream_options.include_usage"},
  };
  for (const auto& [body, where] : cases) {
    SCOPED_TRACE(body);
    const auto fields = Scan(body);
    ASSERT_FALSE(fields.has_value());
    EXPECT_EQ(fields.error().where, where);
  }
  EXPECT_EQ(Scan(R"({"model":"a","metadata":{"User_ID":"x"}})", Surface::kMessages).error().where,
            "metadata.user_id");
  EXPECT_TRUE(Scan(R"({"model":"a","models":1,"mode":2,"x":{"model":1,"MODEL":2}})").has_value());
}

TEST(RequestFields, EscapedKeysAndValuesAreReadAsTheyMean) {
  const auto fields = Scan(R"({"m\u006fdel":"a\u002fb"})");
  ASSERT_TRUE(fields.has_value());
  EXPECT_EQ(fields->model, "a/b");
}

// INV-16: at each limit, and one past it.
TEST(RequestFields, Limits) {
  const auto model = [](std::size_t bytes) {
    return Scan(R"({"model":")" + std::string(bytes, 'm') + "\"}").has_value();
  };
  EXPECT_TRUE(model(limits::kMaxModelNameBytes));
  EXPECT_FALSE(model(limits::kMaxModelNameBytes + 1));
  const auto user = [](std::size_t bytes) {
    return Scan(R"({"model":"m","user":")" + std::string(bytes, 'u') + "\"}").has_value();
  };
  EXPECT_TRUE(user(limits::kMaxUnitBytes));
  EXPECT_FALSE(user(limits::kMaxUnitBytes + 1));
  const auto number = [](const char* field, std::int64_t count) {
    return Scan(fmt::format(R"({{"model":"m","{}":{}}})", field, count)).has_value();
  };
  EXPECT_TRUE(number("n", limits::kMaxChoices));
  EXPECT_FALSE(number("n", limits::kMaxChoices + 1));
  EXPECT_TRUE(number("max_tokens", limits::kMaxRequestedTokens));
  EXPECT_FALSE(number("max_tokens", limits::kMaxRequestedTokens + 1));
}

TEST(SpliceBody, ChangesNothingElse) {
  const std::tuple<const char*, const char*, const char*> cases[] = {
      {"only the model",
       R"({"stream_options":{"include_usage":true} , "model" : "a" ,"é":[1.50, 2]})",
       R"({"stream_options":{"include_usage":true} , "model" : "up/stream" ,"é":[1.50, 2]})"},
      {"no options", R"({"model":"a"})",
       R"({"stream_options":{"include_usage":true},"model":"up/stream"})"},
      {"null", R"({"model":"a","stream_options" : null })",
       R"({"model":"up/stream","stream_options" : {"include_usage":true} })"},
      {"empty", R"({ "stream_options":{ },"model":"a"})",
       R"({ "stream_options":{"include_usage":true },"model":"up/stream"})"},
      {"others kept", R"({"stream_options":{"chunk":1},"model":"a"})",
       R"({"stream_options":{"include_usage":true,"chunk":1},"model":"up/stream"})"},
      {"false", R"({"model":"a","stream_options":{"x":[{}],"include_usage":false}})",
       R"({"model":"up/stream","stream_options":{"x":[{}],"include_usage":true}})"},
      {"null wish", R"({"model":"a","stream_options":{"include_usage":null,"y":1}})",
       R"({"model":"up/stream","stream_options":{"include_usage":true,"y":1}})"},
  };
  for (const auto& [name, body, want] : cases) {
    SCOPED_TRACE(name);
    EXPECT_EQ(Spliced(body), want);
    EXPECT_TRUE(ParseJson(Spliced(body)).has_value());
  }
  EXPECT_EQ(Spliced(R"({"model":"a"})", /*force_usage=*/false), R"({"model":"up/stream"})");
}

TEST(SpliceBody, QuotesTheName) {
  const std::string_view body = R"({"model":"a"})";
  EXPECT_EQ(SpliceBody(body, Scan(body).value(), "a\"b", false), R"({"model":"a\"b"})");
}

// The scanner is shared by the calls of a core: one must not see another's body.
TEST(RequestFields, OneScannerReadsManyBodies) {
  FieldScanner scanner;
  for (const std::size_t bytes : {std::size_t{10}, std::size_t{1} << 20, std::size_t{10}}) {
    std::string body =
        R"({"model":"m)" + std::to_string(bytes) + R"(","x":")" + std::string(bytes, 'x') + "\"}";
    const std::size_t size = body.size();
    body.append(net::kBodyPadding, '"');
    const auto fields = scanner.Scan(Surface::kChat, std::string_view(body).substr(0, size));
    ASSERT_TRUE(fields.has_value());
    EXPECT_EQ(fields->model, "m" + std::to_string(bytes));
  }
}

}  // namespace
}  // namespace podium::gateway::llm
