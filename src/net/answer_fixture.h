// For tests of any handler: one answer of its coroutine, run to the end on a core of its own.
#pragma once

#include <latch>
#include <optional>
#include <utility>

#include "net/core_pool.h"
#include "net/handler.h"

namespace podium::net {

inline Task<void> AnswerInto(Handler& handler, Exchange& exchange, Response& response,
                             std::latch& answered) {
  auto handle = handler.Handle(exchange);
  response = co_await std::move(handle);
  exchange.WatchCaller({});  // The answer ends the watch.
  answered.count_down();
}

/// Blocks until the handler has answered.
inline Response AnswerOf(Handler& handler, Exchange& exchange) {
  Response response;
  CorePool core(1);
  std::latch answered(1);
  std::optional<TaskGroup> group;
  core.Run(0, [&] {
    group.emplace(core.executor(0));
    group->Spawn(AnswerInto(handler, exchange, response, answered));
  });
  answered.wait();
  core.Stop();
  return response;
}

}  // namespace podium::net
