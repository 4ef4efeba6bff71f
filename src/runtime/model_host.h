// The child's side of model_process.h: holds one model within limits and answers for it.
#pragma once

#include <functional>
#include <memory>

#include "base/result.h"
#include "runtime/frame.h"
#include "runtime/model_runtime.h"

namespace podium::runtime {

using OpenLoader = std::function<Result<std::shared_ptr<ModelLoader>>(const VerifyOrder& order)>;

/// The whole life of the child: reads an order from standard input, loads, answers on standard
/// output until the input ends. Called at the start of main, before there is a thread. The exit
/// code is 0 when the server let go, 2 when what it said makes no sense.
int HostModel(const OpenLoader& open);

}  // namespace podium::runtime
