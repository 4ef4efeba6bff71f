// A call through an adapter as a text file: what goes in, and what has to come out.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace podium::gateway::llm {

/// Sections by name ("call", "request", "answer" or "stream"), as the file has them.
using GoldenSections = std::map<std::string, std::string>;
GoldenSections ReadGolden(std::string_view text);

/// The whole file again, its outputs computed from its inputs: equal to the file if all is well.
std::string RunGolden(const GoldenSections& in);

}  // namespace podium::gateway::llm
