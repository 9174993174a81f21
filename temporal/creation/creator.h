#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "berth/base/backoff.h"
#include "temporal/creation/backlog.h"
#include "temporal/metrics.h"
#include "temporal/pool/pool.h"
#include "temporal/rpc/service.h"
#include "temporal/session/answers.h"

namespace berth::temporal {

/// Brings requests for sessions and slots together.
///
/// While the pool gives slots at once, requests are taken as they come, and a slot is opened for
/// each. A request that gets none within a few seconds goes back to Temporal's queue, where its
/// CreationTimeout counts, as it does with Temporal's own workers; its place in the pool's line is
/// kept. From then on, until nobody is in line any more, requests are taken only for slots that are
/// there, and as many places are taken in the line as requests wait by Temporal's count: so Berth's
/// operator sees the demand as it sees any other, and the pool scales from zero.
///
/// The count is an estimate. A slot for which nobody comes within 11 s is given back, and the rest
/// of the count is then not believed for a minute.
///
/// A poll is never cut off: a task that was on its way to it would be lost. Loop thread only.
class Creator {
 public:
  struct Settings {
    std::string queue;                                 ///< The creation queue.
    Duration interval = std::chrono::seconds(1);       ///< Between looks at the count.
    Duration longest_wait = std::chrono::minutes(10);  ///< In the line, before joining it anew.
    std::size_t max_sessions = 200;                    ///< Open, and on their way.
  };
  struct Hooks {
    std::function<std::size_t()> open;  ///< Sessions that workflows have.
    std::function<void(const ActivityTask&, std::unique_ptr<HeldSession>)> bound;
  };
  Creator(EventLoop& loop, Service& service, Pool& pool, Answers& answers, Random& random,
          EngineMetrics& metrics, Settings settings, Hooks hooks, Log log);

  void start();
  /// Takes back its places in line, hands back requests, and takes none any more.
  void stop();
  /// Nothing is asked for or held. After stop() it takes up to 11 s, until the last poll has ended.
  bool idle() const {
    return requests_.empty() && line_.empty() && slots_.empty() && polls_.empty();
  }
  /// Temporal has answered the last look.
  bool connected() const { return connected_; }

 private:
  /// A request that was taken and waits for its slot.
  struct Request {
    ActivityTask task;
    Cancel hand_back;
  };
  /// A slot that waits for its request.
  struct Slot {
    std::unique_ptr<HeldSession> held;
    Cancel give_back;
  };
  void look();
  void seen(const Result<std::int64_t>& backlog);
  void settle();
  void match();
  void fit_line();
  void poll();
  void polled(std::uint64_t id, const Result<std::optional<ActivityTask>>& result);
  void take(const ActivityTask& task);
  void hand_back(std::uint64_t id);
  void join_line();
  void opened(std::uint64_t id, Result<std::unique_ptr<HeldSession>> result);
  void refused(const Error& error);
  void nobody_came(std::uint64_t id);
  bool may_join() const;
  std::size_t polls_wanted() const;

  EventLoop& loop_;
  Service& service_;
  Pool& pool_;
  Answers& answers_;
  EngineMetrics& metrics_;
  const Settings settings_;
  Hooks hooks_;
  Log log_;
  Backoff backoff_;
  TimePoint not_before_{};  ///< The pool has refused; ask it again then.
  Backlog backlog_;
  bool connected_ = false;
  bool silent_ = false;
  bool stopping_ = false;
  std::uint64_t last_ = 0;
  // Each by number, so oldest first.
  std::map<std::uint64_t, Request> requests_;
  std::map<std::uint64_t, Cancel> line_;  ///< Places in the pool's line.
  std::map<std::uint64_t, Slot> slots_;
  std::map<std::uint64_t, Cancel> polls_;
  Cancel look_call_;
  Cancel timer_;
  Cancel settle_soon_;
};

}  // namespace berth::temporal
