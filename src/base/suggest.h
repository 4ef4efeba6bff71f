// "Did you mean ...?": the nearest known name to one that nobody knows.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace podium {

/// The candidate that `text` was probably meant to be: a few slips away, or the only one that goes
/// on where `text` stops. Empty when nothing is near. Upper and lower case count as the same.
std::string_view Nearest(std::string_view text, const std::vector<std::string_view>& candidates);

/// ` (did you mean "x"?)`, or nothing.
std::string DidYouMean(std::string_view text, const std::vector<std::string_view>& candidates);

}  // namespace podium
