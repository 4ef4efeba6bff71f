// The known name that a wrong one was probably meant to be.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace podium::gateway {

/// ` (did you mean "mean radius"?)`, or nothing when no known name is near. Looks at no more than
/// the first few hundred names: a wrong name must not cost more than a right one by much.
std::string DidYouMean(std::string_view wrong, std::span<const std::string> known);

}  // namespace podium::gateway
