#include <future>

#include "tests/unit/http_cpprest/fixture.h"

namespace berth::http {
namespace {

using ::testing::HasSubstr;

constexpr const char* kHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

using CpprestStreamTest = CpprestTest;

TEST_F(CpprestStreamTest, HandsOverEachChunkAsItComes) {
  std::promise<void> first_seen;
  RawServer server([&](Peer& peer) {
    peer.read_request();
    peer.write(kHead);
    peer.write("6\r\nfirst\n\r\n");
    first_seen.get_future().wait();
    peer.write("7\r\nsecond\n\r\n0\r\n\r\n");
    peer.wait_for_close();
  });
  const auto response = get(server.origin(), "/watch", streaming());
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->status, 200);
  ASSERT_NE(response->body_source, nullptr);
  EXPECT_EQ(next(response->body_source).value(), "first\n");
  first_seen.set_value();
  EXPECT_EQ(next(response->body_source).value(), "second\n");
  EXPECT_EQ(next(response->body_source).value(), "");
  EXPECT_EQ(next(response->body_source).value(), "");
}

TEST_F(CpprestStreamTest, WhatCameBeforeItWasPulledIsKept) {
  RawServer server([&](Peer& peer) {
    peer.read_request();
    peer.write(kHead);
    for (int i = 0; i < 1000; ++i) {
      peer.write("4\r\n" + std::to_string(1000 + i) + "\r\n");
    }
    peer.write("0\r\n\r\n");
    peer.wait_for_close();
  });
  const auto response = get(server.origin(), "/", streaming());
  ASSERT_TRUE(response);
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    expected += std::to_string(1000 + i);
  }
  std::optional<Result<std::string>> all;
  read_all(response->body_source, 1u << 20, [&](Result<std::string> body) { all = body; });
  run_until([&] { return all.has_value(); });
  EXPECT_EQ(all->value(), expected);
}

TEST_F(CpprestStreamTest, ABrokenStreamEndsWithAnErrorAfterItsChunks) {
  RawServer server([&](Peer& peer) {
    peer.read_request();
    peer.write(kHead);
    peer.write("3\r\nabc\r\n");
  });
  const auto response = get(server.origin(), "/", streaming());
  ASSERT_TRUE(response);
  EXPECT_EQ(next(response->body_source).value(), "abc");
  const auto end = next(response->body_source);
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().reason, "ConnectionLost");
  EXPECT_FALSE(next(response->body_source));
}

TEST_F(CpprestStreamTest, AnErrorAnswerIsAStreamToo) {
  RawServer server([&](Peer& peer) {
    peer.read_request();
    peer.write("HTTP/1.1 410 Gone\r\nContent-Length: 4\r\n\r\ngone");
    peer.wait_for_close();
  });
  const auto response = get(server.origin(), "/", streaming());
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 410);
  EXPECT_EQ(next(response->body_source).value(), "gone");
  EXPECT_EQ(next(response->body_source).value(), "");
}

TEST_F(CpprestStreamTest, ARefusedConnectionIsAnErrorWithoutAStream) {
  const auto response = get("http://127.0.0.1:" + std::to_string(unused_port()), "/", streaming());
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().reason, "ConnectFailed");
}

TEST_F(CpprestStreamTest, TheDeadlineIsForTheHeadOnly) {
  std::promise<void> go_on;
  RawServer server([&](Peer& peer) {
    peer.read_request();
    peer.write(kHead);
    go_on.get_future().wait();
    peer.write("2\r\nok\r\n0\r\n\r\n");
    peer.wait_for_close();
  });
  CallOptions options = streaming();
  options.deadline = 500ms;
  const auto response = get(server.origin(), "/", options);
  ASSERT_TRUE(response) << response.error().text();
  bool later = false;
  const Cancel timer = loop_.call_after(600ms, [&] { later = true; });
  run_until([&] { return later; });
  go_on.set_value();
  EXPECT_EQ(next(response->body_source).value(), "ok");
}

