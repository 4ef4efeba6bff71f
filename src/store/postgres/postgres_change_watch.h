// Hears of commits by LISTEN, on a connection of its own. The tables' triggers NOTIFY, so that
// changes by SQL are heard of too, and nothing that was rolled back.
#pragma once

#include <memory>

#include "store/change_watch.h"
#include "store/postgres/postgres_connection.h"

namespace podium::store {

class PostgresChangeWatch final : public ChangeWatch {
 public:
  /// Connects when it is first asked, and again after an error. `clock` outlives it.
  PostgresChangeWatch(PostgresServer server, const Clock& clock);
  ~PostgresChangeWatch() override;
  PostgresChangeWatch(const PostgresChangeWatch&) = delete;
  PostgresChangeWatch& operator=(const PostgresChangeWatch&) = delete;

  Result<bool> Wait(std::chrono::milliseconds patience) override;
  void Rest(std::chrono::milliseconds duration) override;
  void Stop() override;

 private:
  Status Listen();
  Result<bool> Await(std::chrono::milliseconds patience);
  /// What became readable first.
  enum class Heard : std::uint8_t { kNothing, kServer, kStop };
  Heard Poll(int socket, std::chrono::milliseconds patience) const;

  const PostgresServer server_;
  const Clock& clock_;
  std::unique_ptr<PostgresConnection> connection_;  // Null until asked, and after an error.
  const int stop_;                                  ///< An eventfd: readable once stopped.
};

}  // namespace podium::store
