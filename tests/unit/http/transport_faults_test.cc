#include "berth/http/transport.h"
#include "tests/unit/http/http_fixture.h"

namespace berth::http::test {
namespace {
using namespace std::chrono_literals;

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// The Beast transport against a server written by hand, byte by byte.
class TransportFaultsTest : public HttpTest {
 protected:
  void send(Request request, CallOptions options = {}) {
    answer_.reset();
    handle_ = transport_->send(peer_.origin(), std::move(request), options,
                               [this](Result<Response> r) { answer_ = std::move(r); });
  }
  RawClient accept() {
    int fd = -1;
    run_until([&] { return (fd = peer_.accept()) >= 0; }, "a connection");
    return RawClient(fd);
  }
  const Result<Response>& answer() {
    run_until([&] { return answer_.has_value(); }, "the answer");
    return *answer_;
  }
  /// A connection on which one request was answered and which is kept.
  RawClient warm_up() {
    send(make_request("GET", "/warm"));
    RawClient connection = accept();
    wait_for(connection, "\r\n\r\n");
    connection.send(kOk);
    EXPECT_TRUE(answer());
    connection.forget();
    return connection;
  }

  RawServer peer_;
  std::unique_ptr<Transport> transport_ = make_beast_transport(loop_);
  Cancel handle_;
  std::optional<Result<Response>> answer_;
};

TEST_F(TransportFaultsTest, WritesAPlainRequest) {
  Request request = make_request("POST", "/a?b=c", "xyz");
  request.headers.add("Content-Length", "999");
  request.headers.add("Connection", "close");
  request.headers.add("X-Own", "1");
  send(std::move(request));
  RawClient connection = accept();
  wait_for(connection, "xyz");
  EXPECT_EQ(connection.received(),
            "POST /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(peer_.port()) +
                "\r\nUser-Agent: berth\r\nX-Own: 1\r\nContent-Length: 3\r\n\r\nxyz");
}

TEST_F(TransportFaultsTest, NobodyListeningIsConnectFailed) {
  peer_.close();
  send(make_request("POST", "/"));
  ASSERT_FALSE(answer());
  EXPECT_EQ(answer().error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(answer().error().reason, "ConnectFailed");
}

TEST_F(TransportFaultsTest, AnUnknownNameIsConnectFailed) {
  handle_ = transport_->send("http://no.such.host.invalid:80", make_request("GET", "/"), {},
                             [this](Result<Response> r) { answer_ = std::move(r); });
  ASSERT_FALSE(answer());
  EXPECT_EQ(answer().error().reason, "ConnectFailed");
}

TEST_F(TransportFaultsTest, AConnectionLostBeforeAndWithinTheAnswer) {
  for (const std::string_view part :
       {"", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"}) {
    send(make_request("GET", "/"));
    RawClient connection = accept();
    wait_for(connection, "\r\n\r\n");
    connection.send(part);
    connection.close();
    ASSERT_FALSE(answer()) << part;
    EXPECT_EQ(answer().error().reason, "ConnectionLost") << part;
  }
}

TEST_F(TransportFaultsTest, ABodyUpToTheCloseIsWhole) {
  send(make_request("GET", "/"));
  RawClient connection = accept();
  wait_for(connection, "\r\n\r\n");
  connection.send("HTTP/1.0 200 OK\r\n\r\nall of it");
  connection.close();
  ASSERT_TRUE(answer());
  EXPECT_EQ(answer()->body, "all of it");
}

TEST_F(TransportFaultsTest, NonsenseIsALostConnection) {
  for (const std::string_view bad :
       {"SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"}) {
    send(make_request("GET", "/"));
    RawClient connection = accept();
    connection.send(bad);
    ASSERT_FALSE(answer()) << bad;
    EXPECT_EQ(answer().error().reason, "ConnectionLost");
  }
}

TEST_F(TransportFaultsTest, AnEndlessHeaderIsRefused) {
  send(make_request("GET", "/"));
  RawClient connection = accept();
  connection.send("HTTP/1.1 200 OK\r\n");
  run_until([&] {
    connection.send("A: " + std::string(1000, 'a') + "\r\n");
    return answer_.has_value();
  });
  EXPECT_FALSE(answer());
}

TEST_F(TransportFaultsTest, SkipsInterimAnswers) {
  send(make_request("GET", "/"));
  RawClient connection = accept();
  connection.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n");
  connection.send(kOk);
  ASSERT_TRUE(answer());
  EXPECT_EQ(answer()->status, 200);
  EXPECT_EQ(answer()->body, "ok");
}

TEST_F(TransportFaultsTest, AConnectionThatTheServerClosedMeanwhileIsNotUsed) {
  warm_up();  // And closed by its destructor.
  send(make_request("POST", "/create", "body"));
  RawClient fresh = accept();
  wait_for(fresh, "body");
  fresh.send(kOk);
  EXPECT_TRUE(answer());
}

TEST_F(TransportFaultsTest, AReadIsSentOnceMoreWhenAKeptConnectionTurnsOutDead) {
  for (const char* method : {"GET", "HEAD", "DELETE"}) {
    RawClient old = warm_up();
    send(make_request(method, "/again"));
    wait_for(old, "/again");
    old.close();
    RawClient fresh = accept();
    wait_for(fresh, "/again");
    fresh.send(kOk);
    EXPECT_TRUE(answer()) << method;
    fresh.close();
  }
}

TEST_F(TransportFaultsTest, ASecondLossIsTold) {
  RawClient old = warm_up();
  send(make_request("GET", "/again"));
  wait_for(old, "/again");
  old.close();
  RawClient fresh = accept();
  wait_for(fresh, "/again");
  fresh.close();
  ASSERT_FALSE(answer());
  EXPECT_EQ(answer().error().reason, "ConnectionLost");
}

TEST_F(TransportFaultsTest, AWriteIsNotSentAgain) {
  for (const auto& [method, body] : {std::pair("POST", ""), std::pair("POST", "x"),
                                     std::pair("PUT", "x"), std::pair("DELETE", "x")}) {
    RawClient old = warm_up();
    send(make_request(method, "/again", body));
    wait_for(old, std::string("/again"));
    old.close();
    ASSERT_FALSE(answer()) << method;
    EXPECT_EQ(answer().error().reason, "ConnectionLost");
    EXPECT_EQ(peer_.accept(), -1);
  }
}

TEST_F(TransportFaultsTest, ALossWithinTheAnswerIsNotRetried) {
  RawClient old = warm_up();
  send(make_request("GET", "/again"));
  wait_for(old, "/again");
  old.send("HTTP/1.1 200 OK\r\n");
  old.close();
  ASSERT_FALSE(answer());
  EXPECT_EQ(answer().error().reason, "ConnectionLost");
}

TEST_F(TransportFaultsTest, BytesAfterTheAnswerSpoilTheConnection) {
  send(make_request("GET", "/"));
  RawClient connection = accept();
  wait_for(connection, "\r\n\r\n");
  connection.send(std::string(kOk) + "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
  EXPECT_EQ(answer()->body, "ok");
  send(make_request("GET", "/second"));
  RawClient fresh = accept();
  wait_for(fresh, "/second");
  fresh.send(kOk);
  EXPECT_EQ(answer()->body, "ok");
}

TEST_F(TransportFaultsTest, LateBytesOnAnIdleConnectionSpoilItToo) {
  RawClient old = warm_up();
  old.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
  send(make_request("GET", "/second"));
  RawClient fresh = accept();
  fresh.send(kOk);
  EXPECT_EQ(answer()->body, "ok");
}

TEST_F(TransportFaultsTest, AnAnswerWithConnectionCloseIsTheLastOfItsConnection) {
  send(make_request("GET", "/"));
  RawClient connection = accept();
  connection.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(answer());
  wait_closed(connection);
}

TEST_F(TransportFaultsTest, AnAnswerThatCameBeforeAResetIsDelivered) {
  Request request = make_request("PUT", "/in");
  request.body_source = string_source(std::string(50u << 20, 'f'));
  send(std::move(request));
  RawClient connection = accept();
  wait_for(connection, "PUT /in");
  connection.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
  connection.close();  // With unread bytes: a reset follows the answer.
  ASSERT_TRUE(answer()) << answer().error().text();
  EXPECT_EQ(answer()->status, 413);
  EXPECT_EQ(answer()->body, "no");
}

TEST_F(TransportFaultsTest, AStreamCutShortSaysSo) {
  CallOptions options;
  options.stream = true;
  send(make_request("GET", "/"), options);
  RawClient connection = accept();
  wait_for(connection, "\r\n\r\n");
  connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  ASSERT_TRUE(answer());
  BodySource& source = *answer()->body_source;
  EXPECT_EQ(next_chunk(source), "abc");
  connection.close();
  const auto end = next_chunk(source);
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().reason, "ConnectionLost");
}

TEST_F(TransportFaultsTest, AStreamUpToTheCloseEndsCleanly) {
  CallOptions options;
  options.stream = true;
  send(make_request("GET", "/"), options);
  RawClient connection = accept();
  wait_for(connection, "\r\n\r\n");
  connection.send("HTTP/1.1 200 OK\r\n\r\nabc");
  ASSERT_TRUE(answer());
  EXPECT_EQ(next_chunk(*answer()->body_source), "abc");
  connection.close();
  EXPECT_EQ(next_chunk(*answer()->body_source), "");
}

TEST_F(TransportFaultsTest, ASilentServerIsGivenUpInTime) {
  CallOptions options;
  options.deadline = 30ms;
  send(make_request("POST", "/", "x"), options);
  RawClient connection = accept();
  ASSERT_FALSE(answer());
  EXPECT_EQ(answer().error().code, ErrorCode::kDeadlineExceeded);
  wait_closed(connection);
}

}  // namespace
}  // namespace berth::http::test
