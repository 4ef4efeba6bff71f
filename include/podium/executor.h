// The port through which a program lends libpodium its threads.
#pragma once

#include <functional>

namespace podium::v1 {

/// Takes a piece of work over to run it once, at any time and on any thread: a thread pool's post.
/// It may drop the work, and it may outlive with it whom it took it from.
using Executor = std::function<void(std::function<void()>)>;

}  // namespace podium::v1
