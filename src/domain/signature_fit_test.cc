// A version that takes or gives something else than the primary fails every caller the moment it
// serves; one that merely says less about itself does not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "domain/signature.h"

namespace podium {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

DeclaredSignature Parse(const std::string& json) {
  const auto signature = ParseSignature(json);
  EXPECT_TRUE(signature) << signature.error().message;
  return signature.value_or(DeclaredSignature{});
}

SignatureFit Compare(const std::string& candidate, const std::string& primary) {
  return CompareSignatures(Parse(candidate), Parse(primary));
}

std::string Input(const std::string& tensors) {
  return R"({"inputs":[)" + tensors +
         R"(],"outputs":[{"name":"y","datatype":"FP32","shape":[-1,1]}]})";
}
std::string Output(const std::string& tensors) {
  return R"({"inputs":[{"name":"x","datatype":"FP32","shape":[-1,4]}],"outputs":[)" + tensors +
         "]}";
}
std::string X(const std::string& type, const std::string& shape) {
  return R"({"name":"x","datatype":")" + type + R"(","shape":)" + shape + "}";
}

TEST(SignatureFit, NamesWhatDiffers) {
  struct Case {
    const char* name;
    std::string candidate;
    std::string primary;
    const char* said;  // Empty: it fits.
  };
  const std::string x4 = X("FP32", "[-1,4]");
  const std::string more = x4 + R"(,{"name":"z","datatype":"INT64","shape":[-1,1]})";
  const std::string y = R"({"name":"y","datatype":"FP32","shape":[-1,2]})";
  const std::string p = R"({"name":"p","datatype":"FP32","shape":[-1,2]})";
  const Case cases[] = {
      {"the same", Input(x4), Input(x4), ""},
      {"type", Input(X("FP64", "[-1,4]")), Input(x4), "input \"x\" is FP64 instead of FP32"},
      {"rank", Input(X("FP32", "[-1,2,2]")), Input(x4),
       "input \"x\" has 3 dimensions instead of 2"},
      {"width", Input(X("FP32", "[-1,5]")), Input(x4), "shape [-1, 5] instead of [-1, 4]"},
      {"a batch of one", Input(X("FP32", "[1,4]")), Input(x4), "shape [1, 4] instead of [-1, 4]"},
      {"takes any width", Input(X("FP32", "[-1,-1]")), Input(x4), ""},
      {"an input more", Input(more), Input(x4), "takes an input \"z\" that callers do not send"},
      {"an input less", Input(x4), Input(more), "the candidate has no input \"z\""},
      {"inputs in another order", Input(R"({"name":"z","datatype":"INT64","shape":[-1,1]},)" + x4),
       Input(more), ""},
      {"an output more", Output(y + "," + p), Output(y), ""},
      {"an output less", Output(y), Output(y + "," + p), "the candidate has no output \"p\""},
      {"another first output", Output(p + "," + y), Output(y + "," + p),
       "the first output, which predictions are read from, is \"p\" instead of \"y\""},
      {"another number of places", Output(R"({"name":"y","datatype":"FP32","shape":[-1,3]})"),
       Output(y), "output \"y\" has shape [-1, 3] instead of [-1, 2]"},
      {"an output that was open", Output(y),
       Output(R"({"name":"y","datatype":"FP32","shape":[-1,-1]})"), ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const SignatureFit fit = Compare(c.candidate, c.primary);
    EXPECT_THAT(fit.unknown, IsEmpty());
    if (*c.said == '\0') {
      EXPECT_EQ(fit.fit, Fit::kCompatible);
      EXPECT_THAT(fit.differences, IsEmpty());
    } else {
      EXPECT_EQ(fit.fit, Fit::kIncompatible);
      EXPECT_THAT(fit.differences, ElementsAre(HasSubstr(c.said)));
    }
  }
}

// Swapped columns or labels are the quiet kind: every call succeeds and every answer is wrong.
TEST(SignatureFit, TheOrderOfColumnsAndClassesCounts) {
  const auto with = [](const char* key, const char* names) {
    return Input(X("FP32", "[-1,2]")).substr(0, Input(X("FP32", "[-1,2]")).size() - 1) + ",\"" +
           key + "\":" + names + "}";
  };
  const std::string ab = R"(["a","b"])";
  const std::string ba = R"(["b","a"])";
  EXPECT_EQ(Compare(with("columns", ab.c_str()), with("columns", ab.c_str())).fit,
            Fit::kCompatible);
  EXPECT_THAT(Compare(with("columns", ba.c_str()), with("columns", ab.c_str())).differences,
              ElementsAre("of the columns, number 1 is \"b\" instead of \"a\""));
  EXPECT_THAT(Compare(with("classes", ba.c_str()), with("classes", ab.c_str())).differences,
              ElementsAre("of the class labels, number 1 is \"b\" instead of \"a\""));
  EXPECT_THAT(Compare(with("classes", R"(["a"])"), with("classes", ab.c_str())).differences,
              ElementsAre("the candidate has 1 class labels instead of 2"));
  const SignatureFit half = Compare(Input(X("FP32", "[-1,2]")), with("classes", ab.c_str()));
  EXPECT_EQ(half.fit, Fit::kUnknown);
  EXPECT_THAT(half.unknown, ElementsAre("the class labels of the candidate are not known"));
}

TEST(SignatureFit, WhatIsNotKnownIsSaidAndNotHeldAgainstAnybody) {
  const std::string whole = Input(X("FP32", "[-1,4]"));
  const SignatureFit none = Compare("", whole);
  EXPECT_EQ(none.fit, Fit::kUnknown);
  EXPECT_THAT(none.unknown, ElementsAre("the inputs of the candidate are not known",
                                        "the outputs of the candidate are not known"));
  EXPECT_THAT(Compare(whole, "").unknown.front(), "the inputs of the primary are not known");
  EXPECT_THAT(Compare("", "").unknown.front(), "the inputs of the two versions are not known");
  const SignatureFit names = Compare(Input(R"({"name":"x"})"), whole);
  EXPECT_EQ(names.fit, Fit::kUnknown);
  EXPECT_THAT(names.unknown, ElementsAre("the type of input \"x\" is not known",
                                         "the shape of input \"x\" is not known"));
  // One contradiction outweighs anything that is not known.
  EXPECT_EQ(Compare(Input(R"({"name":"w"})"), whole).fit, Fit::kIncompatible);
}

// A loaded model knows better than its declaration, but cannot name its classes.
TEST(SignatureFit, TheModelCountsForMoreThanItsDeclaration) {
  const Signature model{{{"x", DataType::kFp64, {-1, 4}}}, {{"y", DataType::kFp32, {-1}}}, {}};
  const std::string declared = R"({"inputs":[{"name":"x","datatype":"FP32"}],"classes":["a","b"]})";
  const DeclaredSignature known = KnownSignature(declared, &model);
  EXPECT_EQ(known.inputs->front().type, DataType::kFp64);
  EXPECT_EQ(known.outputs->size(), 1u);
  EXPECT_THAT(known.classes, ElementsAre("a", "b"));
  EXPECT_FALSE(KnownSignature("not json", nullptr).inputs);
  EXPECT_EQ(KnownSignature(declared, nullptr).inputs->front().type, DataType::kFp32);
}

// INV-16: at the limit every sentence is there, one past it the last one counts the rest.
TEST(SignatureFit, TheSentencesHaveALimit) {
  const auto wide = [](std::size_t count) {
    std::string tensors;
    for (std::size_t i = 0; i < count; ++i) {
      tensors += fmt::format("{}{{\"name\":\"i{}\"}}", i == 0 ? "" : ",", i);
    }
    return Parse(R"({"inputs":[)" + tensors + "]}");
  };
  DeclaredSignature none;
  none.inputs.emplace();
  const std::size_t most = limits::kMaxSignatureSentences;
  EXPECT_EQ(CompareSignatures(none, wide(most)).differences.back(),
            fmt::format("the candidate has no input \"i{}\"", most - 1));
  const SignatureFit past = CompareSignatures(none, wide(most + 1));
  EXPECT_EQ(past.differences.size(), most);
  EXPECT_EQ(past.differences.back(), "and 2 more");
}

}  // namespace
}  // namespace podium
