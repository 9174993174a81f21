#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "berth/api/session.h"
#include "berth/auth/control_token.h"
#include "berth/http/transport.h"
#include "gateway/workers/worker_pod.h"

namespace berth::gateway::testing {

/// A small model of a worker: the rules of design section 4 for creates, give-backs and slots, and
/// none of the rest.
class FakeWorker {
 public:
  struct Session {
    std::optional<std::string> token_hash;
    std::set<std::string> attempts;
    api::Resources resources;
    bool used = false;
    std::string owner;
  };
  FakeWorker(WorkerPod pod, api::Resources capacity, const std::string& jwks, const Clock& clock);

  /// Nothing: a long poll that has no news yet.
  std::optional<http::Response> handle(const http::Request& request);

  /// From now on another pod answers at this address.
  void address_taken_by(const std::string& uid);
  void end(const std::string& id);
  void set_state(api::WorkerState state);
  api::Slots slots() const;

  WorkerPod pod;
  api::Resources capacity;
  std::map<std::string, Session> sessions;
  std::size_t most_sessions = 0;
  int refusals = 0;
  bool reachable = true;
  bool tells_owners = false;
  std::int64_t max_per_owner = 1'000;
  std::string incarnation = "inc-1";

 private:
  http::Response create(const http::Request& request);
  http::Response give_back(const std::string& id, const std::string& attempt);
  void changed() { ++version_; }

  std::unique_ptr<auth::KeySet> keys_;
  std::string jwks_;
  const Clock& clock_;
  std::int64_t version_ = 1;
  api::WorkerState state_ = api::WorkerState::kActive;
};

/// The network between a gateway and fake workers, with every way for a call to go wrong. Calls
/// take no time unless held back.
class FakeWorkers final : public http::Transport {
 public:
  struct Call {
    std::uint64_t number = 0;
    std::string origin;
    http::Request request;
    http::CallOptions options;
    DoneFn done;
    Cancel deadline;
    bool waiting_for_news = false;
  };
  explicit FakeWorkers(EventLoop& loop) : loop_(loop) {}
  ~FakeWorkers() override { const auto dropped = std::exchange(calls_, {}); }

  FakeWorker& add(WorkerPod pod, api::Resources capacity, const std::string& jwks);
  void remove(const std::string& name) { workers_.erase(name); }
  FakeWorker& worker(const std::string& name) { return *workers_.at(name); }

  Cancel send(const std::string& origin, http::Request request, const http::CallOptions& options,
              DoneFn done) override;

  /// Calls of this method are kept until the test decides.
  void hold(std::string method) { holding_.insert(std::move(method)); }
  void let_go(const std::string& method) { holding_.erase(method); }
  /// Held calls, the oldest first.
  std::vector<std::uint64_t> held(const std::string& method) const;
  const Call& call(std::uint64_t number) const { return calls_.at(number); }
  /// The worker carries it out and its answer arrives.
  void carry_out(std::uint64_t number);
  /// The worker carries it out; its answer is lost.
  void carry_out_and_lose(std::uint64_t number);
  /// It never arrives.
  void lose(std::uint64_t number);
  void answer(std::uint64_t number, Result<http::Response> result);

  /// Answers long polls that have news by now. Runs by itself after each call; call it after
  /// changing a worker.
  void tell_news();
  int sent(const std::string& method) const;
  std::size_t open_calls() const { return calls_.size(); }

 private:
  FakeWorker* at(const std::string& origin);
  void arrive(std::uint64_t number);

  EventLoop& loop_;
  std::map<std::string, std::unique_ptr<FakeWorker>> workers_;
  std::map<std::uint64_t, Call> calls_;
  std::set<std::string> holding_;
  std::map<std::string, int> sent_;
  std::uint64_t last_ = 0;
};

}  // namespace berth::gateway::testing
