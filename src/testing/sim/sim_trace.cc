#include "testing/sim/sim_trace.h"

#include <utility>

namespace podium::testing {

void SimTrace::Add(std::string line) {
  line += '\n';
  for (const char c : line) {
    hash_ ^= static_cast<unsigned char>(c);
    hash_ *= 1099511628211ULL;
  }
  last_.push_back(std::move(line));
  if (last_.size() > kKept) last_.pop_front();
}

std::string SimTrace::Tail() const {
  std::string text;
  for (const std::string& line : last_) text += "  " + line;
  return text;
}

}  // namespace podium::testing
