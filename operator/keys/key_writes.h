#pragma once

#include <functional>
#include <map>
#include <string>

#include "berth/base/backoff.h"
#include "berth/base/event_loop.h"
#include "berth/kube/client.h"

namespace berth::op {

/// Writes under way: one for each object, sixteen in all, and after a failure a pause for that
/// object alone. Loop thread only; destroying it abandons them.
class KeyWrites {
 public:
  struct Hooks {
    std::function<bool()> may_write;  ///< Still the leader by our own clock.
    std::function<void(Duration)>
        look_again;  ///< Something may be written that could not be before.
  };
  KeyWrites(EventLoop& loop, Random& random, Log log, Hooks hooks);

  bool may_start(const std::string& object);
  /// Only after may_start(). `written` gets the object as it is now.
  void start(const std::string& object, const std::function<Cancel(kube::Client::ObjectFn)>& begin,
             std::function<void(const Json&)> written);

 private:
  struct Write {
    explicit Write(Random& random);
    Backoff backoff;
    TimePoint not_before{};
    bool flying = false;
    Cancel call;
    Cancel retry;
  };
  void failed(const std::string& object, Write& write, const Error& error);

  EventLoop& loop_;
  Random& random_;
  Log log_;
  const Hooks hooks_;
  std::map<std::string, Write> writes_;
  std::size_t flying_ = 0;
};

}  // namespace berth::op
