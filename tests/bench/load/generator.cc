#include "tests/bench/load/generator.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <cstdio>
#include <deque>
#include <memory>
#include <random>

#include "tests/bench/load/connection.h"

namespace berth::bench {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;
using std::chrono::steady_clock;

constexpr auto kLongestTail = std::chrono::seconds(10);

double seconds_between(SteadyTime from, SteadyTime to) {
  return std::chrono::duration<double>(to - from).count();
}

// What the three loops share: the connections and the count.
class Load {
 public:
  explicit Load(const Target& target) : target_(target) {}

  Status connect(int connections) {
    for (int i = 0; i < connections; ++i) {
      connections_.push_back(std::make_unique<Connection>(io_));
      BERTH_TRY(connections_.back()->connect(target_.host, target_.port));
    }
    return {};
  }

 protected:
  using Next = std::function<void(const std::string& id, std::string_view answer)>;

  // A failed connection is not used again: `next` does not run.
  void create(Connection& connection, SteadyTime intended, Next next) {
    std::string id = new_session_id();
    std::string request = create_request(target_, id);
    connection.exchange(std::move(request), [this, intended, id = std::move(id),
                                             next = std::move(next)](const Answer& answer) {
      if (!counted(answer, "create", 201, 201)) {
        return;
      }
      result_.create_ms.push_back(1000 * seconds_between(intended, steady_clock::now()));
      next(id, answer.body);
    });
  }

  void complete(Connection& connection, const std::string& id, std::string_view created,
                std::function<void()> next) {
    connection.exchange(complete_request(target_, id, created),
                        [this, next = std::move(next)](const Answer& answer) {
                          if (counted(answer, "complete", 200, 202)) {
                            next();
                          }
                        });
  }

  bool counted(const Answer& answer, const char* what, int low, int high) {
    if (answer.status >= low && answer.status <= high) {
      result_.requests += steady_clock::now() <= until_ ? 1 : 0;
      return true;
    }
    ++result_.failed;
    if (result_.first_failure.empty()) {
      result_.first_failure = std::string(what) + " was answered " + std::to_string(answer.status) +
                              " " + std::string(answer.status == 0 ? answer.raw : answer.body);
    }
    return false;
  }

  const Target& target_;
  boost::asio::io_context io_{1};
  std::vector<std::unique_ptr<Connection>> connections_;
  SteadyTime until_ = SteadyTime::max();
  LoadResult result_;
};

class ClosedLoop : public Load {
 public:
  using Load::Load;

  LoadResult run(Duration duration) {
    const SteadyTime start = steady_clock::now();
    until_ = start + duration;
    for (const auto& connection : connections_) {
      session(*connection);
    }
    io_.run_for(duration + kLongestTail);
    result_.seconds = std::chrono::duration<double>(duration).count();
    return std::move(result_);
  }

 private:
  void session(Connection& connection) {
    if (steady_clock::now() >= until_) {
      return;
    }
    create(connection, steady_clock::now(),
           [this, &connection](const std::string& id, std::string_view answer) {
             complete(connection, id, answer, [this, &connection] { session(connection); });
           });
  }
};

class OpenLoop : public Load {
 public:
  OpenLoop(const Target& target, double rate) : Load(target), gap_(rate), timer_(io_) {}

  LoadResult run(Duration duration) {
    for (const auto& connection : connections_) {
      idle_.push_back(connection.get());
    }
    const SteadyTime start = steady_clock::now();
    until_ = start + duration;
    next_ = start;
    tick();
    io_.run_for(duration + kLongestTail);
    result_.seconds = std::chrono::duration<double>(duration).count();
    const std::uint64_t unanswered = intended_ - result_.create_ms.size();
    if (unanswered > result_.failed) {
      result_.failed = unanswered;
    }
    return std::move(result_);
  }

 private:
  void tick() {
    for (const SteadyTime now = steady_clock::now(); next_ <= now && next_ < until_;) {
      ++intended_;
      waiting_.push_back(next_);
      next_ += std::chrono::duration_cast<steady_clock::duration>(
          std::chrono::duration<double>(gap_(random_)));
    }
    dispatch();
    if (next_ < until_) {
      timer_.expires_at(next_);
      timer_.async_wait([this](boost::system::error_code ec) {
        if (!ec) {
          tick();
        }
      });
    }
  }

