// Who signs in at another server by the wrong name gets somebody else's registry, or none.
#include "app/source_credential.h"

#include <gtest/gtest.h>

namespace podium::app {
namespace {

TEST(SourceCredential, Base64) {  // The vectors of RFC 4648.
  const std::pair<const char*, const char*> cases[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"},
                                                       {"\xff\xfe\xfd", "//79"}};
  for (const auto& [bytes, text] : cases) EXPECT_EQ(Base64Of(bytes), text);
}

TEST(SourceCredential, FlagsWinOverTheEnvironment) {
  const Environment nothing;
  const Environment name = {{"MLFLOW_TRACKING_USERNAME", "ann"}, {"MLFLOW_TRACKING_PASSWORD", "x"}};
  const Environment token = {{"MLFLOW_TRACKING_TOKEN", "t"}};
  Environment both = name;
  both.merge(Environment(token));
  const auto args = [](const char* username, const char* password, const char* flag_token) {
    ImportArgs made;
    made.username = username;
    made.password = password;
    made.token = flag_token;
    return made;
  };
  struct Case {
    ImportArgs args;
    const Environment* environment;
    const char* want;  ///< Null: refused.
  };
  const Case cases[] = {
      {args("", "", ""), &nothing, ""},
      {args("", "", ""), &name, "Basic YW5uOng="},
      {args("", "", ""), &token, "Bearer t"},
      {args("", "", ""), &both, "Basic YW5uOng="},
      {args("", "", "u"), &both, "Bearer u"},
      {args("bob", "y", ""), &both, "Basic Ym9iOnk="},
      {args("bob", "", ""), &name, "Basic Ym9iOng="},
      {args("", "y", ""), &name, "Basic YW5uOnk="},
      {args("bob", "", ""), &nothing, nullptr},
      {args("", "y", ""), &nothing, nullptr},
      {args("bob", "y", "u"), &nothing, nullptr},
      {args("b:b", "y", ""), &nothing, nullptr},
  };
  for (const Case& c : cases) {
    const auto made = SourceAuthorization(c.args, *c.environment);
    if (c.want == nullptr) {
      ASSERT_FALSE(made);
      EXPECT_EQ(made.error().exit, ExitCode::kUsage);
    } else {
      ASSERT_TRUE(made);
      EXPECT_TRUE(made->Reveal() == c.want) << c.want;
    }
  }
}

}  // namespace
}  // namespace podium::app
