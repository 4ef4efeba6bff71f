// What `podium chat` tells about an answer besides its text. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "app/chat_reply.h"
#include "app/cli_api.h"
#include "base/clock.h"
#include "base/money.h"

namespace podium::app {

/// Who answered one question, how long it took and what it cost.
struct ChatReport {
  ChatReply reply;
  std::string route;
  std::string version;   ///< Of the registry; empty when a setting answered.
  std::string model_id;  ///< The same.
  std::string provider;  ///< Empty where it could not be learnt.
  std::string model;     ///< The model's name there.
  std::string reason;    ///< Why that one: the gateway's word.
  int attempts = 0;
  std::optional<NanoUsd> cost;  ///< nullopt: nobody knows.
  std::string request_id;
  std::optional<std::chrono::milliseconds> first_token;  ///< Of a stream that brought text.
  std::chrono::milliseconds total{0};
};

/// What the answer's headers say.
void TakeHeaders(const ApiAnswer& answer, ChatReport& report);
/// Another than the one that was asked first answered.
bool FellBack(const ChatReport& report);

/// "assistant, version v1 (main/gpt), 2 attempts, fell back (previous_primary), …": one line that a
/// terminal may be given.
std::string ReportLine(const ChatReport& report);
/// With `error`, for an answer that was cut; else without that field.
Json ReportJson(const ChatReport& report, const std::string& error = "");

/// What a usage costs by the newest of `prices` (items of GET /api/v1/prices, newest anywhere) that
/// is in force at `now`; nullopt when there is none, or none for a class that was used.
std::optional<NanoUsd> CostByPrices(const TokenUsage& usage, const Json& prices, WallTime now);

}  // namespace podium::app
