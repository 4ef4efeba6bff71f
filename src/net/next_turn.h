// When to look again for what has just been asked for.
#pragma once

#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>
#include <cstddef>

#include "base/task.h"

namespace podium::net {

/// With so many calls on their way on one core, what one of them waits for has often come once the
/// others have had their turn: to read then, and not at once, saves the read that finds nothing.
/// With fewer, a turn would be a look at the sockets in vain.
inline constexpr std::size_t kManyCalls = 8;

/// To await: goes on after whatever is ready now.
inline auto NextTurn(const Executor& executor) {
  return boost::asio::post(executor, boost::asio::deferred);
}

}  // namespace podium::net
