#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "temporal/rpc/service.h"

namespace berth::temporal {

/// A Temporal without a server: polls wait for the test, everything else is written down and
/// answered well unless the test said otherwise. Answers come on the loop, never inside a call.
class FakeService final : public Service {
 public:
  explicit FakeService(EventLoop& loop) : loop_(loop) {}

  struct Outcome {
    std::string kind;  ///< "completed", "failed", "cancelled".
    std::string token;
    Json result;
    Failure failure;
  };
  struct Signal {
    std::string workflow_id;
    std::string run_id;
    std::string name;
    Json argument;
    std::string request_id;
  };

  // What the test sets.
  Result<std::int64_t> count = 0;
  std::map<std::string, Result<bool>> heartbeat_answers;  ///< By token; without: false.
  Status answers = {};                                    ///< Of outcomes.
  Status signal_answer = {};

  // What the test reads.
  std::vector<Outcome> outcomes;
  std::vector<Signal> signals;
  std::vector<std::pair<std::string, Json>> heartbeats;  ///< Token and details.
  int tries = 0;                                         ///< Of outcomes, repeats included.

  std::size_t beats(const std::string& token) const {
    std::size_t n = 0;
    for (const auto& [beaten, details] : heartbeats) {
      n += beaten == token ? 1 : 0;
    }
    return n;
  }
  /// Polls of that queue that wait.
  std::size_t polls(const std::string& queue) const {
    std::size_t n = 0;
    for (const auto& poll : polls_) {
      n += poll->queue == queue && poll->done ? 1 : 0;
    }
    return n;
  }
  /// Answers the oldest poll of that queue. False: there is none.
  bool give(const std::string& queue, ActivityTask task) {
    return answer(queue, std::optional(std::move(task)));
  }
  bool give_nothing(const std::string& queue) { return answer(queue, std::nullopt); }
  bool fail_poll(const std::string& queue, Error error) {
    return answer(queue, berth::fail(std::move(error)));
  }
  /// Polls that the caller cut off.
  int cut_off = 0;

  Cancel poll(const std::string& queue, Duration wait,
              DoneFn<std::optional<ActivityTask>> done) override {
    EXPECT_GE(wait, std::chrono::seconds(10));
    auto poll = std::make_shared<Poll>(Poll{queue, std::move(done)});
    polls_.push_back(poll);
    return Cancel([this, poll] {
      if (std::exchange(poll->done, nullptr)) {
        ++cut_off;
      }
    });
  }
  Cancel backlog(const std::string& queue, DoneFn<std::int64_t> done) override {
    counted_queue = queue;
    return later<Result<std::int64_t>>(std::move(done), count);
  }
  std::string counted_queue;

  Cancel heartbeat(const std::string& token, const Json& details, DoneFn<bool> done) override {
    heartbeats.emplace_back(token, details);
    const auto set = heartbeat_answers.find(token);
    return later<Result<bool>>(std::move(done),
                               set == heartbeat_answers.end() ? Result<bool>(false) : set->second);
  }
  Cancel completed(const std::string& token, const Json& result, DoneFn<void> done) override {
    return outcome({"completed", token, result, {}}, std::move(done));
  }
  Cancel failed(const std::string& token, const Failure& failure, DoneFn<void> done) override {
    return outcome({"failed", token, nullptr, failure}, std::move(done));
  }
  Cancel cancelled(const std::string& token, DoneFn<void> done) override {
    return outcome({"cancelled", token, nullptr, {}}, std::move(done));
  }
  Cancel signal(const std::string& workflow_id, const std::string& run_id, const std::string& name,
                const Json& argument, const std::string& request_id, DoneFn<void> done) override {
    signals.push_back({workflow_id, run_id, name, argument, request_id});
    return later<Status>(std::move(done), signal_answer);
  }

 private:
  struct Poll {
    std::string queue;
    DoneFn<std::optional<ActivityTask>> done;
  };

  bool answer(const std::string& queue, Result<std::optional<ActivityTask>> result) {
    for (auto it = polls_.begin(); it != polls_.end(); ++it) {
      const auto poll = *it;
      if (poll->queue == queue && poll->done) {
        polls_.erase(it);
        loop_.post([poll, result = std::move(result)] {
          if (const auto done = std::exchange(poll->done, nullptr)) {
            done(result);
          }
        });
        return true;
      }
    }
    return false;
  }

  Cancel outcome(Outcome what, DoneFn<void> done) {
    ++tries;
    if (answers) {
      outcomes.push_back(std::move(what));
    }
    return later<Status>(std::move(done), answers);
  }

  template <class Answer, class Fn>
  Cancel later(Fn fn, Answer answer) {
    auto done = std::make_shared<Fn>(std::move(fn));
    loop_.post([done, answer = std::move(answer)] {
      if (const auto tell = std::exchange(*done, nullptr)) {
        tell(answer);
      }
    });
    return Cancel([done] { *done = nullptr; });
  }

  EventLoop& loop_;
  std::deque<std::shared_ptr<Poll>> polls_;
};

inline ActivityTask task_of(std::string type, std::string token, const Json& argument = nullptr) {
  ActivityTask task;
  task.type = std::move(type);
  task.token = std::move(token);
  task.workflow_id = "order-7";
  task.run_id = "run-1";
  if (!argument.is_null()) {
    task.input = {to_payload(argument)};
  }
  return task;
}

}  // namespace berth::temporal
