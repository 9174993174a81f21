#include <gmock/gmock.h>

#include <set>

#include "gateway/ui/assets.h"
#include "tests/unit/gateway/support/gateway_fixture.h"

/// The page behind the gateway's routes: what is served to whom, and what its streams say.
namespace berth::gateway::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// The connection at the other end of one stream.
class Reader {
 public:
  Reader(fakes::ManualLoop& loop, std::shared_ptr<http::BodySource> source)
      : loop_(loop), source_(std::move(source)) {
    pull();
  }

  struct Event {
    std::string name;
    Json data;
  };
  /// Events that came since the last call.
  std::vector<Event> events() {
    loop_.run_ready();
    std::vector<Event> out;
    std::size_t at = 0;
    while (at < text_.size()) {
      const std::size_t end = text_.find("\n\n", at);
      const std::string event = text_.substr(at, end - at);
      const std::size_t data = event.find("\ndata: ");
      EXPECT_EQ(event.rfind("event: ", 0), 0U) << event;
      out.push_back({event.substr(7, data - 7), Json::parse(event.substr(data + 7))});
      at = end + 2;
    }
    text_.clear();
    return out;
  }
  /// The last event of that name since the last call; null if there was none.
  Json last(const std::string& name) {
    Json out;
    for (const Event& event : events()) {
      if (event.name == name) {
        out = event.data;
      }
    }
    return out;
  }
  bool ended() const { return ended_; }
  void stop_reading() { reading_ = false; }
  void read_on() {
    reading_ = true;
    pull();
  }

 private:
  void pull() {
    source_->next([this](Result<std::string> chunk) {
      ended_ = !chunk || chunk->empty();
      text_ += chunk.value_or("");
      if (!ended_ && reading_) {
        pull();
      }
    });
  }

  fakes::ManualLoop& loop_;
  std::shared_ptr<http::BodySource> source_;
  std::string text_;
  bool reading_ = true;
  bool ended_ = false;
};

class LivePageTest : public GatewayTest {
 protected:
  LivePageTest() {
    Gateway::Settings settings;
    settings.ui.emplace();
    settings.ui->max_streams = 2;
    settings.ui->max_pending = 4096;
    start(settings);
  }

  std::shared_ptr<FakeExchange> ask(const std::string& query = "",
                                    const std::string& token = kToken) {
    return call("GET", "/ui/events" + query, "", token);
  }
  std::unique_ptr<Reader> open(const std::string& query = "") {
    const auto exchange = ask(query);
    EXPECT_EQ(exchange->status(), 200);
    return std::make_unique<Reader>(loop_, exchange->answer()->body_source);
  }
};

TEST_F(GatewayTest, WithoutTheFlagThereIsNoPage) {
  EXPECT_EQ(call("GET", "/ui/")->status(), 404);
  EXPECT_EQ(call("GET", "/ui/events")->status(), 404);
}

