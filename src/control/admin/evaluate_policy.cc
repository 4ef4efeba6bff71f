#include "control/admin/evaluate_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

namespace podium::control {
namespace {

constexpr double kPolicyPercent = 100;
constexpr std::size_t kMostPolicyArms = 64;

Error BadPolicy(std::string problem) {
  return Error{
      ErrorCode::kInvalidArgument,
      std::move(problem) +
          ": write policy=VERSION=PERCENT,… with percent that add up to 100, such as 2=100",
      "policy", nullptr};
}

Result<std::string> NamedVersion(const std::vector<ModelVersion>& versions,
                                 const std::string& word) {
  const ModelVersion* found = nullptr;
  for (const ModelVersion& version : versions) {
    if (version.model_id.get() == word) return word;
    if (version.version != word) continue;
    if (found != nullptr) {
      return Fail(
          BadPolicy(fmt::format("several versions are called \"{}\", name one by id", word)));
    }
    found = &version;
  }
  if (found != nullptr) return found->model_id.get();
  return Fail(ErrorCode::kNotFound, "the route has no version \"{}\"", word);
}

Result<PolicyShare> ReadPolicyShare(const std::vector<ModelVersion>& versions,
                                    const std::string& word) {
  const std::size_t sign = word.rfind('=');
  if (sign == std::string::npos || sign == 0) {
    return Fail(BadPolicy(fmt::format("\"{}\" is no version with its percent", word)));
  }
  double percent = 0;
  const char* end = word.data() + word.size();
  const auto [stop, failed] = std::from_chars(word.data() + sign + 1, end, percent);
  if (failed != std::errc() || stop != end || !(percent >= 0 && percent <= kPolicyPercent)) {
    return Fail(BadPolicy(fmt::format("\"{}\" gives no percent from 0 to 100", word)));
  }
  PolicyShare share;
  PODIUM_TRY_ASSIGN(share.model_id, NamedVersion(versions, word.substr(0, sign)));
  share.share = percent / kPolicyPercent;
  return share;
}

}  // namespace

Result<std::vector<PolicyShare>> ReadPolicy(const std::vector<ModelVersion>& versions,
                                            const std::string& text) {
  std::vector<PolicyShare> policy;
  double sum = 0;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    PODIUM_TRY_ASSIGN(PolicyShare share, ReadPolicyShare(versions, text.substr(at, end - at)));
    for (const PolicyShare& other : policy) {
      if (other.model_id != share.model_id) continue;
      return Fail(BadPolicy(fmt::format("\"{}\" is there twice", share.model_id)));
    }
    sum += share.share;
    policy.push_back(std::move(share));
    if (policy.size() > kMostPolicyArms) return Fail(BadPolicy("there are more than 64 versions"));
    at = end + 1;
  }
  // What was typed has at most some digits; what is evaluated has to add up exactly.
  if (std::fabs(sum - 1) > 1e-6) {
    return Fail(BadPolicy(fmt::format("the percent add up to {:.6g}", kPolicyPercent * sum)));
  }
  for (PolicyShare& share : policy) share.share /= sum;
  return policy;
}

}  // namespace podium::control
