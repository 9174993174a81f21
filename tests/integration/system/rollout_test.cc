#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/integration/system/stack.h"

/// Pools whose template changes, whose node leaves, and that are deleted, with sessions open.
namespace berth::system_test {
namespace {

using namespace std::chrono_literals;
using client::create_session;
using client::execute_activity;

constexpr int kWorkers = 4;

class Rollout : public ::testing::Test {
 protected:
  void SetUp() override {
    stack_.start_gateway();
    stack_.start_operator();
    Json spec = Stack::quick_pool(kWorkers, 1);
    spec["scaling"]["minWorkers"] = 2;
    spec["scaling"]["freeSlots"] = 0;
    stack_.add_pool("p", spec);
    client_.emplace(stack_.client_options("p"));
  }

  void edit(const char* plural, const devcluster::ObjectKey& key,
            const std::function<void(Json&)>& change) {
    stack_.on_loop([&] {
      const auto done =
          stack_.cluster().store().edit(devcluster::type_of(plural), key,
                                        [&](const Json& current) -> devcluster::ApiResult<Json> {
                                          Json next = current;
                                          change(next);
                                          return next;
                                        },
                                        {});
      if (!done) {
        throw std::runtime_error(done.error().message);
      }
    });
  }
  void edit_pool(const std::function<void(Json&)>& change) {
    edit("sessionpools", {"default", "p"}, change);
  }
  Json object(const char* plural, const devcluster::ObjectKey& key) {
    Json found;
    stack_.on_loop([&] {
      if (const auto o = stack_.cluster().store().get(devcluster::type_of(plural), key)) {
        found = **o;
      }
    });
    return found;
  }
  Json pool_object() { return object("sessionpools", {"default", "p"}); }
  std::string condition(const std::string& type) {
    const Json pool = pool_object();
    const Json* list = find_path(pool, {"status", "conditions"});
    for (const Json& c : list == nullptr ? Json::array() : *list) {
      if (get_string(c, "type") == type) {
        return get_string(c, "reason").value_or("");
      }
    }
    return "";
  }
  void delete_pool() {
    stack_.on_loop([&] {
      const auto done = stack_.cluster().store().remove(devcluster::type_of("sessionpools"),
                                                        {"default", "p"}, {});
      ASSERT_TRUE(done) << done.error().message;
    });
  }

  /// A session that is in use: its worker, which must outlive whatever comes.
  client::Context open_session(Duration heartbeat_timeout = 20s) {
    client::SessionOptions options;
    options.heartbeat_timeout = heartbeat_timeout;
    auto session = create_session(client_->context(), options).get();
    EXPECT_TRUE(session) << session.error().text();
    return *session;
  }
  static bool works(const client::Context& session) {
    return execute_activity(session, "exec", {{"argv", {"true"}}}).get().has_value();
  }
  std::set<std::string> uids(bool ready_only = false) {
    std::set<std::string> found;
    for (const Json& pod : stack_.pods()) {
      const Json* conditions = find_path(pod, {"status", "conditions"});
      bool ready = false;
      for (const Json& c : conditions == nullptr ? Json::array() : *conditions) {
        ready |= get_string(c, "type") == "Ready" && get_string(c, "status") == "True";
      }
      if (ready || !ready_only) {
        found.insert(string_at(pod, {"metadata", "uid"}));
      }
    }
    return found;
  }

