#include "app/base_url.h"

#include <gtest/gtest.h>

namespace podium::app {
namespace {

TEST(BaseUrl, TakesApartWhatPeopleWrite) {
  struct Case {
    const char* text;
    BaseUrl want;
  };
  const Case cases[] = {
      {"https://api.example.com/v1", {true, "api.example.com", 443, "/v1"}},
      {"https://api.example.com", {true, "api.example.com", 443, ""}},
      {"https://api.example.com/", {true, "api.example.com", 443, ""}},
      {"http://127.0.0.1:9001/v1/", {false, "127.0.0.1", 9001, "/v1"}},
      {"http://gpu-7/openai/v1//", {false, "gpu-7", 80, "/openai/v1"}},
      {"https://[::1]/v1", {true, "::1", 443, "/v1"}},
      {"http://[::1]:8000/v1", {false, "::1", 8000, "/v1"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const Result<BaseUrl> url = ParseBaseUrl(c.text);
    ASSERT_TRUE(url) << url.error().message;
    EXPECT_EQ(*url, c.want);
  }
}

// What is refused at the start cannot surprise a paid call; a password in it is never repeated.
TEST(BaseUrl, RefusesTheRest) {
  const char* const cases[] = {
      "",
      "api.example.com/v1",
      "ftp://api.example.com",
      "HTTPS:/api.example.com",
      "https://",
      "https:///v1",
      "https://:8000/v1",
      "http://a:0/v1",
      "http://a:70000",
      "http://a b/v1",
      "https://user:hunter2@api.example.com/v1",
      "https://api.example.com/v1?api-version=1",
      "https://api.example.com/v1#x",
      "https://api.example.com/v1\r\nX: y",
  };
  for (const char* text : cases) {
    SCOPED_TRACE(text);
    const Result<BaseUrl> url = ParseBaseUrl(text);
    ASSERT_FALSE(url);
    EXPECT_EQ(url.error().message.find("hunter2"), std::string::npos);
  }
}

}  // namespace
}  // namespace podium::app
