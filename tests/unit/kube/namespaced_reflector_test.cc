#include "berth/kube/namespaced_reflector.h"

#include <gtest/gtest.h>

#include "tests/unit/kube/watch_harness.h"

namespace berth::kube {
namespace {
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Trimmed {
  std::string version;
};

class NamespacedReflectorTest : public WatchHarness {
 protected:
  using Pods = NamespacedReflector<Trimmed>;

  void watch(const std::set<std::string>& namespaces) {
    pods_ = std::make_unique<Pods>(
        loop_, client_, random_, kPods, namespaces, ReflectorSettings{.label_selector = "app=y"},
        Log(), metrics_,
        [](const Json& o) -> std::optional<Trimmed> { return Trimmed{version_of(o)}; },
        [this](const std::string& key, const Pods::Ptr&, const Pods::Ptr& now) {
          changes_.push_back(key + (now ? "@" + now->version : " gone"));
        });
    pods_->start();
    loop_.run_ready();
  }
  static Json pod_in(const std::string& ns, const std::string& name, const std::string& version) {
    Json object = pod(name, version);
    object["metadata"]["namespace"] = ns;
    return object;
  }
  static Json list(const std::string& version, const std::vector<Json>& items) {
    return {{"metadata", {{"resourceVersion", version}}}, {"items", items}};
  }
  void answer(const fakes::FakeTransport::CallPtr& call, int code, const Json& body) {
    call->answer(http::Response::json(code, body.dump()));
    loop_.run_ready();
  }
  std::vector<std::string> keys() const {
    std::vector<std::string> out;
    pods_->for_each([&out](const std::string& key, const auto&) { out.push_back(key); });
    return out;
  }

  std::unique_ptr<Pods> pods_;
  std::vector<std::string> changes_;
};

TEST_F(NamespacedReflectorTest, AsksEachNamespaceByItselfAndIsSettledWhenAllAreRead) {
  watch({"b", "a"});
  const auto a = transport_.expect_request("GET", "/api/v1/namespaces/a/pods");
  const auto b = transport_.expect_request("GET", "/api/v1/namespaces/b/pods");
  EXPECT_EQ(b->request().query("labelSelector"), "app=y");
  answer(a, 200, list("10", {pod_in("a", "p", "5")}));
  EXPECT_TRUE(pods_->synced("a"));
  EXPECT_FALSE(pods_->synced("b"));
  EXPECT_TRUE(pods_->synced("c")) << "not watched: nothing to wait for";
  EXPECT_FALSE(pods_->settled());
  EXPECT_THAT(pods_->unread(), ElementsAre("b"));
  answer(b, 200, list("12", {pod_in("b", "p", "6")}));
  EXPECT_TRUE(pods_->settled());
  EXPECT_THAT(pods_->unread(), IsEmpty());
  EXPECT_THAT(changes_, ElementsAre("a/p@5", "b/p@6"));
  EXPECT_THAT(keys(), ElementsAre("a/p", "b/p"));
  EXPECT_EQ(pods_->get("b/p")->version, "6");
}

TEST_F(NamespacedReflectorTest, ANamespaceThatMayNotBeReadDoesNotHoldUpTheOthers) {
  const Json forbidden = {{"kind", "Status"}, {"reason", "Forbidden"}, {"message", "not you"}};
  watch({"a", "b"});
  const auto a = transport_.expect_request("GET", "/api/v1/namespaces/a/pods");
  answer(transport_.expect_request("GET", "/api/v1/namespaces/b/pods"), 403, forbidden);
  EXPECT_FALSE(pods_->settled()) << "none was read yet";
  answer(a, 200, list("10", {pod_in("a", "p", "5")}));
  EXPECT_TRUE(pods_->settled());
  EXPECT_FALSE(pods_->synced("b"));
  EXPECT_THAT(pods_->unread(), ElementsAre("b"));

  // Any other trouble may pass by itself, and is waited for.
  const auto watch_of_a = transport_.expect_request("GET", "/api/v1/namespaces/a/pods");
  loop_.advance(2s);
  answer(transport_.expect_request("GET", "/api/v1/namespaces/b/pods"), 500, {{"kind", "Status"}});
  EXPECT_FALSE(pods_->settled());
  loop_.advance(4s);
  answer(transport_.expect_request("GET", "/api/v1/namespaces/b/pods"), 200, list("12", {}));
  EXPECT_TRUE(pods_->settled());
  EXPECT_TRUE(pods_->synced("b"));
}

TEST_F(NamespacedReflectorTest, NothingThatMayBeReadIsNotSettled) {
  watch({"a"});
  answer(transport_.expect_request("GET", "/api/v1/namespaces/a/pods"), 403,
         {{"kind", "Status"}, {"reason", "Forbidden"}});
  EXPECT_FALSE(pods_->settled());
}

TEST_F(NamespacedReflectorTest, VersionsAreThoseOfTheNamespaceAndWhatIsNotWatchedIsUnknown) {
  watch({"a", "b"});
  answer(transport_.expect_request(), 200, list("10", {}));
  answer(transport_.expect_request("GET", "/api/v1/namespaces/b/pods"), 200, list("12", {}));
  EXPECT_EQ(pods_->version("a"), "10");
  EXPECT_EQ(pods_->version("b"), "12");
  EXPECT_EQ(pods_->version("c"), "");
  EXPECT_EQ(pods_->get("c/p"), nullptr);
}

TEST_F(NamespacedReflectorTest, NoneOrTheEmptyOneMeansAllOfThem) {
  for (const std::set<std::string>& all : {std::set<std::string>{}, {"", "a"}}) {
    watch(all);
    answer(transport_.expect_request("GET", "/api/v1/pods"), 200,
           list("10", {pod_in("c", "p", "7")}));
    EXPECT_EQ(pods_->get("c/p")->version, "7");
    EXPECT_EQ(pods_->version("anything"), "10");
  }
}

TEST_F(NamespacedReflectorTest, TheSilenceOfOneIsNotHiddenByAnother) {
  watch({"a", "b"});
  answer(transport_.expect_request("GET", "/api/v1/namespaces/a/pods"), 200, list("10", {}));
  answer(transport_.expect_request("GET", "/api/v1/namespaces/b/pods"), 503, status(503, "Down"));
  EXPECT_THAT(metrics_.text(), HasSubstr("silence_seconds{resource=\"pods\",scope=\"a\"} "));
  EXPECT_THAT(metrics_.text(), HasSubstr("silence_seconds{resource=\"pods\",scope=\"b\"} "));
}

TEST_F(NamespacedReflectorTest, AfterStopNothingIsToldAnyMore) {
  watch({"a", "b"});
  const auto a = transport_.expect_request();
  const auto b = transport_.expect_request();
  pods_->stop();
  EXPECT_TRUE(a->cancelled());
  EXPECT_TRUE(b->cancelled());
  EXPECT_TRUE(changes_.empty());
}

}  // namespace
}  // namespace berth::kube
