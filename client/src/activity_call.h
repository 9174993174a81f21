#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "berth/api/activity.h"
#include "berth/base/backoff.h"
#include "berth/client/client.h"
#include "client/src/output_reader.h"
#include "client/src/session.h"

namespace berth::client {

/// Runs one activity to its end, attempt after attempt as the retry policy says. Loop thread only;
/// made by make_shared; kept by its session while it runs.
///
/// Each attempt has an id of its own and is started with as many repeats as it takes: the worker
/// runs an id once. It is then watched by long polls until it is final, and its output, if that is
/// streamed, read beside.
class ActivityCall final : public Session::Call, public std::enable_shared_from_this<ActivityCall> {
 public:
  struct Parts {
    EventLoop& loop;
    Random& random;
    std::shared_ptr<Door> door;
    Log log;
  };
  struct Ask {
    std::string type;
    Json input;
    ActivityOptions options;
    ActivityCallbacks callbacks;
  };
  using DoneFn = std::function<void(Outcome<ActivityResult>)>;

  ActivityCall(Parts parts, std::shared_ptr<Session> session, Ask ask, DoneFn done);

  void start();
  /// Asks the worker to stop it and waits for its real end.
  void cancel();
  void session_over(const ClientError& why) override;

 private:
  using AnswerFn = void (ActivityCall::*)(const Result<http::Response>&);
  Cancel send(Session::Ask ask, AnswerFn fn);
  void new_attempt();
  void post();
  void posted(const Result<http::Response>& result);
  void refused(const Error& error);
  void poll();
  void polled(const Result<http::Response>& result);
  void take(const Result<http::Response>& result);
  void report(const api::ActivityInfo& info);
  void read_output();
  void final(api::ActivityInfo info);
  void settle(const api::ActivityInfo& info);
  void send_cancel();
  void cancel_answered(const Result<http::Response>& result);
  void again_after_silence(const Result<http::Response>& result, void (ActivityCall::*step)());
  bool try_another(const std::optional<std::chrono::milliseconds>& at_least);
  void finish(Outcome<ActivityResult> outcome);

  enum class Step {
    kIdle,      ///< Between attempts: nothing runs at the worker.
    kStarting,  ///< Asked for; whether it runs may be unclear.
    kRunning,   ///< The worker has taken it on.
  };

  const Parts parts_;
  const std::shared_ptr<Session> session_;
  Ask ask_;
  DoneFn done_;
  Step step_ = Step::kIdle;
  std::string activity_id_;
  std::string body_;
  int attempts_ = 0;
  bool cancelling_ = false;
  bool unclear_ = false;    ///< Some start of this attempt may have arrived unanswered.
  bool in_flight_ = false;  ///< A start is on its way.
  std::int64_t version_ = 0;
  Json progress_;
  std::string stderr_tail_;
  std::shared_ptr<OutputReader> output_;  ///< While there is output to read.
  std::optional<Error> output_lost_;
  std::optional<api::ActivityInfo> final_;  ///< Waits for the output.
  TimePoint last_answer_{};
  TimePoint poll_sent_{};
  Backoff retry_;
  Backoff silence_;
  Backoff cancel_silence_;
  Cancel call_;
  Cancel cancel_call_;
};

}  // namespace berth::client
