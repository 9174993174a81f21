#include "berth/http/server.h"

#include "berth/base/json.h"
#include "tests/unit/http/http_fixture.h"

namespace berth::http::test {
namespace {
using namespace std::chrono_literals;

class ServerTest : public HttpTest {
 protected:
  ServerTest() {
    router_.add("GET", "/hello", [](const auto& x) { x->reply(Response::text(200, "hi")); });
    router_.add("POST", "/echo",
                [](const auto& x) { x->reply(Response::text(200, x->request().body)); });
    router_.add("GET", "/hold", [this](const auto& x) { held_.push_back(x); });
    router_.add("GET", "/big",
                [](const auto& x) { x->reply(Response::text(200, std::string(8u << 20, 'b'))); });
  }
  std::vector<std::shared_ptr<Exchange>> held_;
};

TEST_F(ServerTest, AnswersFromInsideTheHandler) {
  start();
  RawClient client = connect();
  client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  wait_for(client, "hi");
  EXPECT_TRUE(client.saw("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(client.saw("Content-Length: 2\r\n"));
  EXPECT_TRUE(client.saw("Date: "));
  EXPECT_FALSE(client.closed());
}

TEST_F(ServerTest, AnswersLater) {
  start();
  RawClient client = connect();
  client.send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
  run_until([&] { return !held_.empty(); });
  held_[0]->reply_json(202, "{}");
  EXPECT_TRUE(held_[0]->answered());
  held_[0]->reply(Response::text(200, "second"));
  wait_for(client, "{}");
  EXPECT_FALSE(client.saw("second"));
  EXPECT_EQ(held_[0]->peer().substr(0, 10), "127.0.0.1:");
}

TEST_F(ServerTest, AnExchangeDroppedUnansweredGives500) {
  start();
  RawClient client = connect();
  client.send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
  run_until([&] { return !held_.empty(); });
  held_.clear();
  wait_for(client, "Unanswered");
  EXPECT_TRUE(client.saw("HTTP/1.1 500 "));
}

TEST_F(ServerTest, AHandlerThatThrowsGives500AndHarmsNobodyElse) {
  router_.add("GET", "/throw", [](const auto&) { throw std::runtime_error("oops"); });
  start();
  RawClient other = connect();
  EXPECT_TRUE(answer_to("GET /throw HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 500 "));
  other.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  wait_for(other, "hi");
}

TEST_F(ServerTest, ReadsABodyThatComesInPieces) {
  start();
  RawClient client = connect();
  for (const char* piece :
       {"POST /ec", "ho HTTP/1.1\r\nHo", "st: x\r\nContent-Length: 5\r", "\n\r", "\nab", "cde"}) {
    client.send(piece);
    settle();
  }
  wait_for(client, "abcde");
}

TEST_F(ServerTest, ReadsAChunkedBodyByteByByte) {
  start();
  RawClient client = connect();
  for (const char c :
       std::string("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: t\r\n\r\n"
                   "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")) {
    client.send({&c, 1});
    settle();
  }
  wait_for(client, "hi");
  EXPECT_TRUE(client.saw("abcde"));
}

TEST_F(ServerTest, ReadsAnEmptyChunkedBodyByteByByte) {
  start();
  RawClient client = connect();
  for (const char c : std::string(
           "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")) {
    client.send({&c, 1});
    settle();
  }
  wait_for(client, "HTTP/1.1 200 OK");
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrder) {
  start();
  RawClient client = connect();
  std::string all = "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n";
  for (int i = 0; i < 50; ++i) {
    all += "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n<" +
           std::to_string(100 + i) + ">";
  }
  client.send(all);
  run_until([&] { return !held_.empty(); });
  settle();
  client.poll();
  EXPECT_EQ(client.received(), "");
  held_[0]->reply(Response::text(200, "first"));
  wait_for(client, "<149>");
  EXPECT_LT(client.received().find("first"), client.received().find("<100>"));
  for (int i = 1; i < 50; ++i) {
    EXPECT_LT(client.received().find("<" + std::to_string(99 + i) + ">"),
              client.received().find("<" + std::to_string(100 + i) + ">"));
  }
}

TEST_F(ServerTest, AnswersHeadWithTheLengthAndNoBody) {
  start();
  RawClient client = connect();
  client.send("HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\nGET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  wait_for(client, "hi");
  EXPECT_EQ(client.count("Content-Length: 2"), 2);
  EXPECT_EQ(client.count("hi"), 1);
}

TEST_F(ServerTest, ClosesWhenTheClientAsksForIt) {
  start();
  RawClient client = connect();
  client.send("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  wait_closed(client);
  EXPECT_TRUE(client.saw("Connection: close"));
  EXPECT_TRUE(client.saw("hi"));
}

TEST_F(ServerTest, AnOldClientIsClosedUnlessItAsksToStay) {
  start();
  RawClient old = connect();
  old.send("GET /hello HTTP/1.0\r\n\r\n");
  wait_closed(old);
  EXPECT_TRUE(old.saw("hi"));
  RawClient stays = connect();
  stays.send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  wait_for(stays, "hi");
  EXPECT_TRUE(stays.saw("Connection: keep-alive"));
  settle();
  stays.poll();
  EXPECT_FALSE(stays.closed());
}

TEST_F(ServerTest, AnswersAClientThatOnlyShutDownItsSendingSide) {
  start();
  EXPECT_TRUE(answer_to("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n").ends_with("hi"));
}

TEST_F(ServerTest, UnknownPathAndMethodAreToldApart) {
  start();
  RawClient client = connect();
  client.send("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n");
  wait_for(client, "NotFound");
  client.send("DELETE /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  wait_for(client, "MethodNotAllowed");
  EXPECT_TRUE(client.saw("HTTP/1.1 405 "));
  EXPECT_TRUE(client.saw("Allow: GET, HEAD\r\n"));
  client.send(
      "POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
      "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  wait_for(client, "hi");
}

TEST_F(ServerTest, TheFilterAnswersFirst) {
  ServerOptions options;
  options.address = "127.0.0.1:0";
  options.filter = [](const Request& request, const std::string&) -> std::optional<Response> {
    if (request.headers.get("Host") == "evil") {
      return Response::text(403, "no");
    }
    return std::nullopt;
  };
  start(std::move(options));
  EXPECT_TRUE(answer_to("GET /hello HTTP/1.1\r\nHost: evil\r\n\r\n").starts_with("HTTP/1.1 403 "));
  EXPECT_TRUE(answer_to("GET /hello HTTP/1.1\r\nHost: good\r\n\r\n").starts_with("HTTP/1.1 200 "));
}

TEST_F(ServerTest, AcceptsTheAbsoluteFormOfAProxy) {
  start();
  EXPECT_TRUE(answer_to("GET http://x:1/hello HTTP/1.1\r\nHost: x\r\n\r\n").ends_with("hi"));
}

TEST_F(ServerTest, AsksForTheBodyWhenTheClientWaitsForThat) {
  start();
  RawClient client = connect();
  client.send(
      "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  wait_for(client, "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ok");
  wait_for(client, "HTTP/1.1 200 OK");
}

TEST_F(ServerTest, DoesNotAskForABodyThatItRefuses) {
  start();
  RawClient client = connect();
  client.send(
      "POST /nowhere HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  wait_for(client, "HTTP/1.1 404");
  EXPECT_FALSE(client.saw("100 Continue"));
}

TEST_F(ServerTest, TellsTheHandlerThatItsClientHasGone) {
  start();
  RawClient client = connect();
  client.send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
  run_until([&] { return !held_.empty(); });
  int gone = 0;
  held_[0]->on_client_gone([&] { ++gone; });
  client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");  // Pipelined: does not hide the end.
  settle();
  client.close();
  run_until([&] { return gone > 0; });
  held_[0]->reply(Response::text(200, "too late"));
  settle();
  EXPECT_EQ(gone, 1);
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(ServerTest, TellsTheHandlerOfAReset) {
  start();
  RawClient client = connect();
  client.send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
  run_until([&] { return !held_.empty(); });
  bool gone = false;
  held_[0]->on_client_gone([&] { gone = true; });
  client.abort();
  run_until([&] { return gone; });
}

TEST_F(ServerTest, TellsAHandlerThatAsksAfterTheClientLeft) {
  start();
  RawClient client = connect();
  client.send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
  run_until([&] { return !held_.empty(); });
  client.close();
  settle();
  bool gone = false;
  held_[0]->on_client_gone([&] { gone = true; });
  EXPECT_FALSE(gone) << "ran inside the call that registers it";
  run_until([&] { return gone; });
}

TEST_F(ServerTest, AnAnsweredExchangeHearsNothingMore) {
  start();
  RawClient client = connect();
  client.send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
  run_until([&] { return !held_.empty(); });
  bool gone = false;
  held_[0]->on_client_gone([&] { gone = true; });
  held_[0]->reply(Response::text(200, "done"));
  wait_for(client, "done");
  client.close();
  run_until([&] { return server_->connections() == 0; });
  EXPECT_FALSE(gone);
}

TEST_F(ServerTest, RefusesToSendAHeaderThatWouldAddALine) {
  router_.add("GET", "/inject", [](const auto& x) {
    Response response = Response::text(200, "x");
    response.headers.add("X-Name", "a\r\nSet-Cookie: b");
    x->reply(std::move(response));
  });
  start();
  const std::string answer = answer_to("GET /inject HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 500 "));
  EXPECT_EQ(answer.find("Set-Cookie"), std::string::npos);
}

TEST_F(ServerTest, FramesTheAnswerItselfWhateverTheHandlerSays) {
  router_.add("GET", "/framed", [](const auto& x) {
    Response response = Response::text(200, "four");
    response.headers.add("Content-Length", "99");
    response.headers.add("Transfer-Encoding", "chunked");
    x->reply(std::move(response));
  });
  start();
  const std::string answer = answer_to("GET /framed HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(answer.find("Content-Length: 4\r\n"), std::string::npos);
  EXPECT_EQ(answer.find("99"), std::string::npos);
  EXPECT_EQ(answer.find("Transfer-Encoding"), std::string::npos);
}

TEST_F(ServerTest, WritesALargeAnswerAsFastAsTheClientReads) {
  start();
  RawClient client = connect(4096);
  client.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
  std::size_t got = 0;
  run_until([&] {
    client.poll(100'000);
    got += client.received().size();
    client.forget();
    return got > (8u << 20);
  });
}

TEST_F(ServerTest, DrainFinishesAnswersInProgressAndClosesTheRest) {
  start();
  RawClient idle = connect();
  RawClient busy = connect();
  busy.send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
  run_until([&] { return !held_.empty(); });
  int done = 0;
  server_->drain(60s, [&] { ++done; });
  wait_closed(idle);
  EXPECT_THROW(RawClient(server_->port()), std::runtime_error) << "still accepts";
  settle();
  EXPECT_EQ(done, 0);
  held_[0]->reply(Response::text(200, "last"));
  wait_closed(busy);
  EXPECT_TRUE(busy.saw("last"));
  EXPECT_TRUE(busy.saw("Connection: close"));
  run_until([&] { return done > 0; });
  settle();
  EXPECT_EQ(done, 1);
}

TEST_F(ServerTest, DrainCutsWhatIsLeftAfterItsGrace) {
  start();
  RawClient busy = connect();
  busy.send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
  run_until([&] { return !held_.empty(); });
  bool gone = false;
  held_[0]->on_client_gone([&] { gone = true; });
  bool done = false;
  server_->drain(20ms, [&] { done = true; });
  wait_closed(busy);
  run_until([&] { return done && gone; });
}

TEST_F(ServerTest, DestroyingTheServerLeavesHeldExchangesHarmless) {
  start();
  RawClient client = connect();
  client.send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
  run_until([&] { return !held_.empty(); });
  server_.reset();
  wait_closed(client);
  held_[0]->reply(Response::text(200, "nobody"));
  held_.clear();
  settle();
}

TEST_F(ServerTest, WhatIsAnsweredInOneRoundGoesOutBehindAllThatCouldBeRead) {
  std::vector<RawClient> clients;
  std::vector<bool> answered_before;
  router_.add("GET", "/look", [&](const auto& x) {
    x->reply(Response::text(200, "looked"));
    bool any = false;
    for (RawClient& client : clients) {
      client.poll();
      any = any || client.saw("looked");
    }
    answered_before.push_back(any);
  });
  start();
  clients.reserve(3);
  for (int i = 0; i < 3; ++i) {
    clients.push_back(connect());
  }
  for (RawClient& client : clients) {
    client.send("GET /look HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  for (RawClient& client : clients) {
    wait_for(client, "looked");
  }
  EXPECT_EQ(answered_before, std::vector<bool>(3, false));
}

TEST_F(ServerTest, AnAnswerThatWaitsForTheRoundIsSentWhenTheClientHasShutDownItsSide) {
  router_.add("GET", "/bye", [](const auto& x) {
    x->on_client_gone([] {});
    x->reply(Response::text(200, "bye"));
  });
  start();
  RawClient client = connect();
  client.send("GET /bye HTTP/1.1\r\nHost: x\r\n\r\n");
  client.shut_down_send();
  wait_closed(client);
  EXPECT_TRUE(client.saw("bye"));
}

TEST_F(ServerTest, AHandlerMayDestroyTheServer) {
  router_.add("POST", "/stop", [this](const auto& x) {
    x->reply(Response::text(200, "bye"));
    server_.reset();
  });
  start();
  RawClient client = connect();
  client.send("POST /stop HTTP/1.1\r\nHost: x\r\n\r\nGET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  wait_closed(client);
  EXPECT_TRUE(client.saw("bye"));
}

TEST_F(ServerTest, APortInUseIsAConflictThatNamesTheAddress) {
  start();
  ServerOptions options;
  options.address = server_->address();
  const auto second = serve(loop_, router_, options);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
  EXPECT_NE(second.error().message.find(server_->address()), std::string::npos);
}

TEST_F(ServerTest, ABadAddressNamesItself) {
  for (const char* address :
       {"", "nope", "a:b", "1.2.3.4:99999", "::1:80", "no.such.host.invalid:0"}) {
    ServerOptions options;
    options.address = address;
    const auto server = serve(loop_, router_, options);
    ASSERT_FALSE(server) << address;
    EXPECT_EQ(server.error().code, ErrorCode::kInvalidArgument) << server.error().text();
  }
}

TEST_F(ServerTest, ListensOnAllInterfacesForBothFamilies) {
  for (const char* address : {":0", "*:0", "[::]:0"}) {
    ServerOptions options;
    options.address = address;
    start(std::move(options));
    EXPECT_TRUE(answer_to("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n").ends_with("hi")) << address;
  }
}

TEST_F(ServerTest, ListensOnAName) {
  ServerOptions options;
  options.address = "localhost:0";
  start(std::move(options));
  EXPECT_TRUE(answer_to("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n").ends_with("hi"));
}

}  // namespace
}  // namespace berth::http::test
