#include "devcluster/apiserver/watch_hub.h"

#include "tests/unit/devcluster/apiserver/store_fixture.h"

namespace berth::devcluster {
namespace {

class WatchHubTest : public StoreTest {
 protected:
  std::shared_ptr<http::BodySource> open(const std::string& query) {
    http::Request request;
    request.method = "GET";
    request.target = "/api/v1/namespaces/default/configmaps?watch=true" + query;
    auto answer = hub.open(*ApiPath::parse(request.path()), request, false);
    EXPECT_TRUE(answer);
    return answer->body_source;
  }
  /// All that has come by now; "end" marks the end.
  std::vector<std::string> read(http::BodySource& source) {
    std::vector<std::string> types;
    for (bool more = true; more;) {
      more = false;
      source.next([&](Result<std::string> chunk) {
        more = chunk && !chunk->empty();
        types.push_back(!chunk ? "cut"
                        : more ? get_string(*parse_json(*chunk), "type").value_or("?")
                               : "end");
      });
      loop.run_ready();
    }
    return types;
  }

  Faults faults;
  WatchHub hub{loop, store, faults, random, std::chrono::seconds(15)};
};

TEST_F(WatchHubTest, BookmarksComeEveryIntervalToThoseWhoAllowThem) {
  const auto allowed = open("&allowWatchBookmarks=true");
  const auto plain = open("");
  loop.advance(std::chrono::seconds(31));
  EXPECT_EQ(read(*allowed), (std::vector<std::string>{"BOOKMARK", "BOOKMARK"}));
  EXPECT_EQ(read(*plain), std::vector<std::string>{});
}

TEST_F(WatchHubTest, BookmarksCanBeWithheld) {
  const auto body = open("&allowWatchBookmarks=true");
  faults.withhold_bookmarks(true);
  loop.advance(std::chrono::seconds(31));
  EXPECT_EQ(read(*body), std::vector<std::string>{});
}

TEST_F(WatchHubTest, AWatchEndsCleanlyAtItsTimeLimit) {
  const auto body = open("&timeoutSeconds=300");
  loop.advance(std::chrono::seconds(299));
  create(configs, config_object("a"));
  EXPECT_EQ(read(*body), std::vector<std::string>{"ADDED"});
  loop.advance(std::chrono::seconds(2));
  create(configs, config_object("b"));
  EXPECT_EQ(read(*body), std::vector<std::string>{"end"});
}

TEST_F(WatchHubTest, WithoutATimeLimitTheServerPicksHalfAnHourOrMore) {
  const auto body = open("");
  loop.advance(std::chrono::minutes(29));
  EXPECT_EQ(read(*body), std::vector<std::string>{});
  loop.advance(std::chrono::minutes(32));
  EXPECT_EQ(read(*body), std::vector<std::string>{"end"});
}

}  // namespace
}  // namespace berth::devcluster