  void dispatch() {
    while (!waiting_.empty() && !idle_.empty()) {
      Connection& connection = *idle_.back();
      idle_.pop_back();
      const SteadyTime intended = waiting_.front();
      waiting_.pop_front();
      create(connection, intended,
             [this, &connection](const std::string& id, std::string_view answer) {
               complete(connection, id, answer, [this, &connection] {
                 idle_.push_back(&connection);
                 dispatch();
               });
             });
    }
  }

  std::mt19937_64 random_{1};
  std::exponential_distribution<double> gap_;
  boost::asio::steady_timer timer_;
  SteadyTime next_{};
  std::uint64_t intended_ = 0;
  std::deque<SteadyTime> waiting_;
  std::vector<Connection*> idle_;
};

class CompleteAll : public Load {
 public:
  using Load::Load;

  Status run(const std::vector<Created>& created) {
    next(created, 0);
    io_.run_for(std::chrono::seconds(60));
    if (result_.requests < created.size()) {
      return fail(Error::make(ErrorCode::kUnavailable, "",
                              std::to_string(created.size() - result_.requests) +
                                  " sessions could not be completed: " + result_.first_failure));
    }
    return {};
  }

 private:
  void next(const std::vector<Created>& created, std::size_t at) {
    if (at < created.size()) {
      complete(*connections_.front(), created[at].id, created[at].answer,
               [this, &created, at] { next(created, at + 1); });
    }
  }
};

class CreateAll : public Load {
 public:
  using Load::Load;

  LoadResult run(int each) {
    const SteadyTime start = steady_clock::now();
    last_ = start;
    for (const auto& connection : connections_) {
      session(*connection, each);
    }
    io_.run_for(std::chrono::seconds(60));
    result_.seconds = seconds_between(start, last_);
    return std::move(result_);
  }

 private:
  void session(Connection& connection, int left) {
    if (left == 0) {
      return;
    }
    create(connection, steady_clock::now(),
           [this, &connection, left](const std::string& id, std::string_view answer) {
             last_ = steady_clock::now();
             result_.created.push_back({id, std::string(answer)});
             session(connection, left - 1);
           });
  }
  SteadyTime last_;
};

}  // namespace

double LoadResult::create_percentile(double share) const {
  if (create_ms.empty()) {
    return 0;
  }
  std::vector<double> sorted = create_ms;
  const auto at = static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1));
  std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(at), sorted.end());
  return sorted[at];
}

Result<LoadResult> closed_loop(const Target& target, int connections, Duration duration) {
  ClosedLoop load(target);
  BERTH_TRY(load.connect(connections));
  return load.run(duration);
}

Result<LoadResult> open_loop(const Target& target, double sessions_per_second, int connections,
                             Duration duration) {
  OpenLoop load(target, sessions_per_second);
  BERTH_TRY(load.connect(connections));
  return load.run(duration);
}

Result<LoadResult> create_all(const Target& target, int callers, int each) {
  CreateAll load(target);
  BERTH_TRY(load.connect(callers));
  return load.run(each);
}

Status complete_all(const Target& target, const std::vector<Created>& created) {
  CompleteAll load(target);
  BERTH_TRY(load.connect(1));
  return load.run(created);
}

Result<std::string> ask(const Target& target, std::string request, int status, std::string* raw) {
  boost::asio::io_context io(1);
  Connection connection(io);
  BERTH_TRY(connection.connect(target.host, target.port));
  Result<std::string> out =
      fail(Error::make(ErrorCode::kDeadlineExceeded, "",
                       target.host + ":" + std::to_string(target.port) + " does not answer"));
  connection.exchange(std::move(request), [&](const Answer& answer) {
    if (raw != nullptr) {
      *raw = answer.raw;
    }
    if (answer.status == status) {
      out = std::string(answer.body);
    } else {
      out = fail(Error::make(ErrorCode::kUnavailable, "",
                             "answered " + std::to_string(answer.status) + " instead of " +
                                 std::to_string(status) + ": " + std::string(answer.raw)));
    }
  });
  io.run_for(kLongestTail);
  return out;
}

std::string new_session_id() {
  static std::atomic<std::uint64_t> last{0};
  char text[32];
  std::snprintf(text, sizeof text, "b%08x-%09llu", static_cast<unsigned>(::getpid()),
                static_cast<unsigned long long>(++last));
  return text;
}

}  // namespace berth::bench
