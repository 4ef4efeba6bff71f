// What may stand in a call's way: a port. Keys, rate limits, budgets and safety are hooks; the
// handlers do not know which there are.
#pragma once

#include <cstddef>
#include <string_view>

#include "auth/principal.h"
#include "base/result.h"
#include "gateway/endpoint.h"
#include "journal/attempt.h"

namespace podium::gateway {

/// What a hook sees of a call; valid while it is asked.
struct CallFacts {
  const Endpoint& endpoint;
  const auth::Principal& principal;
  std::size_t core;
  std::string_view route;       ///< Empty until it is known.
  std::string_view request_id;  ///< Likewise.
};

/// Asked in this order, once each but for SafetyOut (each piece of a stream) and Settle (each
/// attempt). An error refuses the call and is told to the caller in the words of its protocol.
/// Threads: all methods on any core, several at once.
class CallHook {
 public:
  virtual ~CallHook() = default;
  CallHook(const CallHook&) = delete;
  CallHook& operator=(const CallHook&) = delete;

  /// The caller is known, its body is not read.
  virtual Status Limit(const CallFacts& call);
  /// The route is known; no model has been asked.
  virtual Status Admit(const CallFacts& call);
  virtual Status SafetyIn(const CallFacts& call, std::string_view body);
  /// Before any byte of `piece` goes out. An error in a stream ends it in an error frame.
  virtual Status SafetyOut(const CallFacts& call, std::string_view piece);
  /// An attempt at a provider has ended, and cost this.
  virtual void Settle(const CallFacts& call, const journal::Outcome& outcome);
  /// The call has ended, refused or not. `status` is HTTP's; a stream that broke has had its 200.
  virtual void Record(const CallFacts& call, int status);

 protected:
  CallHook() = default;
};

}  // namespace podium::gateway
