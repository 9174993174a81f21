#include "berth/http/server.h"
#include "tests/unit/http/http_fixture.h"

namespace berth::http::test {
namespace {
using namespace std::chrono_literals;

class ServerStreamTest : public HttpTest {
 protected:
  ServerStreamTest() {
    router_.add(
        "PUT", "/in", [this](const auto& x) { in_ = x; },
        BodyRule{.max_bytes = 64u << 20, .stream = true});
    router_.add("GET", "/out", [this](const auto& x) {
      Response response;
      response.body_source = out_;
      x->reply(std::move(response));
    });
    router_.add("GET", "/hello", [](const auto& x) { x->reply(Response::text(200, "hi")); });
  }

  RawClient put(std::string_view head) {
    RawClient client = connect();
    client.send(head);
    run_until([&] { return in_ != nullptr; }, "the handler");
    return client;
  }
  BodySource& source() { return *in_->request().body_source; }

  std::shared_ptr<Exchange> in_;
  std::shared_ptr<ManualSource> out_ = std::make_shared<ManualSource>();
};

TEST_F(ServerStreamTest, HandsOutARequestBodyChunkByChunk) {
  start();
  RawClient client = put("PUT /in HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc");
  EXPECT_EQ(source().length(), 6u);
  EXPECT_EQ(next_chunk(source()), "abc");
  client.send("def");
  EXPECT_EQ(next_chunk(source()), "def");
  EXPECT_EQ(next_chunk(source()), "");
  in_->reply(Response::text(200, "got it"));
  wait_for(client, "got it");
  client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  wait_for(client, "hi");
}

TEST_F(ServerStreamTest, HandsOutAChunkedBodyWithoutItsFraming) {
  start();
  RawClient client =
      put("PUT /in HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r");
  EXPECT_EQ(source().length(), std::nullopt);
  EXPECT_EQ(next_chunk(source()), "abc");
  client.send("\nde\r\n0\r\n\r\nGET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(next_chunk(source()), "de");
  EXPECT_EQ(next_chunk(source()), "");
  in_->reply(Response::text(200, "got it"));
  wait_for(client, "hi");
}

TEST_F(ServerStreamTest, ABodilessRequestHasAnEmptySource) {
  start();
  RawClient client = put("PUT /in HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(source().length(), 0u);
  EXPECT_EQ(next_chunk(source()), "");
}

TEST_F(ServerStreamTest, DoesNotReadMoreThanWasPulled) {
  start();
  RawClient client = put("PUT /in HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n");
  const std::string block(100'000, 'x');
  std::size_t sent = 0;
  // Nobody pulls: the client's bytes pile up in the kernel until it takes no more.
  for (int full = 0; full < 20;) {
    const std::size_t n = client.send(block);
    sent += n;
    full = n == 0 ? full + 1 : 0;
    settle();
  }
  ASSERT_LT(sent, 50'000'000u);
  std::size_t got = 0;
  while (got < sent) {
    const auto chunk = next_chunk(source());
    ASSERT_TRUE(chunk);
    EXPECT_LE(chunk->size(), 65'536u);
    got += chunk->size();
  }
  EXPECT_EQ(got, sent);
}

TEST_F(ServerStreamTest, AClientThatLeavesWithinItsBodyFailsThePull) {
  start();
  RawClient client = put("PUT /in HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc");
  EXPECT_EQ(next_chunk(source()), "abc");
  std::optional<Result<std::string>> got;
  source().next([&](Result<std::string> chunk) { got = std::move(chunk); });
  client.close();
  run_until([&] { return got.has_value(); });
  ASSERT_FALSE(*got);
  EXPECT_EQ(got->error().reason, "ConnectionLost");
  EXPECT_FALSE(next_chunk(source()));
}

TEST_F(ServerStreamTest, ABodyLargerThanItsRouteAllowsFailsThePull) {
  router_.add(
      "PUT", "/tiny", [this](const auto& x) { in_ = x; }, BodyRule{.max_bytes = 4, .stream = true});
  start();
  RawClient client = put(
      "PUT /tiny HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n");
  const auto chunk = next_chunk(source());
  ASSERT_FALSE(chunk);
  EXPECT_EQ(chunk.error().reason, "TooLarge");
  in_->reply(chunk.error());
  wait_for(client, "HTTP/1.1 413");
  EXPECT_TRUE(client.saw("Connection: close"));
}

TEST_F(ServerStreamTest, ABodyThatStopsFailsThePullInTime) {
  ServerLimits limits;
  limits.body_idle_timeout = 40ms;
  start(limits);
  RawClient client = put("PUT /in HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n");
  const auto chunk = next_chunk(source());
  ASSERT_FALSE(chunk);
  EXPECT_EQ(chunk.error().code, ErrorCode::kDeadlineExceeded);
}

TEST_F(ServerStreamTest, AsksForTheBodyWhenTheHandlerPulls) {
  start();
  RawClient client =
      put("PUT /in HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  settle();
  client.poll();
  EXPECT_EQ(client.received(), "");
  std::optional<Result<std::string>> got;
  source().next([&](Result<std::string> chunk) { got = std::move(chunk); });
  wait_for(client, "100 Continue");
  client.send("ok");
  run_until([&] { return got.has_value(); });
  EXPECT_EQ(*got, "ok");
}

TEST_F(ServerStreamTest, AnAnswerBeforeTheBodyEndsClosesTheConnection) {
  start();
  RawClient client = put("PUT /in HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nabc");
  in_->reply(Response::text(403, "not you"));
  wait_for(client, "not you");
  EXPECT_TRUE(client.saw("Connection: close"));
  wait_closed(client);
  EXPECT_FALSE(client.reset());
}

TEST_F(ServerStreamTest, ASourceOutlivesItsConnectionHarmlessly) {
  start();
  RawClient client = put("PUT /in HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n");
  const auto kept = in_->request().body_source;
  server_.reset();
  in_.reset();
  EXPECT_FALSE(next_chunk(*kept));
}

TEST_F(ServerStreamTest, AnswersWithChunksAsTheyCome) {
  start();
  RawClient client = connect();
  client.send("GET /out HTTP/1.1\r\nHost: x\r\n\r\nGET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  wait_for(client, "Transfer-Encoding: chunked\r\n");
  out_->give("abc");
  wait_for(client, "3\r\nabc\r\n");
  out_->give(std::string(20'000, 'x'));
  wait_for(client, "4e20\r\n");
  out_->give("");
  wait_for(client, "0\r\n\r\n");
  wait_for(client, "hi");
}

TEST_F(ServerStreamTest, AnswersWithAKnownLength) {
  start();
  out_->size = 5;
  RawClient client = connect();
  client.send("GET /out HTTP/1.1\r\nHost: x\r\n\r\n");
  wait_for(client, "Content-Length: 5\r\n");
  out_->give("abcde");
  out_->give("");
  client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  wait_for(client, "abcdeHTTP/1.1 200 OK");
}

TEST_F(ServerStreamTest, AnOldClientGetsTheStreamUpToTheClose) {
  start();
  RawClient client = connect();
  client.send("GET /out HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  run_until([&] { return out_->waiting(); });
  out_->give("abc");
  out_->give("");
  wait_closed(client);
  EXPECT_TRUE(client.received().ends_with("\r\n\r\nabc"));
  EXPECT_FALSE(client.reset());
}

TEST_F(ServerStreamTest, HeadOfAStreamDoesNotPull) {
  start();
  RawClient client = connect();
  client.send("HEAD /out HTTP/1.1\r\nHost: x\r\n\r\nGET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  wait_for(client, "hi");
  EXPECT_EQ(out_->asked, 0);
}

TEST_F(ServerStreamTest, ASourceThatFailsBreaksTheConnectionSoThatNobodyTakesItForTheEnd) {
  start();
  RawClient client = connect();
  client.send("GET /out HTTP/1.0\r\n\r\n");
  run_until([&] { return out_->waiting(); });
  out_->give("abc");
  out_->give(fail(Error::internal("torn")));
  wait_closed(client);
  EXPECT_TRUE(client.reset());
}

TEST_F(ServerStreamTest, ASourceThatIsShorterThanAnnouncedBreaksTheConnection) {
  start();
  out_->size = 5;
  RawClient client = connect();
  client.send("GET /out HTTP/1.1\r\nHost: x\r\n\r\n");
  run_until([&] { return out_->waiting(); });
  out_->give("abc");
  out_->give("");
  wait_closed(client);
  EXPECT_TRUE(client.reset());
}

TEST_F(ServerStreamTest, PullsNoFasterThanTheClientReads) {
  start();
  RawClient client = connect(4096);
  client.send("GET /out HTTP/1.1\r\nHost: x\r\n\r\n");
  int given = 0;
  for (int quiet = 0; quiet < 20;) {
    settle();
    if (out_->waiting()) {
      out_->give(std::string(65'536, 'x'));
      ++given;
      quiet = 0;
    } else {
      ++quiet;
    }
    ASSERT_LT(given, 1000);
  }
  EXPECT_FALSE(out_->waiting());
  run_until([&] {
    client.poll();
    return out_->waiting();
  });
}

TEST_F(ServerStreamTest, AClientThatLeavesReleasesTheSource) {
  start();
  RawClient client = connect();
  client.send("GET /out HTTP/1.1\r\nHost: x\r\n\r\n");
  run_until([&] { return out_->waiting(); });
  client.close();
  run_until([&] { return server_->connections() == 0; });
  EXPECT_EQ(out_.use_count(), 1);
  out_->give("late");
}

TEST_F(ServerStreamTest, EchoesARequestBodyWhileItComes) {
  router_.add(
      "POST", "/echo",
      [](const auto& x) {
        Response response;
        response.body_source = x->request().body_source;
        x->reply(std::move(response));
      },
      BodyRule{.max_bytes = 1u << 30, .stream = true});
  start();
  RawClient client = connect();
  client.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  wait_for(client, "3\r\nabc\r\n");
  client.send("2\r\nde\r\n0\r\n\r\n");
  wait_for(client, "2\r\nde\r\n");
  wait_for(client, "0\r\n\r\n");
}

TEST_F(ServerStreamTest, ASourceInMemoryOfManyChunksDoesNotStarveOthers) {
  router_.add("GET", "/memory", [](const auto& x) {
    Response response;
    response.body_source = string_source(std::string(32u << 20, 'm'));
    x->reply(std::move(response));
  });
  start();
  RawClient reader = connect();
  RawClient other = connect();
  reader.send("GET /memory HTTP/1.1\r\nHost: x\r\n\r\n");
  other.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  wait_for(other, "hi");
  std::size_t got = 0;
  run_until([&] {
    reader.poll();
    got += reader.received().size();
    reader.forget();
    return got > (32u << 20);
  });
}

}  // namespace
}  // namespace berth::http::test
