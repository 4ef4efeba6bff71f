#include "control/mlflow/params.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace podium::control {
namespace {

std::string Complaint(const Params& params) {
  const Status fit = params.Finish();
  return fit ? "" : fit.error().message;
}

TEST(Params, OfAQueryAreTexts) {
  Params params =
      *Params::FromQuery("name=a+b%2Fc&order_by=x&order_by=y+DESC&flag=TRUE&max=7&name2");
  EXPECT_EQ(params.Required("name"), "a b/c");
  EXPECT_EQ(params.Texts("order_by"), (std::vector<std::string>{"x", "y DESC"}));
  EXPECT_TRUE(params.Flag("flag"));
  EXPECT_EQ(params.Count("max", 1, 10), 7);
  EXPECT_EQ(params.Text("name2"), "");
  EXPECT_EQ(params.Text("absent"), std::nullopt);
  EXPECT_EQ(params.Count("absent", 5, 10), 5);
  EXPECT_EQ(Complaint(params), "");
  EXPECT_FALSE(Params::FromQuery("name=%ff"));
  EXPECT_FALSE(Params::FromQuery("%zz=1"));
}

TEST(Params, OfABodyAreTyped) {
  Params params = Params::FromBody(
      R"({"name": "a", "newName": "b", "archive_existing_versions": true, "max": 3, "big": "4",
          "tags": [{"key": "k", "value": "v", "more": 1}, {"key": "bare"}], "none": null})");
  EXPECT_EQ(params.Required("name"), "a");
  EXPECT_EQ(params.Required("new_name"), "b");
  EXPECT_TRUE(params.Flag("archive_existing_versions"));
  EXPECT_EQ(params.Count("max", 1, 10), 3);
  EXPECT_EQ(params.Count("big", 1, 10), 4) << "whole numbers may be text, as protobuf has it";
  EXPECT_EQ(params.Tags("tags"), (TagMap{{"k", "v"}, {"bare", ""}}));
  EXPECT_EQ(params.Text("none"), std::nullopt);
  EXPECT_EQ(Complaint(params), "");
}

// What a client cannot parse it retries or reports as ours: each mistake has to name its field.
TEST(Params, SayWhatIsWrong) {
  struct Case {
    const char* body;
    std::string want;
  };
  for (const Case& c : {
           Case{"", "Missing value for required parameter 'name'."},
           Case{"{broken", "Missing value for required parameter 'name'."},
           Case{"[1]", "Missing value for required parameter 'name'."},
           Case{R"({"name": ""})", "Missing value for required parameter 'name'."},
           Case{R"({"name": null})", "Missing value for required parameter 'name'."},
           Case{R"({"name": 2})",
                "Invalid value 2 for parameter 'name' supplied: Hint: Value was of type 'int'."},
           Case{
               R"({"name": true})",
               "Invalid value true for parameter 'name' supplied: Hint: Value was of type 'bool'."},
       }) {
    SCOPED_TRACE(c.body);
    Params params = Params::FromBody(c.body);
    params.Required("name");
    EXPECT_TRUE(Complaint(params).starts_with(c.want)) << Complaint(params);
  }
}

TEST(Params, RefuseBothSpellings) {
  Params params = Params::FromBody(R"({"new_name": "a", "newName": "a"})");
  params.Required("new_name");
  EXPECT_NE(Complaint(params), "");
}

TEST(Params, ReadABodyWithinAString) {
  Params params = Params::FromBody(R"("{\"name\": \"a\"}")");
  EXPECT_EQ(params.Required("name"), "a");
}

TEST(Params, CountHasALimit) {
  for (const char* query : {"n=0", "n=11", "n=-1", "n=x", "n=", "n=1.5", "n=99999999999"}) {
    SCOPED_TRACE(query);
    Params params = *Params::FromQuery(query);
    params.Count("n", 1, 10);
    EXPECT_NE(Complaint(params), "");
  }
  Params most = *Params::FromQuery("n=10");
  EXPECT_EQ(most.Count("n", 1, 10), 10);
  EXPECT_EQ(Complaint(most), "");
}

TEST(Params, AVersionIsText) {
  Params number = Params::FromBody(R"({"version": 2})");
  number.VersionNumber();
  EXPECT_TRUE(Complaint(number).starts_with("Invalid value 2 for parameter 'version' supplied"));
  Params text = Params::FromBody(R"({"version": "2"})");
  EXPECT_EQ(text.VersionNumber(), 2);
  EXPECT_EQ(Complaint(text), "");
}

TEST(Params, TheFirstMistakeIsTold) {
  Params params = Params::FromBody(R"({"a": 1, "b": 2})");
  params.Required("b");
  params.Required("a");
  EXPECT_EQ(params.Finish().error().where, "b");
}

}  // namespace
}  // namespace podium::control
