#include "operator/rollout/revision_store.h"

#include <gtest/gtest.h>

#include "operator/render/worker_pod.h"
#include "tests/unit/operator/with_fake_api.h"

namespace berth::op {
namespace {

using namespace std::chrono_literals;

constexpr const char* kPath = "/apis/apps/v1/namespaces/ns/controllerrevisions";

std::shared_ptr<const api::SessionPool> pool(const std::string& image) {
  auto p = std::make_shared<api::SessionPool>();
  p->name = "files";
  p->ns = "ns";
  p->uid = "u1";
  p->generation = 4;
  p->pod_template = {{"spec", {{"nodeSelector", {{"disk", "fast"}}}}}};
  p->worker_image = image;
  p->worker_tls_secret = "pair";
  p->worker_resources = {{"limits", {{"cpu", "1"}}}};
  p->worker.exec = true;
  p->worker.sessions.max_per_worker = 4;
  p->worker.sessions.resources = {{"gpu", 2}};
  p->worker.sessions.idle_timeout = 90s;
  api::ActivitySpec pack;
  pack.name = "pack";
  pack.command = {"tar", "c"};
  p->worker.activities.push_back(pack);
  p->drain.timeout = 2h;
  return p;
}
std::string revision(const std::string& image) {
  return pool_revision(*pool(image));
}
Json stored(const std::string& image) {
  Json object = to_controller_revision(*pool(image), revision(image));
  object["metadata"]["uid"] = "uid-of-" + image;
  return object;
}

TEST(ControllerRevision, GivesBackWhatMakesAWorker) {
  const auto kept = from_controller_revision(stored("a"), "u1");
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->revision, revision("a"));
  EXPECT_EQ(kept->object_uid, "uid-of-a");
  EXPECT_EQ(render_worker_pod(*kept->pool, "files-1", {}),
            render_worker_pod(*pool("a"), "files-1", {}));
}

TEST(ControllerRevision, IsNotBelievedWhenItIsNotWhatItsNameSays) {
  Json changed = stored("a");
  changed["data"]["spec"]["worker"]["image"] = "b";
  EXPECT_FALSE(from_controller_revision(changed, "u1"));
  EXPECT_FALSE(from_controller_revision(stored("a"), "another pool"));
  changed = stored("a");
  changed["data"] = "x";
  EXPECT_FALSE(from_controller_revision(changed, "u1"));
}

class RevisionStoreTest : public WithFakeApi {
 protected:
  void keep(const std::string& image, const std::set<std::string>& in_use) {
    std::set<std::string> revisions;
    for (const std::string& i : in_use) {
      revisions.insert(revision(i));
    }
    store_.keep(pool(image), revision(image), revisions);
    loop_.run_ready();
  }
  void answer_list(const Json& items) {
    api_.expect_request("GET", kPath)
        ->answer(http::Response::json(
            200, dump_json({{"metadata", {{"resourceVersion", "9"}}}, {"items", items}})));
    loop_.run_ready();
  }
  void answer_write(const std::string& image) {
    const auto call = api_.expect_request("POST", kPath);
    EXPECT_EQ(string_at(*parse_json(call->request().body), {"metadata", "name"}),
              "files-" + revision(image));
    call->answer(http::Response::json(201, dump_json(stored(image))));
    loop_.run_ready();
  }

  int lines_ = 0;
  int changes_ = 0;
  RevisionStore store_{loop_,
                       client_,
                       Log::to_function([this](const std::string&) { ++lines_; }),
                       {[] { return true; }, [this] { ++changes_; }}};
};

TEST_F(RevisionStoreTest, WritesARevisionWhenItHasWorkersAndOnlyOnce) {
  keep("a", {});
  answer_list(Json::array());
  keep("a", {});
  EXPECT_EQ(api_.waiting(), 0U);
  keep("a", {"a"});
  answer_write("a");
  keep("a", {"a"});
  EXPECT_EQ(api_.waiting(), 0U);
}

TEST_F(RevisionStoreTest, KnowsTheEarlierRevisionWhileItHasWorkers) {
  keep("a", {"a"});
  answer_list(Json::array());
  keep("a", {"a"});
  answer_write("a");
  keep("b", {"a"});
  EXPECT_EQ(store_.earlier(), std::set<std::string>{revision("a")});
  EXPECT_EQ(store_.find(revision("a"))->worker_image, "a");
  keep("b", {"b"});
  EXPECT_TRUE(store_.earlier().empty());
}

TEST_F(RevisionStoreTest, TheNextOperatorLearnsItFromTheObject) {
  keep("b", {"a", "b"});
  EXPECT_TRUE(store_.earlier().empty());
  answer_list(Json::array({stored("a"), stored("b")}));
  EXPECT_EQ(changes_, 1);
  EXPECT_EQ(store_.find(revision("a"))->worker_image, "a");
  keep("b", {"a", "b"});
  EXPECT_EQ(api_.waiting(), 0U) << "both are written already";
}

TEST_F(RevisionStoreTest, DropsWhatHasNoWorkersAnyMore) {
  keep("b", {"b"});
  answer_list(Json::array({stored("a"), stored("b")}));
  keep("b", {"b"});
  const auto call = api_.expect_request("DELETE", std::string(kPath) + "/files-" + revision("a"));
  EXPECT_EQ(parse_json(call->request().body)->at("preconditions").at("uid"), "uid-of-a");
  keep("b", {"b"});
  EXPECT_EQ(api_.waiting(), 0U);
}

TEST_F(RevisionStoreTest, WithoutLeaveItSaysSoOnceAndMemoryHasToDo) {
  keep("a", {"a"});
  const auto refuse = [&](const char* method) {
    api_.expect_request(method, kPath)
        ->answer(http::Response::json(403, R"({"kind": "Status", "reason": "Forbidden"})"));
    loop_.run_ready();
  };
  refuse("GET");
  keep("b", {"a"});
  EXPECT_EQ(store_.find(revision("a"))->worker_image, "a");
  loop_.advance(1min);
  refuse("GET");
  EXPECT_EQ(lines_, 1);
}

}  // namespace
}  // namespace berth::op
