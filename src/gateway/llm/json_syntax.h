// Whether text is JSON, found out without building any of it.
#pragma once

#include <string_view>

namespace podium::gateway::llm {

/// One JSON object (RFC 8259) with nothing but white space around it: UTF-8, surrogates in pairs,
/// at most limits::kMaxJsonDepth deep. Neither the size of numbers nor double keys are looked at.
/// Tool arguments are megabytes at worst, and checked on the core: each byte is read once, and
/// nothing is allocated.
bool IsJsonObject(std::string_view text);

}  // namespace podium::gateway::llm
