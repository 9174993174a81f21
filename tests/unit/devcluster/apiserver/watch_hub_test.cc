#include "devcluster/apiserver/watch_hub.h"

#include "tests/unit/devcluster/apiserver/store_fixture.h"

namespace berth::devcluster {
namespace {

class WatchHubTest : public StoreTest {
 protected:
  /// Reads a watch for as long as it lives and keeps the types of what came; "end" marks the end.
  struct Reader {
    std::shared_ptr<http::BodySource> source;
    std::vector<std::string> seen;

    void pull() {
      source->next([this](Result<std::string> chunk) {
        const bool more = chunk && !chunk->empty();
        seen.push_back(!chunk ? "cut"
                       : more ? get_string(*parse_json(*chunk), "type").value_or("?")
                              : "end");
        if (more) {
          pull();
        }
      });
    }
  };
  std::unique_ptr<Reader> open(const std::string& query) {
    http::Request request;
    request.method = "GET";
    request.target = "/api/v1/namespaces/default/configmaps?watch=true" + query;
    auto answer = hub.open(*ApiPath::parse(request.path()), request, false);
    EXPECT_TRUE(answer);
    auto reader = std::make_unique<Reader>();
    reader->source = answer->body_source;
    reader->pull();
    return reader;
  }
  using Types = std::vector<std::string>;

  Faults faults;
  WatchHub hub{loop, store, faults, random, std::chrono::seconds(15)};
};

TEST_F(WatchHubTest, BookmarksComeEveryIntervalToThoseWhoAllowThem) {
  const auto allowed = open("&allowWatchBookmarks=true");
  const auto plain = open("");
  loop.advance(std::chrono::seconds(31));
  EXPECT_EQ(allowed->seen, (Types{"BOOKMARK", "BOOKMARK"}));
  EXPECT_EQ(plain->seen, Types{});
}

TEST_F(WatchHubTest, BookmarksCanBeWithheld) {
  const auto watch = open("&allowWatchBookmarks=true");
  faults.withhold_bookmarks(true);
  loop.advance(std::chrono::seconds(31));
  EXPECT_EQ(watch->seen, Types{});
}

TEST_F(WatchHubTest, AWatchEndsCleanlyAtItsTimeLimit) {
  const auto watch = open("&timeoutSeconds=300");
  loop.advance(std::chrono::seconds(299));
  create(configs, config_object("a"));
  loop.advance(std::chrono::seconds(2));
  create(configs, config_object("b"));
  loop.run_ready();
  EXPECT_EQ(watch->seen, (Types{"ADDED", "end"}));
}

TEST_F(WatchHubTest, WithoutATimeLimitTheServerPicksHalfAnHourOrMore) {
  const auto watch = open("");
  loop.advance(std::chrono::minutes(29));
  EXPECT_EQ(watch->seen, Types{});
  loop.advance(std::chrono::minutes(32));
  EXPECT_EQ(watch->seen, Types{"end"});
}

TEST_F(WatchHubTest, ItForgetsAWatchWhoseReaderIsGone) {
  auto watch = open("");
  EXPECT_EQ(hub.size(), 1u);
  watch.reset();
  loop.run_ready();
  EXPECT_EQ(hub.size(), 0u);
}

}  // namespace
}  // namespace berth::devcluster
