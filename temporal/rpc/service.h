#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "berth/base/event_loop.h"
#include "temporal/rpc/payload.h"

namespace berth::temporal {

/// One activity that Temporal gives to whoever polled for it. It is ours until we answer it, or
/// Temporal's own timeouts take it back.
struct ActivityTask {
  std::string token;  ///< Opaque bytes that name this attempt in every later call.
  std::string workflow_id;
  std::string run_id;
  std::string type;
  std::string activity_id;
  Payloads input;
  int attempt = 1;
  Duration start_to_close{};     ///< 0: none.
  Duration heartbeat_timeout{};  ///< 0: none.
};

/// Why an activity failed, as its workflow sees it: an ApplicationError.
struct Failure {
  std::string type;
  std::string message;
  bool non_retryable = false;
  Json details{};                        ///< Null: none.
  std::optional<Duration> next_retry{};  ///< When the next attempt is due; else the policy decides.
};

/// How long a call about a task is repeated that gets no answer.
inline constexpr Duration kTaskPatience = std::chrono::minutes(5);

/// That no repeat of a call about a task can help: the task or its workflow is over, or was never
/// known.
inline bool is_over(const Error& error) {
  return error.code == ErrorCode::kNotFound || error.code == ErrorCode::kInvalidArgument;
}

/// The calls of Temporal's WorkflowService that serving sessions takes, in one namespace of one
/// server. The edge to the network: the rest is tested against a fake.
///
/// Loop thread only. `done` runs once, on the loop, never inside the call; not at all once the
/// handle is destroyed. Errors have the code that fits the call's status: NotFound where the
/// activity or its workflow is over, Unavailable for what may pass.
class Service {
 public:
  virtual ~Service() = default;
  template <class T>
  using DoneFn = std::function<void(Result<T>)>;

  /// Waits up to `wait` (at least 10 s: shorter polls are refused) for a task of the queue; nothing
  /// if none came. A poll whose handle is destroyed may take a task with it, which then waits for
  /// its own timeouts: let polls end.
  [[nodiscard]] virtual Cancel poll(const std::string& queue, Duration wait,
                                    DoneFn<std::optional<ActivityTask>> done) = 0;
  /// How many activities wait in that queue, about.
  [[nodiscard]] virtual Cancel backlog(const std::string& queue, DoneFn<std::int64_t> done) = 0;

  /// `details`: null for none. True: the workflow wants it cancelled.
  [[nodiscard]] virtual Cancel heartbeat(const std::string& token, const Json& details,
                                         DoneFn<bool> done) = 0;
  [[nodiscard]] virtual Cancel completed(const std::string& token, const Json& result,
                                         DoneFn<void> done) = 0;
  [[nodiscard]] virtual Cancel failed(const std::string& token, const Failure& failure,
                                      DoneFn<void> done) = 0;
  /// Only where a heartbeat has said so before.
  [[nodiscard]] virtual Cancel cancelled(const std::string& token, DoneFn<void> done) = 0;

  /// `request_id`: the server takes a signal of the same id once.
  [[nodiscard]] virtual Cancel signal(const std::string& workflow_id, const std::string& run_id,
                                      const std::string& name, const Json& argument,
                                      const std::string& request_id, DoneFn<void> done) = 0;
};

}  // namespace berth::temporal