TEST_F(LivePageTest, ServesItsFilesWithStrictRules) {
  ASSERT_FALSE(ui::assets().empty());
  for (const ui::Asset& asset : ui::assets()) {
    const std::string path =
        "/ui/" + (asset.name == "index.html" ? std::string() : std::string(asset.name));
    const auto answer = call("GET", path, "", "")->answer();
    ASSERT_TRUE(answer && answer->status == 200) << path;
    EXPECT_EQ(answer->body, asset.bytes) << path;
    EXPECT_EQ(answer->headers.get("Content-Type"), asset.type) << path;
    const std::string policy(answer->headers.get("Content-Security-Policy"));
    EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
    EXPECT_THAT(policy, HasSubstr("frame-ancestors 'none'"));
    EXPECT_EQ(policy.find("unsafe"), std::string::npos);
    EXPECT_EQ(answer->headers.get("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(answer->headers.get("Referrer-Policy"), "no-referrer");
  }
}

TEST_F(LivePageTest, AFileThatTheBrowserHasIsNotSentAgain) {
  const auto first = call("GET", "/ui/", "", "")->answer();
  http::Request request;
  request.method = "GET";
  request.target = "/ui/";
  request.headers.add("If-None-Match", std::string(first->headers.get("ETag")));
  const auto again = FakeExchange::run(router_, request);
  EXPECT_EQ(again->status(), 304);
  EXPECT_TRUE(again->answer()->body.empty());
}

TEST_F(LivePageTest, NoFileReachesOutsideOrHoldsInlineScript) {
  for (const ui::Asset& asset : ui::assets()) {
    const std::string text(asset.bytes);
    for (const char* outside : {"https://", "url(http", "@import", "//cdn"}) {
      EXPECT_EQ(text.find(outside), std::string::npos) << asset.name << " " << outside;
    }
    for (const char* unsafe : {"innerHTML", "eval(", " onclick=", "style=\"", "<script>"}) {
      EXPECT_EQ(text.find(unsafe), std::string::npos) << asset.name << " " << unsafe;
    }
  }
}

TEST_F(LivePageTest, TheShortAddressLeadsToThePage) {
  const auto answer = call("GET", "/ui", "", "")->answer();
  EXPECT_EQ(answer->status, 302);
  EXPECT_EQ(answer->headers.get("Location"), "/ui/");
}

TEST_F(LivePageTest, EventsNeedTheToken) {
  EXPECT_EQ(ask("", "")->status(), 401);
  EXPECT_EQ(ask("", "not-the-callers-token")->code(), "InvalidToken");
  EXPECT_EQ(ask("", operator_token())->status(), 401);
}

/// Remembers what was asked, and refuses it.
class RefusingAuthenticator final : public Authenticator {
 public:
  Cancel check(const http::Request&, const Access& access, DoneFn done) override {
    asked = access;
    done(fail(Error::make(ErrorCode::kPermissionDenied, "AccessDenied", "no")));
    return {};
  }
  Access asked;
};

TEST(EventsRoute, AsksWhetherTheCallerMayListInTheNamespaceAsked) {
  fakes::ManualLoop loop;
  PoolCatalog pools;
  WorkerTable workers(loop, {}, [](const std::string&) {});
  const auto line = [](const std::string&) -> const WaitingLine* { return nullptr; };
  ui::LiveFeed feed(loop, {loop.clock(), pools, workers, line}, "gw-1", {});
  RefusingAuthenticator authenticator;
  const AuditLog audit{Log()};
  ui::EventsRoute route(feed, {authenticator, audit});
  for (const std::string ns : {"", "team-a"}) {
    http::Request request;
    request.method = "GET";
    request.target = "/ui/events?namespace=" + ns;
    const auto exchange = std::make_shared<FakeExchange>(request);
    route.handle(exchange);
    EXPECT_EQ(exchange->status(), 403);
    EXPECT_EQ(authenticator.asked.verb, Access::Verb::kList);
    EXPECT_EQ(authenticator.asked.ns, ns);
    EXPECT_EQ(authenticator.asked.pool, "") << "all pools of it";
    EXPECT_EQ(feed.streams(), 0U);
  }
}

TEST_F(LivePageTest, EventsWaitForTheCachesToBeFilled) {
  synced_ = false;
  EXPECT_EQ(ask()->code(), "Starting");
}

TEST_F(LivePageTest, AStreamBeginsWithAllPoolsAndGoesOnWithChanges) {
  add_worker("w1");
  const auto reader = open();
  const Json snapshot = reader->last("snapshot");
  EXPECT_EQ(snapshot["replica"], "gw-1");
  const Json& pool = snapshot["pools"][kPool];
  EXPECT_EQ(pool["workers"]["w1"]["state"], "Active");
  EXPECT_EQ(pool["slots"]["free"], 2);

  create("s1");
  loop_.advance(seconds(1));
  const Json change = reader->last("change")["pools"][kPool];
  EXPECT_EQ(change["workers"]["w1"]["used"], 1);
  EXPECT_EQ(change["slots"]["free"], 1);
  EXPECT_FALSE(change.contains("conditions")) << "which have not changed";
}

TEST_F(LivePageTest, ChangesAreGatheredToFourEventsASecond) {
  FakeWorker& worker = add_worker("w1", 100);
  const auto reader = open();
  reader->events();
  for (int i = 0; i < 100; ++i) {
    create("s" + std::to_string(i));
    loop_.advance(milliseconds(10));
  }
  loop_.advance(milliseconds(250));
  int changes = 0;
  Json last;
  for (const auto& event : reader->events()) {
    if (event.name == "change") {
      ++changes;
      last = event.data;
    }
  }
  EXPECT_GE(changes, 4);
  EXPECT_LE(changes, 6);
  EXPECT_EQ(worker.sessions.size(), 100U);
  EXPECT_EQ(last["pools"][kPool]["slots"]["used"], 100) << "nothing is left out";
}

TEST_F(LivePageTest, WaitingSessionsAreTold) {
  const auto reader = open();
  reader->events();
  const auto caller = create("s1");
  loop_.advance(milliseconds(250));
  const Json waiting = reader->last("change")["pools"][kPool]["waiting"];
  EXPECT_EQ(waiting["total"], 1);
  EXPECT_EQ(waiting["first"][0]["id"], "s1");
}

TEST_F(LivePageTest, AWorkerThatDiesAndAnswersAgainIsNews) {
  FakeWorker& worker = add_worker("w1");
  const auto reader = open();
  reader->events();
  worker.reachable = false;
  net_.tell_news();
  loop_.advance(milliseconds(300));
  Json change = reader->last("change")["pools"][kPool];
  EXPECT_EQ(change["news"][0]["is"], "Unreadable");
  EXPECT_EQ(change["slots"]["unknown"], 2);

  worker.reachable = true;
  worker.incarnation = "inc-2";
  loop_.advance(seconds(3));
  change = reader->last("change")["pools"][kPool];
  EXPECT_EQ(change["news"][0]["restarted"], true);
  EXPECT_EQ(change["workers"]["w1"]["state"], "Active");
}

TEST_F(LivePageTest, PoolsAndWorkersThatGoAreNull) {
  add_worker("w1");
  const auto reader = open();
  reader->events();
  gateway_->remove_pod(api::WorkerUid("uid-w1"));
  loop_.advance(seconds(1));
  EXPECT_TRUE(reader->last("change")["pools"][kPool]["workers"].at("w1").is_null());
  gateway_->set_pool(kPool, nullptr);
  loop_.advance(seconds(1));
  EXPECT_TRUE(reader->last("change")["pools"].at(kPool).is_null());
}

TEST_F(LivePageTest, OneNamespaceHearsNothingOfOthers) {
  PoolInfo other;
  other.ns = "secret";
  other.name = "files";
  gateway_->set_pool("secret/files", std::make_shared<const PoolInfo>(other));
  const auto reader = open("?namespace=default");
  EXPECT_THAT(reader->last("snapshot")["pools"], SizeIs(1));
  gateway_->set_pool("secret/files", nullptr);
  create("s1");
  loop_.advance(seconds(11));
  for (const auto& event : reader->events()) {
    EXPECT_FALSE(event.data["pools"].contains("secret/files")) << event.name;
  }
}

TEST_F(LivePageTest, SamplesMakeTheHistoryAndAreTheHeartbeat) {
  add_worker("w1");
  loop_.advance(seconds(10));  // nobody looks
  const auto reader = open();
  const Json before = reader->last("snapshot")["pools"][kPool]["samples"];
  EXPECT_EQ(before.size(), 2U);
  EXPECT_EQ(before.back(), Json::parse("[0, 2, 0]"));
  loop_.advance(seconds(5));
  EXPECT_EQ(reader->last("sample")["pools"][kPool], Json::parse("[0, 2, 0]"));
}

TEST_F(LivePageTest, StreamsAreLimitedAndOneThatEndedMakesRoom) {
  auto first = open();
  const auto second = open();
  const auto third = ask();
  EXPECT_EQ(third->status(), 429);
  EXPECT_EQ(third->code(), "TooManyStreams");
  first.reset();
  EXPECT_EQ(ask()->status(), 200);
}

TEST_F(LivePageTest, AReaderThatDoesNotReadIsBroughtUpToDateByASnapshot) {
  add_worker("w1", 200);
  const auto reader = open();
  reader->events();
  reader->stop_reading();
  for (int i = 0; i < 100; ++i) {
    create("s" + std::to_string(i));
    loop_.advance(milliseconds(250));
  }
  reader->read_on();
  loop_.run_ready();
  reader->read_on();
  const auto events = reader->events();
  ASSERT_FALSE(events.empty());
  EXPECT_LE(events.size(), 2U) << "one that it was given before, and the snapshot";
  EXPECT_EQ(events.back().name, "snapshot");
  EXPECT_EQ(events.back().data["pools"][kPool]["slots"]["used"], 100);
}

TEST_F(LivePageTest, AStreamEndsAfterFiveMinutesSoThatItsCallerIsAskedAgain) {
  const auto reader = open();
  loop_.advance(seconds(299));
  EXPECT_FALSE(reader->ended());
  loop_.advance(seconds(6));
  EXPECT_TRUE(reader->ended());
}

TEST_F(LivePageTest, StreamsEndWhenTheGatewayStops) {
  const auto reader = open();
  reader->events();
  gateway_->shut_down(seconds(10), [] {});
  loop_.run_ready();
  EXPECT_TRUE(reader->ended());
  EXPECT_EQ(ask()->code(), "ShuttingDown");
}

TEST_F(LivePageTest, WhileNobodyLooksOnlyTheSampleTimerRuns) {
  const std::size_t timers = loop_.timers();
  for (int i = 0; i < 10; ++i) {
    add_pool("p" + std::to_string(i), 2);
  }
  EXPECT_EQ(loop_.timers(), timers);
}

TEST_F(LivePageTest, PoolsBeyondTheLimitAreCountedAndShownWhenThereIsRoom) {
  Gateway::Settings settings;
  settings.ui.emplace();
  settings.ui->picture.pools = 2;
  start(settings);
  add_pool("p1", 2);
  add_pool("p2", 2);
  const auto reader = open();
  const Json snapshot = reader->last("snapshot");
  EXPECT_THAT(snapshot["pools"], SizeIs(2));
  EXPECT_EQ(snapshot["omitted"], 1);
  gateway_->set_pool(kPool, nullptr);
  loop_.advance(seconds(1));
  std::set<std::string> named;
  for (const auto& event : reader->events()) {
    for (const auto& [key, pool] : event.data["pools"].items()) {
      named.insert(key);
    }
  }
  EXPECT_TRUE(named.contains("default/p2"));
}

}  // namespace
}  // namespace berth::gateway::testing
