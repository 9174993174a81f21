#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/fakes/manual_loop.h"
#include "tests/unit/worker/support/memory_ledger.h"
#include "worker/session/session_table.h"

namespace berth::worker {

using namespace std::chrono_literals;

/// A table of two slots and one gpu, on a clock that the test moves.
class TableTest : public ::testing::Test {
 protected:
  TableTest() { make(); }

  static SessionTableSettings default_settings() {
    SessionTableSettings s;
    s.incarnation = api::Incarnation("inc-1");
    s.sessions.max_per_worker = 2;
    s.sessions.resources = {{"gpu", 1}};
    s.sessions.max_activities_per_session = 3;
    return s;
  }
  void make() { table_ = std::make_unique<SessionTable>(settings_, clock_, ledger_); }

  static std::string hash(const std::string& of) { return "hash-of-" + of; }
  static api::CreateSession ask(const std::string& id, api::Resources resources = {},
                                const std::string& attempt = "a1") {
    api::CreateSession c;
    c.id = api::SessionId(id);
    c.token_hash = hash(id);
    c.resources = std::move(resources);
    c.attempt = attempt;
    return c;
  }
  Result<SessionTable::Admission> admit(const api::CreateSession& c) {
    return table_->admit(c, *c.token_hash);
  }
  /// Opens a session and says that it worked.
  void open(const std::string& id, api::Resources resources = {}) {
    const auto r = admit(ask(id, std::move(resources)));
    ASSERT_TRUE(r) << r.error().text();
    ASSERT_TRUE(r->created);
  }
  static api::SessionId sid(const std::string& id) { return api::SessionId(id); }
  static api::ActivityId aid(const std::string& id) { return api::ActivityId(id); }
  void pass(Duration d) {
    clock_.set(clock_.now() + d);
    table_->expire();
  }
  std::int64_t used(const std::string& name = "session") { return table_->slots().used.at(name); }
  void accept(const std::string& session, const std::string& activity,
              const std::string& type = "work") {
    const auto r = table_->accept_activity(sid(session), aid(activity), type);
    ASSERT_TRUE(r) << r.error().text();
    ASSERT_TRUE(r->is_new);
  }
  void finish(const std::string& session, const std::string& activity,
              api::ActivityState state = api::ActivityState::kSucceeded,
              const std::string& result = "1") {
    ActivityFinishedRecord r;
    r.session = sid(session);
    r.activity = aid(activity);
    r.state = state;
    r.result = result;
    table_->finish_activity(r);
  }
  template <class Event>
  std::vector<Event> events() {
    std::vector<Event> out;
    for (TableEvent& e : table_->take_events()) {
      if (auto* wanted = std::get_if<Event>(&e)) {
        out.push_back(std::move(*wanted));
      }
    }
    return out;
  }
  static std::string reason(const Error& e) { return std::string(e.reason_or_code()); }
  template <class T>
  static std::string reason(const Result<T>& r) {
    return r ? "ok" : reason(r.error());
  }

  /// The table as the next process finds it.
  void restart(bool same_boot = true) {
    std::vector<Record> records = ledger_.records;
    make();
    for (const Record& r : records) {
      table_->replay(r);
    }
    table_->finish_restore(same_boot);
  }

  SessionTableSettings settings_ = default_settings();
  fakes::ManualClock clock_;
  MemoryLedger ledger_;
  std::unique_ptr<SessionTable> table_;
};

}  // namespace berth::worker