  Stack stack_;
  std::optional<client::Client> client_;
};

TEST_F(Rollout, AChangedTemplateReplacesEveryWorkerAndEndsNoSession) {
  ASSERT_TRUE(stack_.await([&] { return uids(true).size() == 2; }));
  const auto before = uids();
  const auto session = open_session();
  edit_pool([](Json& pool) { pool["spec"]["sessions"]["limits"]["idleTimeout"] = "1h"; });
  // All but the one in use go; that one is cordoned, and serves on.
  const auto left = [&] {
    int old = 0;
    for (const std::string& uid : uids()) {
      old += before.contains(uid) ? 1 : 0;
    }
    return old;
  };
  ASSERT_TRUE(stack_.await([&] { return left() == 1 && uids(true).size() >= 3; }));
  EXPECT_TRUE(works(session));
  EXPECT_EQ(condition("Progressing"), "RollingOut");
  ASSERT_TRUE(client::complete_session(session).get());
  ASSERT_TRUE(stack_.await([&] { return left() == 0; }));
  ASSERT_TRUE(stack_.await([&] { return condition("Progressing") == "Settled"; }));
  EXPECT_EQ(uids(true).size(), 2U);
}

TEST_F(Rollout, ABrokenImageTakesNobodyDownAndTheOldRevisionGrows) {
  ASSERT_TRUE(stack_.await([&] { return uids(true).size() == 2; }));
  const auto before = uids();
  edit_pool([](Json& pool) { pool["spec"]["worker"]["image"] = "berth.local/no-such-image"; });
  ASSERT_TRUE(stack_.await([&] { return condition("Progressing") == "NewRevisionFailing"; }));
  std::vector<client::Context> sessions;
  for (int i = 0; i < kWorkers; ++i) {
    sessions.push_back(open_session());
  }
  for (const auto& session : sessions) {
    EXPECT_TRUE(works(session));
  }
  for (const std::string& uid : before) {
    EXPECT_TRUE(uids(true).contains(uid));
  }
  // The way back replaces nobody.
  const auto serving = uids(true);
  edit_pool([](Json& pool) { pool["spec"]["worker"]["image"] = "berth.local/worker"; });
  ASSERT_TRUE(stack_.await([&] { return uids() == serving; }));
  for (const auto& session : sessions) {
    EXPECT_TRUE(works(session));
  }
}

TEST_F(Rollout, ADeletedPoolWaitsForItsSessionsAndSaysSo) {
  const auto session = open_session();
  delete_pool();
  ASSERT_TRUE(stack_.await([&] { return stack_.pods().size() == 1; }));
  ASSERT_TRUE(stack_.await([&] { return condition("Progressing") == "Deleting"; }));
  EXPECT_TRUE(works(session));
  ASSERT_TRUE(client::complete_session(session).get());
  ASSERT_TRUE(stack_.await([&] { return pool_object().is_null() && stack_.pods().empty(); }));
}

TEST_F(Rollout, AForcedDeletionEndsTheSessions) {
  const auto session = open_session(5s);
  delete_pool();
  ASSERT_TRUE(stack_.await([&] { return condition("Progressing") == "Deleting"; }));
  edit_pool([](Json& pool) { pool["metadata"]["annotations"]["berth.dev/force-delete"] = "true"; });
  ASSERT_TRUE(stack_.await([&] { return pool_object().is_null() && stack_.pods().empty(); }));
  EXPECT_FALSE(works(session));
}

TEST_F(Rollout, ADeletedPoolWithPolicyEndEndsItsSessionsAtTheDeadline) {
  edit_pool([](Json& pool) { pool["spec"]["drain"] = {{"policy", "End"}, {"timeout", "2s"}}; });
  const auto session = open_session(5s);
  delete_pool();
  ASSERT_TRUE(stack_.await([&] { return pool_object().is_null() && stack_.pods().empty(); }));
  EXPECT_FALSE(works(session));
}

TEST_F(Rollout, WorkersMoveBeforeTheirNodeLeaves) {
  ASSERT_TRUE(stack_.await([&] { return uids(true).size() == 2; }));
  const auto before = uids();
  const auto session = open_session();
  std::string node;
  for (const Json& pod : stack_.pods()) {
    node = string_at(pod, {"spec", "nodeName"});
  }
  edit("nodes", {"", node}, [](Json& n) { n["spec"]["unschedulable"] = true; });
  // The dev cluster has one node and puts pods there all the same: each moves once.
  const auto left = [&] {
    int old = 0;
    for (const std::string& uid : uids()) {
      old += before.contains(uid) ? 1 : 0;
    }
    return old;
  };
  ASSERT_TRUE(stack_.await([&] { return left() == 1 && uids(true).size() >= 3; }));
  EXPECT_TRUE(works(session));
  ASSERT_TRUE(client::complete_session(session).get());
  ASSERT_TRUE(stack_.await([&] { return left() == 0 && uids(true).size() == 2; }));
}

TEST_F(Rollout, APoolHasABudgetThatLetsNobodyBeEvicted) {
  ASSERT_TRUE(stack_.await([&] {
    return object("poddisruptionbudgets", {"default", "p-workers"}).is_object();
  }));
  const Json budget = object("poddisruptionbudgets", {"default", "p-workers"});
  EXPECT_EQ(budget.at("spec").at("minAvailable"), 2147483647);
  delete_pool();
  ASSERT_TRUE(stack_.await([&] {
    return object("poddisruptionbudgets", {"default", "p-workers"}).is_null();
  }));
}

}  // namespace
}  // namespace berth::system_test
