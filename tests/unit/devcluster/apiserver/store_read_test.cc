#include "tests/unit/devcluster/apiserver/store_fixture.h"

namespace berth::devcluster {
namespace {

class ReadTest : public StoreTest {
 protected:
  Selector select(const ResourceType& type, const std::string& labels,
                  const std::string& fields = "") {
    const auto s = Selector::parse(type, "", labels, fields);
    EXPECT_TRUE(s) << (s ? "" : s.error().message);
    return s.value_or(Selector());
  }
  std::string names(const ResourceType& type, const Selector& selector) {
    std::string out;
    const auto page = store.list(type, {selector, 0, ""});
    for (const ObjectPtr& o : page->items) {
      out += string_at(*o, {"metadata", "name"}) + " ";
    }
    return out;
  }
  Json labelled(const std::string& name, const Json& labels) {
    Json o = config_object(name);
    o["metadata"]["labels"] = labels;
    return o;
  }
  std::string text(const std::vector<WatchEvent>& list) {
    std::string out;
    for (const WatchEvent& e : list) {
      out +=
          std::string(to_string(e.kind)) + ":" + string_at(*e.object, {"metadata", "name"}) + " ";
    }
    return out;
  }
};

TEST_F(ReadTest, LabelSelectorsAreEqualityAndSetBased) {
  create(configs, labelled("a", {{"app", "x"}, {"tier", "front"}}));
  create(configs, labelled("b", {{"app", "y"}}));
  create(configs, labelled("c", Json::object()));
  const std::vector<std::pair<std::string, std::string>> cases = {{"app=x", "a "},
                                                                  {"app==x", "a "},
                                                                  {"app!=x", "b c "},
                                                                  {"app", "a b "},
                                                                  {"!app", "c "},
                                                                  {"app in (x, y)", "a b "},
                                                                  {"app notin (x)", "b c "},
                                                                  {"app=x,tier=front", "a "},
                                                                  {"app in (x,y),!tier", "b "},
                                                                  {"", "a b c "}};
  for (const auto& [selector, wanted] : cases) {
    EXPECT_EQ(names(configs, select(configs, selector)), wanted) << selector;
  }
}

TEST_F(ReadTest, FieldSelectorsAreLimitedToTheTypesFields) {
  Json bound = pod_object("a");
  bound["spec"]["nodeName"] = "n1";
  create(pods, bound);
  create(pods, pod_object("b"));
  EXPECT_EQ(names(pods, select(pods, "", "spec.nodeName=n1")), "a ");
  EXPECT_EQ(names(pods, select(pods, "", "spec.nodeName!=n1")), "b ");
  EXPECT_EQ(names(pods, select(pods, "", "metadata.name=b,status.phase=Pending")), "b ");
  EXPECT_EQ(Selector::parse(pools, "", "", "spec.workers=1").error().message,
            "field label not supported: spec.workers");
}

TEST_F(ReadTest, BadSelectorsAre400) {
  for (const char* bad : {"a in x", "a in (x", "=x", "a b c", "a=$(x)", "!"}) {
    const auto s = Selector::parse(configs, "", bad, "");
    ASSERT_FALSE(s) << bad;
    EXPECT_EQ(s.error().code, 400);
  }
  EXPECT_FALSE(Selector::parse(configs, "", "", "=x"));
  std::string many = "a";
  for (int i = 0; i < 100; ++i) {
    many += ",a" + std::to_string(i);
  }
  EXPECT_FALSE(Selector::parse(configs, "", many, ""));
}

TEST_F(ReadTest, PagesShowOneMomentHoweverLongTheyTake) {
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    create(configs, config_object(name));
  }
  const auto first = store.list(configs, {everything(), 2, ""});
  ASSERT_TRUE(first);
  EXPECT_EQ(first->remaining, 3u);
  remove(configs, "c");
  create(configs, config_object("aa"));
  const auto second = store.list(configs, {everything(), 2, first->continue_token});
  ASSERT_TRUE(second);
  EXPECT_EQ(second->version, first->version);
  EXPECT_EQ(string_at(*second->items.at(0), {"metadata", "name"}), "c");
  const auto third = store.list(configs, {everything(), 2, second->continue_token});
  ASSERT_TRUE(third);
  EXPECT_EQ(third->items.size(), 1u);
  EXPECT_TRUE(third->continue_token.empty());
}

TEST_F(ReadTest, AnOldContinueTokenIs410) {
  create(configs, config_object("a"));
  create(configs, config_object("b"));
  const auto first = store.list(configs, {everything(), 1, ""});
  loop.advance(std::chrono::minutes(6));
  const auto next = store.list(configs, {everything(), 1, first->continue_token});
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code, 410);
  EXPECT_EQ(next.error().reason, "Expired");
}

