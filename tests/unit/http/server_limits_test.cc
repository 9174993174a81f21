#include "berth/http/server.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "berth/base/open_files.h"
#include "tests/unit/http/http_fixture.h"

namespace berth::http::test {
namespace {
using namespace std::chrono_literals;

class ServerLimitsTest : public HttpTest {
 protected:
  ServerLimitsTest() {
    router_.add("GET", "/hello", [](const auto& x) { x->reply(Response::text(200, "hi")); });
    router_.add("GET", "/hold", [this](const auto& x) { held_.push_back(x); });
    router_.add(
        "POST", "/small",
        [this](const auto& x) {
          ++handled_;
          x->reply(Response::text(200, x->request().body));
        },
        BodyRule{.max_bytes = 10});
    router_.add("GET", "/big",
                [](const auto& x) { x->reply(Response::text(200, std::string(8u << 20, 'b'))); });
  }
  static int option(int fd, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    ::getsockopt(fd, level, name, &value, &size);
    return value;
  }
  /// Of this process, which is client and server.
  static int socket_with_peer(std::uint16_t port) {
    for (int fd = 3; fd < 1000; ++fd) {
      sockaddr_in peer{};
      socklen_t size = sizeof peer;
      if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0 &&
          peer.sin_family == AF_INET && ntohs(peer.sin_port) == port) {
        return fd;
      }
    }
    return -1;
  }

