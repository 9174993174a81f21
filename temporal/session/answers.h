#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "berth/base/backoff.h"
#include "berth/observe/log.h"
#include "temporal/rpc/service.h"

namespace berth::temporal {

/// The last words about tasks, on their way to Temporal. Each is repeated until it has arrived, is
/// of no use any more (the task or its workflow is over), or five minutes have passed; what was
/// lost is logged. Loop thread only.
///
/// `then`, if given, runs behind that, whatever came of it.
class Answers {
 public:
  Answers(EventLoop& loop, Service& service, Random& random, Log log);

  void completed(std::string token, Json result, std::function<void()> then = nullptr);
  void failed(std::string token, Failure failure, std::function<void()> then = nullptr);
  void cancelled(std::string token);

  std::size_t pending() const { return pending_.size(); }

 private:
  using SendFn = std::function<Cancel(Service::DoneFn<void> done)>;
  struct Pending {
    SendFn send;
    Backoff backoff;
    TimePoint give_up_at;
    std::function<void()> then;
    Cancel step;
  };
  void add(SendFn send, std::function<void()> then = nullptr);
  void send(std::uint64_t id);
  void answered(std::uint64_t id, const Status& status);

  EventLoop& loop_;
  Service& service_;
  Random& random_;
  Log log_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, Pending> pending_;
};

}  // namespace berth::temporal