TEST_F(ReadTest, AContinueTokenOfAnotherTypeOrMadeUpIs400) {
  create(configs, config_object("a"));
  create(configs, config_object("b"));
  const auto first = store.list(configs, {everything(), 1, ""});
  EXPECT_EQ(store.list(pods, {everything(), 1, first->continue_token}).error().code, 400);
  for (const char* bad : {"x", "1", "1.", ".1", "1.x", "1.99999999999999999999"}) {
    EXPECT_EQ(store.list(configs, {everything(), 1, bad}).error().code, 400) << bad;
  }
}

TEST_F(ReadTest, HistoryReplaysEverythingAfterAVersion) {
  const Json a = create(configs, config_object("a"));
  merge(configs, "a", {{"data", {{"key", "2"}}}});
  create(configs, config_object("b"));
  remove(configs, "a");
  const auto replay = store.events_since(configs, everything(), std::stoull(version(a)));
  ASSERT_TRUE(replay);
  EXPECT_EQ(text(*replay), "MODIFIED:a ADDED:b DELETED:a ");
  EXPECT_EQ(version(*replay->back().object), std::to_string(store.version()));
}

TEST_F(ReadTest, AVersionOlderThanTheHistoryIs410AndANewerOneThanNowIs504) {
  Store small(loop.clock(), random, admit, {.history = 3});
  const auto start = small.version();
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(small.create(configs, "default", config_object("c" + std::to_string(i))));
  }
  EXPECT_EQ(small.events_since(configs, everything(), start).error().code, 410);
  EXPECT_EQ(small.events_since(configs, everything(), start + 2)->size(), 3u);
  EXPECT_EQ(small.events_since(configs, everything(), small.version() + 1).error().code, 504);
}

TEST_F(ReadTest, ExpiringTheHistoryMakesEveryKnownVersionTooOld) {
  create(configs, config_object("a"));
  const auto known = store.version();
  store.expire_history();
  EXPECT_EQ(store.events_since(configs, everything(), known).error().code, 410);
  EXPECT_TRUE(store.events_since(configs, everything(), store.version()));
}

TEST_F(ReadTest, AnObjectThatStopsMatchingIsDeletedForThatWatchAndBackAgainAdded) {
  create(configs, labelled("a", {{"app", "x"}}));
  const auto start = store.version();
  std::vector<WatchEvent> seen;
  const Cancel watch = store.watch(configs, select(configs, "app=x"),
                                   [&](const WatchEvent& e) { seen.push_back(e); });
  merge(configs, "a", {{"metadata", {{"labels", {{"app", "y"}}}}}});
  merge(configs, "a", {{"data", {{"key", "5"}}}});
  merge(configs, "a", {{"metadata", {{"labels", {{"app", "x"}}}}}});
  EXPECT_EQ(text(seen), "DELETED:a ADDED:a ");
  EXPECT_EQ(string_at(*seen[0].object, {"metadata", "labels", "app"}), "x")
      << "the last state seen";
  EXPECT_EQ(text(*store.events_since(configs, select(configs, "app=x"), start)), text(seen));
}

TEST_F(ReadTest, AWatchEndsWithItsHandleAlsoInsideItsOwnCallback) {
  int calls = 0;
  Cancel watch;
  watch = store.watch(configs, everything(), [&](const WatchEvent&) {
    ++calls;
    watch.cancel();
  });
  create(configs, config_object("a"));
  create(configs, config_object("b"));
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace berth::devcluster