  std::vector<std::shared_ptr<Exchange>> held_;
  int handled_ = 0;
};

TEST_F(ServerLimitsTest, RefusesMalformedRequestsAndLivesOn) {
  start();
  const std::string post = "POST /small HTTP/1.1\r\nHost: x\r\n";
  const std::pair<std::string, int> bad[] = {
      {"GARBAGE\r\n\r\n", 400},
      {"GET /hello\r\n\r\n", 400},
      {"GET /hello HTTP/3.0\r\nHost: x\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"GET hello HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"CONNECT a:80 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\nHost: x\n\n", 400},
      {"GET /hello HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\r\nHost: x\r\nA: b\r\n folded\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\r\nHost: x\r\nA: b\x01\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\r\nHost: x\r\nA\r\n\r\n", 400},
      {post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {post + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400},
      {post + "Content-Length: -1\r\n\r\n", 400},
      {post + "Content-Length: +3\r\n\r\nabc", 400},
      {post + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400},
      {post + "Content-Length: 99999999999999999999\r\n\r\n", 400},
      {post + "Content-Length: 3x\r\n\r\nabc", 400},
      {post + "Transfer-Encoding: gzip\r\n\r\n", 501},
      {post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
      {post + "Transfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n", 400},
      {post + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", 400},
      {post + "Transfer-Encoding: chunked\r\n\r\n2\r\nabX\r\n0\r\n\r\n", 400},
      {"POST /small HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {post + "Expect: miracles\r\nContent-Length: 1\r\n\r\na", 417},
  };
  for (const auto& [bytes, status] : bad) {
    const std::string answer = answer_to(bytes);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + std::to_string(status)))
        << bytes << "\n=> " << answer;
    EXPECT_NE(answer.find("\"code\""), std::string::npos) << bytes;
  }
  EXPECT_EQ(handled_, 0);
  EXPECT_TRUE(answer_to("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n").ends_with("hi"));
}

TEST_F(ServerLimitsTest, AMalformedRequestClosesItsConnection) {
  start();
  RawClient client = connect();
  client.send("GET /hello HTTP/1.1\r\nBad Header: x\r\n\r\nGET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  wait_closed(client);
  EXPECT_TRUE(client.saw("HTTP/1.1 400"));
  EXPECT_EQ(client.count("HTTP/1.1 "), 1);
}

TEST_F(ServerLimitsTest, AHeaderThatIsTooLargeIs431WhetherItComesAtOnceOrSlowly) {
  ServerLimits limits;
  limits.max_header_bytes = 2000;
  start(limits);
  const std::string head = "GET /hello HTTP/1.1\r\nHost: x\r\n";
  EXPECT_TRUE(
      answer_to(head + "A: " + std::string(3000, 'a') + "\r\n\r\n").starts_with("HTTP/1.1 431"));
  RawClient slow = connect();
  slow.send(head);
  run_until([&] {
    slow.send("A: " + std::string(90, 'a') + "\r\n");
    slow.poll();
    return slow.closed();
  });
  EXPECT_TRUE(slow.saw("HTTP/1.1 431"));
}

TEST_F(ServerLimitsTest, TooManyFieldsAre431) {
  start();
  std::string head = "GET /hello HTTP/1.1\r\nHost: x\r\n";
  for (int i = 0; i < 300; ++i) {
    head += "A: b\r\n";
  }
  EXPECT_TRUE(answer_to(head + "\r\n").starts_with("HTTP/1.1 431"));
}

TEST_F(ServerLimitsTest, AnAnnouncedBodyThatIsTooLargeIs413BeforeItIsRead) {
  start();
  RawClient client = connect();
  client.send("POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
  wait_for(client, "HTTP/1.1 413");
  EXPECT_TRUE(client.saw("TooLarge"));
  EXPECT_TRUE(client.saw("Connection: close"));
  EXPECT_EQ(handled_, 0);
}

TEST_F(ServerLimitsTest, A413ReachesAClientThatIsStillSending) {
  start();
  RawClient client = connect();
  client.send("POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\n");
  const std::string block(100'000, 'x');
  std::size_t sent = 0;
  run_until([&] {
    if (sent < 8'000'000) {
      sent += client.send(
          std::string_view(block).substr(0, std::min<std::size_t>(block.size(), 8'000'000 - sent)));
    } else {
      client.shut_down_send();
      client.poll();
    }
    return client.closed();
  });
  EXPECT_TRUE(client.saw("HTTP/1.1 413"));
  EXPECT_FALSE(client.reset());
}

TEST_F(ServerLimitsTest, AChunkedBodyIsCountedWhileItComes) {
  start();
  EXPECT_TRUE(answer_to("POST /small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "6\r\nabcdef\r\n6\r\nabcdef\r\n0\r\n\r\n")
                  .starts_with("HTTP/1.1 413"));
  EXPECT_TRUE(answer_to("POST /small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "6\r\nabcdef\r\n4\r\nghij\r\n0\r\n\r\n")
                  .ends_with("abcdefghij"));
}

TEST_F(ServerLimitsTest, AnEndlessChunkHeadIsRefused) {
  start();
  RawClient client = connect();
  client.send("POST /small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;");
  run_until([&] {
    client.send(std::string(500, 'e'));
    client.poll();
    return client.saw("HTTP/1.1 400");
  });
}

TEST_F(ServerLimitsTest, ASlowHeadIs408AndDribblingDoesNotHelp) {
  ServerLimits limits;
  limits.header_timeout = 60ms;
  start(limits);
  RawClient client = connect();
  client.send("GET /hello HTTP/1.1\r\n");
  int fields = 0;
  run_until([&] {
    if (++fields < 200) {
      client.send("A: b\r\n");
    }
    client.poll();
    return client.closed() || client.saw("408");
  });
  EXPECT_TRUE(client.saw("HTTP/1.1 408"));
}

TEST_F(ServerLimitsTest, ABodyThatStopsIs408) {
  ServerLimits limits;
  limits.body_idle_timeout = 40ms;
  start(limits);
  RawClient client = connect();
  client.send("POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab");
  wait_for(client, "HTTP/1.1 408");
  EXPECT_EQ(handled_, 0);
}

TEST_F(ServerLimitsTest, AnIdleConnectionIsClosedWithoutAWord) {
  ServerLimits limits;
  limits.keep_alive_timeout = 40ms;
  start(limits);
  RawClient silent = connect();
  RawClient used = connect();
  used.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  wait_closed(used);
  EXPECT_EQ(used.count("HTTP/1.1"), 1);
  wait_closed(silent);
  EXPECT_EQ(silent.received(), "");
}

TEST_F(ServerLimitsTest, APeerThatVanishedIsLookedForAndItsHandlerTold) {
  start();
  RawClient client = connect();
  client.send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
  run_until([&] { return !held_.empty(); });
  bool gone = false;
  held_[0]->on_client_gone([&] { gone = true; });
  // The server's end of it: what it does about a silent peer is the kernel's business.
  const int fd = socket_with_peer(client.local_port());
  ASSERT_GE(fd, 0);
  EXPECT_EQ(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
  const int silence = option(fd, IPPROTO_TCP, TCP_KEEPIDLE);
  EXPECT_LE(silence + option(fd, IPPROTO_TCP, TCP_KEEPINTVL) * option(fd, IPPROTO_TCP, TCP_KEEPCNT),
            60);
  if (client.vanish()) {
    const int second = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &second, sizeof second);
    run_until([&] { return gone; });
    run_until([&] { return server_->connections() == 0; });
  }
}

TEST_F(ServerLimitsTest, AHandlerMayTakeLongerThanAllTimeouts) {
  ServerLimits limits;
  limits.keep_alive_timeout = limits.header_timeout = limits.body_idle_timeout =
      limits.write_idle_timeout = 20ms;
  start(limits);
  RawClient client = connect();
  client.send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
  run_until([&] { return !held_.empty(); });
  bool later = false;
  const Cancel timer = loop_.call_after(150ms, [&] { later = true; });
  run_until([&] { return later; });
  held_[0]->reply(Response::text(200, "at last"));
  wait_for(client, "at last");
}

TEST_F(ServerLimitsTest, AClientThatDoesNotReadItsAnswerIsCut) {
  ServerLimits limits;
  limits.write_idle_timeout = 50ms;
  start(limits);
  RawClient client = connect(4096);
  client.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
  run_until([&] { return server_->connections() == 0; });
}

TEST_F(ServerLimitsTest, AtTheLimitTheOldestIdleConnectionMakesRoom) {
  ServerLimits limits;
  limits.max_connections = 2;
  start(limits);
  RawClient oldest = connect();
  RawClient second = connect();
  RawClient third = connect();
  wait_closed(oldest);
  second.poll();
  EXPECT_FALSE(second.closed());
  third.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  wait_for(third, "hi");
}

TEST_F(ServerLimitsTest, WithAllConnectionsBusyANewOneIsTurnedAway) {
  ServerLimits limits;
  limits.max_connections = 1;
  start(limits);
  RawClient busy = connect();
  busy.send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
  run_until([&] { return !held_.empty(); });
  RawClient extra = connect();
  wait_closed(extra);
  EXPECT_TRUE(extra.saw("HTTP/1.1 503"));
  held_[0]->reply(Response::text(200, "still here"));
  wait_for(busy, "still here");
}

TEST_F(ServerLimitsTest, WithoutFreeDescriptorsItWaitsInsteadOfSpinning) {
  start();
  RawClient client(server_->port());
  client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  const int lowest_free = ::dup(0);
  ASSERT_GE(lowest_free, 0);
  ::close(lowest_free);
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(lowest_free);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  std::size_t callbacks = 0;
  for (int i = 0; i < 1000; ++i) {
    loop_.context().restart();
    callbacks += loop_.context().poll();
  }
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_LT(callbacks, 100u);
  EXPECT_EQ(server_->connections(), 0u);
  wait_for(client, "hi");
}

TEST_F(ServerLimitsTest, ConnectionsTakeAtMostHalfOfTheFilesThatTheProcessMayOpen) {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  rlimit few = before;
  few.rlim_cur = 64;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  start();
  ::setrlimit(RLIMIT_NOFILE, &before);
  std::vector<RawClient> idle;
  for (int i = 0; i < 40; ++i) {
    idle.push_back(connect());
  }
  idle.back().send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  wait_for(idle.back(), "hi");
  EXPECT_EQ(server_->connections(), 32u);
}

TEST_F(ServerLimitsTest, TwoThousandIdleConnectionsHoldNobodyUp) {
  raise_open_file_limit();
  start();
  std::vector<RawClient> idle;
  idle.reserve(2000);
  for (int i = 0; i < 2000; ++i) {
    idle.emplace_back(server_->port());
    if (i % 100 == 99) {
      settle();
    }
  }
  run_until([&] { return server_->connections() == 2000; });
  idle[1000].send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  wait_for(idle[1000], "hi");
  idle.clear();
  run_until([&] { return server_->connections() == 0; });
}

}  // namespace
}  // namespace berth::http::test
