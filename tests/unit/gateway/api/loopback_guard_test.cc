#include "gateway/api/loopback_guard.h"

#include <gtest/gtest.h>

namespace berth::gateway {
namespace {

http::Request from(const std::string& host) {
  http::Request request;
  request.method = "GET";
  request.target = "/v1/pools";
  request.headers.add("Host", host);
  return request;
}

TEST(LoopbackGuard, PassesOurOwnNames) {
  LoopbackGuard guard;
  guard.set_port(7070);
  for (const char* host :
       {"127.0.0.1:7070", "localhost:7070", "LOCALHOST", "[::1]:7070", "[::1]", "127.9.8.7:7070"}) {
    EXPECT_FALSE(guard.check(from(host))) << host;
  }
}

TEST(LoopbackGuard, RefusesNamesThatAPageMayHaveRebound) {
  LoopbackGuard guard;
  guard.set_port(7070);
  for (const char* host : {"evil.example", "evil.example:7070", "10.0.0.1:7070", "localhost.evil",
                           "127.0.0.1.evil:7070", "", "[::1", "[fe80::1]:7070", "127.1:7070"}) {
    const auto refusal = guard.check(from(host));
    ASSERT_TRUE(refusal) << host;
    EXPECT_EQ(refusal->status, 403) << host;
  }
}

TEST(LoopbackGuard, RefusesAnotherPort) {
  LoopbackGuard guard;
  guard.set_port(7070);
  EXPECT_TRUE(guard.check(from("127.0.0.1:8080")));
  EXPECT_TRUE(guard.check(from("[::1]:8080")));
}

TEST(LoopbackGuard, RefusesWhatAWebPageSends) {
  LoopbackGuard guard;
  http::Request request = from("127.0.0.1");
  request.headers.add("Origin", "http://127.0.0.1");
  ASSERT_TRUE(guard.check(request));
  EXPECT_EQ(guard.check(request)->status, 403);
}

TEST(LoopbackGuard, PassesTheLivePagesOwnModulesAndNoMore) {
  LoopbackGuard guard;
  guard.set_port(7070);
  const auto passes = [&guard](const char* target, const char* host, const char* origin) {
    http::Request request = from(host);
    request.target = target;
    request.headers.add("Origin", origin);
    return !guard.check(request);
  };
  EXPECT_TRUE(passes("/ui/app.js", "127.0.0.1:7070", "http://127.0.0.1:7070"));
  EXPECT_TRUE(passes("/ui/app.js", "[::1]:7070", "http://[::1]:7070"));
  EXPECT_FALSE(passes("/v1/pools", "127.0.0.1:7070", "http://127.0.0.1:7070"));
  for (const char* origin :
       {"http://evil.example", "http://127.0.0.1:8080", "http://localhost:7070",
        "https://127.0.0.1:7070", "http://127.0.0.1:7070.evil.example", "null", "",
        "127.0.0.1:7070", "http://"}) {
    EXPECT_FALSE(passes("/ui/events", "127.0.0.1:7070", origin)) << origin;
  }
  EXPECT_FALSE(passes("/ui/events", "evil.example:7070", "http://evil.example:7070"))
      << "a name that was rebound";
}

}  // namespace
}  // namespace berth::gateway
