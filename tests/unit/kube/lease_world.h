#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "berth/kube/leader.h"
#include "berth/kube/object.h"
#include "tests/fakes/manual_loop.h"
#include "tests/fakes/seeded_random.h"

namespace berth::kube {

/// The server's side: one Lease with resource versions, exact about conflicts.
class LeaseStore {
 public:
  http::Response handle(const http::Request& request);
  void erase() { lease_.reset(); }
  /// Any other writer: changes the object, so that versions on the way are stale.
  void touch() { put(*lease_); }
  const std::optional<Json>& lease() const { return lease_; }
  std::string holder() const {
    return lease_ ? string_at(*lease_, {"spec", "holderIdentity"}) : "";
  }
  std::int64_t transitions() const {
    return lease_ ? get_int((*lease_)["spec"], "leaseTransitions").value_or(-1) : -1;
  }
  int writes() const { return writes_; }

 private:
  http::Response put(Json lease);
  std::optional<Json> lease_;
  int version_ = 100;
  int writes_ = 0;
};

/// The way to it: each call is carried out `to` later and answered `back` after that, in the
/// world's time.
struct Delay {
  Duration to{0};
  Duration back{0};
  bool lose_answer = false;
  bool refuse = false;
};

class DelayedTransport final : public http::Transport {
 public:
  using DelayFn = std::function<Delay(const http::Request&)>;
  DelayedTransport(fakes::ManualLoop& world, EventLoop& loop, LeaseStore& store, DelayFn delay)
      : world_(world), loop_(loop), store_(store), delay_(std::move(delay)) {}

  Cancel send(const std::string& origin, http::Request request, const http::CallOptions& options,
              DoneFn done) override;

 private:
  fakes::ManualLoop& world_;
  EventLoop& loop_;
  LeaseStore& store_;
  DelayFn delay_;
};

/// One process: its own loop and clock, which stand still while it is paused.
class Process {
 public:
  Process(fakes::ManualLoop& world, LeaseStore& store, std::string identity, std::uint64_t seed,
          DelayedTransport::DelayFn delay);
  LeaderElector& elector() { return *elector_; }
  bool may_write() const { return elector_->may_write(); }
  /// Moves its clock to `now` without running anything: the first moment after a pause.
  void wake_clock(TimePoint now);
  void run_until(TimePoint now);
  /// Gone without a word, as by kill -9.
  void kill() { elector_.reset(); }
  bool alive() const { return elector_ != nullptr; }
  Metrics& metrics() { return metrics_; }

  std::vector<std::int64_t> started;
  int lost = 0;

 private:
  fakes::ManualLoop loop_;
  Metrics metrics_;
  fakes::SeededRandom random_;
  DelayedTransport transport_;
  Client client_;
  std::unique_ptr<LeaderElector> elector_;
};

}  // namespace berth::kube
