#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "temporal/creation/creator.h"
#include "temporal/session/hosted_session.h"

namespace berth::temporal {

/// Serves the sessions of one Temporal task queue from one Berth pool: the whole of berth-temporal
/// behind its flags. Loop thread only; all parts must outlive it.
class Engine {
 public:
  struct Parts {
    EventLoop& loop;
    Service& service;
    Pool& pool;
    Store& store;
    Random& random;
    EngineMetrics& metrics;
    Log log;
  };
  struct Settings {
    std::string task_queue;  ///< The workflows'; requests come in the queue derived from it.
    Duration interval = std::chrono::seconds(1);
    std::size_t max_sessions = 200;
    Duration keep_for{0};  ///< Slot and directory of a completed session, for RecreateSession.
  };
  Engine(Parts parts, Settings settings);

  /// Goes on with the sessions in the store, then takes requests.
  void start();
  bool ready() const { return creator_.connected() && !draining_; }
  std::size_t open_sessions() const;

  /// Takes no request any more and serves what is open. `done` runs once when all have ended and
  /// their workflows have been told; what is still open after `grace` fails then.
  void drain(Duration grace, std::function<void()> done);
  bool draining() const { return draining_; }
  /// What is open fails now.
  void hurry();

 private:
  HostedSession::Parts session_parts();
  HostedSession::Hooks hooks_of(std::uint64_t key);
  void bind(const ActivityTask& task, std::unique_ptr<HeldSession> held);
  void recreate(const ActivityTask& task, const std::string& token);
  void recreated(const ActivityTask& task, Result<std::unique_ptr<HeldSession>> result);
  void look_whether_drained();

  const Parts parts_;
  const Settings settings_;
  Answers answers_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, std::unique_ptr<HostedSession>> sessions_;
  std::map<std::uint64_t, Cancel> recreating_;
  Creator creator_;
  bool draining_ = false;
  bool hurried_ = false;
  std::function<void()> drained_;
  Cancel grace_;
  Cancel drain_look_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace berth::temporal
