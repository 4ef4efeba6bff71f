#include "net/core_pool.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <optional>
#include <thread>
#include <utility>

#include "base/assert.h"

namespace podium::net {

struct CorePool::Core {
  // Hint 1: only the core's own thread runs it, so that Asio may skip locks and wake-ups.
  boost::asio::io_context context{1};
  std::optional<boost::asio::executor_work_guard<Executor>> work{context.get_executor()};
  std::thread thread;
};

CorePool::CorePool(std::size_t cores) {
  PODIUM_ASSERT(cores > 0);
  cores_.reserve(cores);
  for (std::size_t i = 0; i < cores; ++i) {
    cores_.push_back(std::make_unique<Core>());
    Core& core = *cores_.back();
    core.thread = std::thread([&core] { core.context.run(); });
  }
}

CorePool::~CorePool() { Stop(); }

Executor CorePool::executor(std::size_t core) const {
  PODIUM_ASSERT(core < cores_.size());
  return cores_[core]->context.get_executor();
}

void CorePool::Post(std::size_t core, std::function<void()> job) {
  boost::asio::post(executor(core), std::move(job));
}

void CorePool::Run(std::size_t core, const std::function<void()>& job) {
  PODIUM_ASSERT(cores_[core]->thread.get_id() != std::this_thread::get_id());
  std::promise<void> done;
  Post(core, [&job, &done] {
    job();
    done.set_value();
  });
  done.get_future().wait();
}

void CorePool::Stop() {
  for (const auto& core : cores_) core->work.reset();
  for (const auto& core : cores_) {
    if (core->thread.joinable()) core->thread.join();
  }
}

}  // namespace podium::net
