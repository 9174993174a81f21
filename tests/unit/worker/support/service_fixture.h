#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "berth/auth/session_token.h"
#include "tests/fakes/manual_loop.h"
#include "tests/fakes/seeded_random.h"
#include "tests/unit/worker/support/fake_exchange.h"
#include "tests/unit/worker/support/memory_ledger.h"
#include "worker/api/worker_api.h"
#include "worker/service/worker_service.h"

namespace berth::worker {

using namespace std::chrono_literals;

/// Directories that are only noted.
class FakeDirectories final : public SessionDirectories {
 public:
  std::filesystem::path path(const api::SessionId& id) const override {
    return "/sessions/" + id.str();
  }
  Status ensure(const api::SessionId& id) override {
    if (broken) {
      return fail(Error::make(ErrorCode::kResourceExhausted, "DiskFull", "no space"));
    }
    existing.insert(id.str());
    return {};
  }
  Status hand_over(const api::SessionId& from, const api::SessionId& to) override {
    if (broken) {
      return fail(Error::internal("cannot rename"));
    }
    if (existing.erase(from.str()) != 0) {
      existing.insert(to.str());
    }
    return {};
  }
  void remove(const api::SessionId& id) override { existing.erase(id.str()); }

  std::set<std::string> existing;
  bool broken = false;
};

/// Activities that run until the test ends them.
class ScriptedExecutor final : public Executor {
 public:
  struct Running {
    ActivityTask task;
    ActivityEvents events;
    std::vector<std::string> cancels{};
    bool stuck = false;
    std::shared_ptr<OutputStream> output{};
  };

  Result<std::unique_ptr<ActivityRun>> start(ActivityTask task, ActivityEvents events) override {
    if (refuse) {
      return fail(Error::invalid("input", "no good"));
    }
    auto running = std::make_shared<Running>(Running{std::move(task), std::move(events)});
    if (stream) {
      running->output = std::make_shared<OutputStream>();
    }
    runs[running->task.activity_id.str()] = running;
    struct Run final : ActivityRun {
      explicit Run(std::shared_ptr<Running> r) : running(std::move(r)) {}
      void cancel(const std::string& why) override { running->cancels.push_back(why); }
      bool stuck() const override { return running->stuck; }
      std::shared_ptr<OutputStream> output() const override { return running->output; }
      std::shared_ptr<Running> running;
    };
    return std::make_unique<Run>(running);
  }
  void finish(const std::string& id, api::ActivityState state = api::ActivityState::kSucceeded,
              Json result = 1) {
    ActivityOutcome outcome;
    outcome.state = state;
    outcome.result = std::move(result);
    runs.at(id)->events.done(std::move(outcome));
  }

  void print(const std::string& id, const std::string& text) {
    runs.at(id)->output->append(false, text);
    runs.at(id)->events.output_grew();
  }

  std::map<std::string, std::shared_ptr<Running>> runs;
  bool refuse = false;
  bool stream = false;
};

/// A whole worker except for sockets, disk and processes, driven by hand.
class ServiceTest : public ::testing::Test {
 protected:
  ServiceTest() {
    executor_ = std::make_shared<ScriptedExecutor>();
    registry_.add("work", executor_);
    make();
  }

  void make() {
    api_.reset();
    service_.reset();
    SessionTableSettings settings;
    settings.incarnation = api::Incarnation("inc-1");
    settings.sessions = sessions_;
    table_ = std::make_unique<SessionTable>(settings, loop_.clock(), ledger_);
    WorkerIdentity identity;
    identity.name = "pool-0";
    identity.uid = api::WorkerUid("uid-1");
    identity.incarnation = settings.incarnation;
    service_ = std::make_unique<WorkerService>(
        WorkerService::Parts{
            loop_, random_, *table_, registry_, directories_, worker_metrics_,
            Log::to_function([this](const std::string& line) { log_.push_back(line); })},
        identity);
    service_->set_address("10.0.0.1:7600");
    api_ = std::make_unique<WorkerApi>(WorkerApi::Parts{loop_, *service_, ControlGuard(keys_),
                                                        metrics_, [this] { return ready_; }});
    router_ = http::Router();
    probes_ = http::Router();
    api_->add_routes(router_);
    api_->add_probe_routes(probes_);
  }

  std::shared_ptr<FakeExchange> post(const std::string& target, const Json& body,
                                     const std::string& token = "") {
    return call(router_, "POST", target, token, dump_json(body));
  }
  std::shared_ptr<FakeExchange> get(const std::string& target, const std::string& token = "") {
    return call(router_, "GET", target, token);
  }
  std::shared_ptr<FakeExchange> remove(const std::string& target, const std::string& token = "") {
    return call(router_, "DELETE", target, token);
  }
  /// Opens a session whose token is "token-of-<id>".
  std::shared_ptr<FakeExchange> open(const std::string& id, Json more = Json::object()) {
    more["id"] = id;
    more["tokenHash"] = auth::sha256_hex(token(id));
    return post("/v1/sessions", more);
  }
  static api::SessionsSpec usual_sessions() {
    api::SessionsSpec sessions;
    sessions.max_per_worker = 3;
    sessions.resources = {{"gpu", 1}};
    return sessions;
  }
  static std::string token(const std::string& id) { return "token-of-" + id; }
  static std::string path(const std::string& id, const std::string& rest = "") {
    return "/v1/sessions/" + id + rest;
  }
  std::shared_ptr<FakeExchange> start(const std::string& session, const std::string& activity) {
    return post(path(session, "/activities"), {{"activityId", activity}, {"type", "work"}},
                token(session));
  }
  Json slots() { return get("/v1/slots")->body(); }
  bool logged(const std::string& part) const {
    for (const std::string& line : log_) {
      if (line.find(part) != std::string::npos) {
        return true;
      }
    }
    return false;
  }
  std::string metric(const std::string& series) const {
    const std::string text = metrics_.text();
    const auto at = text.find("\n" + series + " ");
    if (at == std::string::npos) {
      return "";
    }
    const auto start = at + 1 + series.size() + 1;
    return text.substr(start, text.find('\n', start) - start);
  }

  fakes::ManualLoop loop_;
  fakes::SeededRandom random_;
  MemoryLedger ledger_;
  FakeDirectories directories_;
  std::shared_ptr<ScriptedExecutor> executor_;
  ActivityRegistry registry_;
  Metrics metrics_;
  WorkerMetrics worker_metrics_{metrics_};
  std::vector<std::string> log_;
  const auth::KeySet* keys_ = nullptr;
  Status ready_;
  api::SessionsSpec sessions_ = usual_sessions();  ///< make() anew after a change.
  std::unique_ptr<SessionTable> table_;
  std::unique_ptr<WorkerService> service_;
  std::unique_ptr<WorkerApi> api_;
  http::Router router_;
  http::Router probes_;
};

}  // namespace berth::worker
