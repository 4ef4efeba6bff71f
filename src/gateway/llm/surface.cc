#include "gateway/llm/surface.h"

#include <array>
#include <cstddef>

namespace podium::gateway::llm {
namespace {

struct SurfaceRow {
  std::string_view name;
  std::string_view path;
};

constexpr std::array<SurfaceRow, kSurfaceCount> kSurfaceRows{{
    {"chat", "/v1/chat/completions"},
    {"embeddings", "/v1/embeddings"},
    {"responses", "/v1/responses"},
    {"messages", "/v1/messages"},
}};

}  // namespace

std::string_view NameOf(Surface surface) {
  return kSurfaceRows[static_cast<std::size_t>(surface)].name;
}

std::string_view PathOf(Surface surface) {
  return kSurfaceRows[static_cast<std::size_t>(surface)].path;
}

}  // namespace podium::gateway::llm
