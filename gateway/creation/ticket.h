#pragma once

#include <optional>
#include <set>
#include <string>

#include "gateway/creation/session_creator.h"

/// Private to SessionCreator's two source files.
namespace berth::gateway {

struct SessionCreator::Ticket {
  enum class State { kWaiting, kAbsent, kPlacing };

  std::uint64_t number = 0;  ///< Order of arrival.
  std::string key;
  std::string pool_key;
  api::CreateSession request;
  api::Resources asked;   ///< With the slot itself.
  std::string owner_key;  ///< Empty unless the pool limits owners.
  State state = State::kWaiting;
  TimePoint arrived{};
  TimePoint deadline{};
  TimePoint window_end{};
  TimePoint left_at{};     ///< Without a caller: since then.
  TimePoint kept_until{};  ///< Without a caller.
  Cancel timer;

  bool counted = false;  ///< Its outcome is in the metrics.
  CallId call = 0;
  Reply reply;  ///< Null without a caller.

  // While placing.
  Mode mode = Mode::kAnyWorker;
  WorkerPod target;
  std::optional<Grant> grant;
  int sends = 0;
  bool unclear = false;  ///< An earlier send to this target may have been carried out.
  Cancel sending;
  std::set<api::WorkerUid> except;  ///< Workers that cannot serve this id, whatever their slots.

  bool has_caller() const { return reply != nullptr; }
};

struct SessionCreator::PoolLine {
  explicit PoolLine(WaitingLine::Limits limits, std::function<void(std::size_t)> on_change)
      : line(limits, std::move(on_change)) {}
  WaitingLine line;
  bool pump_posted = false;
};

}  // namespace berth::gateway
