#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "temporal/pool/pool.h"

namespace berth::temporal {

/// A pool whose slots the test gives.
class FakePool final : public Pool {
 public:
  /// What became of a session, which may have gone.
  struct Session {
    std::string id;
    bool alive = true;  ///< Its HeldSession still is.
    std::vector<Duration> completed;
    struct Run {
      ActivityAsk ask;
      HeldSession::ProgressFn progress;
      HeldSession::EndFn end;
      int cancels = 0;
    };
    std::vector<std::shared_ptr<Run>> runs;
    std::function<void(const Error&)> lost;
    bool attached = false;
  };
  using SessionPtr = std::shared_ptr<Session>;

  explicit FakePool(EventLoop& loop) : loop_(loop) {}

  /// Opens a session for the one who waits longest. Null: nobody waits.
  SessionPtr give_slot() {
    if (line_.empty()) {
      return nullptr;
    }
    const auto place = line_.front();
    line_.erase(line_.begin());
    const auto session = make("s" + std::to_string(++last_));
    loop_.post([place, session] {
      if (const auto done = std::exchange(place->done, nullptr)) {
        done(std::make_unique<Held>(session));
      }
    });
    return session;
  }
  void refuse(Error error) {
    const auto place = line_.front();
    line_.erase(line_.begin());
    loop_.post([place, error = std::move(error)] {
      if (const auto done = std::exchange(place->done, nullptr)) {
        done(fail(error));
      }
    });
  }
  std::size_t waiting() const { return line_.size(); }
  SessionPtr session(std::size_t n) const { return sessions_.at(n); }
  std::size_t sessions() const { return sessions_.size(); }
  /// Slots that may be given at once, without give_slot().
  int free = 0;
  std::vector<std::string> recreated;  ///< Tokens.
  Result<void> recreate_answer = {};

  std::unique_ptr<HeldSession> hold(const std::string& id) {
    return std::make_unique<Held>(make(id));
  }

  Cancel open(Duration, OpenFn done) override {
    const auto place = std::make_shared<Place>(Place{std::move(done)});
    line_.push_back(place);
    if (free > 0) {
      --free;
      give_slot();
    }
    return Cancel([this, place] {
      place->done = nullptr;
      std::erase(line_, place);
    });
  }
  Cancel recreate(const std::string& token, OpenFn done) override {
    recreated.push_back(token);
    auto place = std::make_shared<Place>(Place{std::move(done)});
    loop_.post([this, place] {
      const auto fn = std::exchange(place->done, nullptr);
      if (!fn) {
        return;
      }
      if (recreate_answer) {
        fn(hold("again"));
      } else {
        fn(fail(recreate_answer.error()));
      }
    });
    return Cancel([place] { place->done = nullptr; });
  }
  std::unique_ptr<HeldSession> attach(client::SessionHandle handle, std::string) override {
    const auto session = make(handle.id);
    session->attached = true;
    return std::make_unique<Held>(session);
  }

 private:
  struct Place {
    OpenFn done;
  };

  class Held final : public HeldSession {
   public:
    explicit Held(SessionPtr session)
        : session_(std::move(session)), recreate_token_("again-" + session_->id) {
      handle_.ns = "default";
      handle_.pool = "files";
      handle_.worker = "files-0";
      handle_.address = "10.0.0.1:7600";
      handle_.id = session_->id;
      handle_.token = "secret";
      handle_.heartbeat_timeout = std::chrono::seconds(20);
    }
    ~Held() override {
      session_->alive = false;
      session_->lost = nullptr;
    }
    const client::SessionHandle& handle() const override { return handle_; }
    const std::string& recreate_token() const override { return recreate_token_; }
    void on_lost(std::function<void(const Error&)> fn) override { session_->lost = std::move(fn); }
    std::function<void()> execute(ActivityAsk ask, ProgressFn progress, EndFn done) override {
      auto run = std::make_shared<Session::Run>(
          Session::Run{std::move(ask), std::move(progress), std::move(done)});
      session_->runs.push_back(run);
      return [run] { ++run->cancels; };
    }
    void complete(Duration keep_for) override { session_->completed.push_back(keep_for); }

   private:
    const SessionPtr session_;
    client::SessionHandle handle_;
    const std::string recreate_token_;
  };

  SessionPtr make(const std::string& id) {
    auto session = std::make_shared<Session>();
    session->id = id;
    sessions_.push_back(session);
    return session;
  }

  EventLoop& loop_;
  int last_ = 0;
  std::vector<std::shared_ptr<Place>> line_;
  std::vector<SessionPtr> sessions_;
};

inline ActivityEnd succeeded(Json result) {
  ActivityEnd end;
  end.kind = ActivityEnd::Kind::kSucceeded;
  end.result = std::move(result);
  return end;
}
inline ActivityEnd ended_badly(ActivityEnd::Kind kind, std::string type, std::string message,
                               bool retryable) {
  ActivityEnd end;
  end.kind = kind;
  end.failure = {std::move(type), std::move(message), retryable};
  return end;
}

}  // namespace berth::temporal