TEST_F(CpprestStreamTest, ASilentStreamEndsAtItsIdleTimeout) {
  std::promise<void> hung_up;
  RawServer server([&](Peer& peer) {
    peer.read_request();
    peer.write(kHead);
    peer.write("2\r\nok\r\n");
    peer.wait_for_close();
    hung_up.set_value();
  });
  CallOptions options = streaming();
  options.idle_timeout = 50ms;
  const auto response = get(server.origin(), "/", options);
  ASSERT_TRUE(response);
  EXPECT_EQ(next(response->body_source).value(), "ok");
  const auto end = next(response->body_source);
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(hung_up.get_future().wait_for(20s), std::future_status::ready);
}

TEST_F(CpprestStreamTest, DroppingTheSourceHangsUpMidStream) {
  std::promise<void> hung_up;
  RawServer server([&](Peer& peer) {
    peer.read_request();
    peer.write(kHead);
    peer.write("2\r\nok\r\n");
    peer.wait_for_close();
    hung_up.set_value();
  });
  auto response = get(server.origin(), "/", streaming());
  ASSERT_TRUE(response);
  bool called_again = false;
  bool dropped = false;
  response->body_source->next([&](const Result<std::string>& chunk) {
    EXPECT_EQ(chunk.value(), "ok");
    response->body_source->next([&](const Result<std::string>&) { called_again = true; });
    response->body_source = nullptr;
    dropped = true;
  });
  run_until([&] { return dropped; });
  EXPECT_EQ(hung_up.get_future().wait_for(20s), std::future_status::ready);
  EXPECT_FALSE(called_again);
}

TEST_F(CpprestStreamTest, TheCallsHandleDoesNotEndAnAnsweredStream) {
  std::promise<void> go_on;
  RawServer server([&](Peer& peer) {
    peer.read_request();
    peer.write(kHead);
    go_on.get_future().wait();
    peer.write("2\r\nok\r\n0\r\n\r\n");
    peer.wait_for_close();
  });
  // get() drops its handle when it returns.
  const auto response = get(server.origin(), "/", streaming());
  ASSERT_TRUE(response);
  go_on.set_value();
  EXPECT_EQ(next(response->body_source).value(), "ok");
}

TEST_F(CpprestStreamTest, ASourceMayOutliveTheTransport) {
  std::promise<void> hung_up;
  RawServer server([&](Peer& peer) {
    peer.read_request();
    peer.write(kHead);
    peer.wait_for_close();
    hung_up.set_value();
  });
  const auto response = get(server.origin(), "/", streaming());
  ASSERT_TRUE(response);
  response->body_source->next([](const Result<std::string>&) { FAIL(); });
  transport_.reset();
  EXPECT_EQ(hung_up.get_future().wait_for(20s), std::future_status::ready);
}

TEST_F(CpprestStreamTest, AReaderThatIsTooSlowLosesTheStreamNotTheProcess) {
  std::promise<void> hung_up;
  RawServer server([&](Peer& peer) {
    peer.read_request();
    peer.write(kHead);
    const std::string chunk = "100000\r\n" + std::string(1u << 20, 'x') + "\r\n";
    for (int i = 0; i < 80; ++i) {
      peer.write(chunk);
    }
    peer.wait_for_close();
    hung_up.set_value();
  });
  const auto response = get(server.origin(), "/", streaming());
  ASSERT_TRUE(response);
  ASSERT_EQ(hung_up.get_future().wait_for(60s), std::future_status::ready);
  std::uint64_t pulled = 0;
  for (;;) {
    const auto chunk = next(response->body_source);
    if (!chunk) {
      EXPECT_EQ(chunk.error().code, ErrorCode::kResourceExhausted) << chunk.error().text();
      EXPECT_EQ(chunk.error().reason, "SlowReader");
      break;
    }
    ASSERT_FALSE(chunk->empty());
    pulled += chunk->size();
  }
  EXPECT_GT(pulled, 63u << 20);
  EXPECT_LE(pulled, 64u << 20);
}

}  // namespace
}  // namespace berth::http
