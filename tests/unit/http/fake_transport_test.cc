#include "tests/fakes/fake_transport.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include "tests/fakes/manual_loop.h"

namespace berth::fakes {
namespace {
using namespace std::chrono_literals;

class FakeTransportTest : public testing::Test {
 protected:
  Cancel send(std::string method, std::string target, http::CallOptions options = {}) {
    http::Request request;
    request.method = std::move(method);
    request.target = std::move(target);
    return transport_.send("http://w:1", std::move(request), options,
                           [this](Result<http::Response> r) { answers_.push_back(std::move(r)); });
  }
  ManualLoop loop_;
  FakeTransport transport_{loop_};
  std::vector<Result<http::Response>> answers_;
};

TEST_F(FakeTransportTest, TheTestAnswersByHandAndTheAnswerComesOnTheLoop) {
  const Cancel handle = send("GET", "/a?x=1");
  const auto call = transport_.expect_request("GET", "/a");
  EXPECT_EQ(call->origin(), "http://w:1");
  call->answer(http::Response::text(200, "x"));
  EXPECT_TRUE(answers_.empty());
  loop_.run_ready();
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0]->body, "x");
  call->answer(http::Response::text(200, "again"));
  loop_.run_ready();
  EXPECT_EQ(answers_.size(), 1u);
}

TEST_F(FakeTransportTest, ADroppedHandleIsSeenAndNeverAnswered) {
  Cancel handle = send("GET", "/a");
  const auto call = transport_.expect_request();
  call->answer(http::Response::text(200, "x"));
  handle.cancel();
  EXPECT_TRUE(call->cancelled());
  loop_.run_ready();
  EXPECT_TRUE(answers_.empty());
}

TEST_F(FakeTransportTest, AnUnansweredCallEndsAtItsDeadline) {
  http::CallOptions options;
  options.deadline = 3s;
  const Cancel handle = send("GET", "/a", options);
  loop_.advance(2s);
  EXPECT_TRUE(answers_.empty());
  loop_.advance(1s);
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0].error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(transport_.waiting(), 0u);
}

TEST_F(FakeTransportTest, HandlersAnswerWhatMatchesAndLeaveTheRest) {
  transport_.on("GET", "/s/{id}", [](const http::Request& r) {
    return http::Response::text(200, std::string(r.path()));
  });
  transport_.on("GET", "/down", [](const http::Request&) -> Result<http::Response> {
    return berth::fail(Error::internal("down"));
  });
  const Cancel a = send("GET", "/s/1");
  const Cancel b = send("GET", "/down");
  const Cancel c = send("POST", "/s/1");
  EXPECT_TRUE(answers_.empty());
  loop_.run_ready();
  ASSERT_EQ(answers_.size(), 2u);
  EXPECT_EQ(answers_[0]->body, "/s/1");
  EXPECT_EQ(answers_[1].error().message, "down");
  EXPECT_EQ(transport_.waiting(), 1u);
  EXPECT_EQ(transport_.count("POST", "/s/1"), 1u);
  EXPECT_EQ(transport_.sent().size(), 3u);
}

TEST_F(FakeTransportTest, ExpectingWhatWasNotSentFailsTheTest) {
  FakeTransport::CallPtr call;
  EXPECT_NONFATAL_FAILURE(call = transport_.expect_request(), "no request was sent");
  call->answer(http::Response::text(200, ""));
  loop_.run_ready();
}

TEST_F(FakeTransportTest, AStreamedAnswerIsWrittenByTheTest) {
  http::CallOptions options;
  options.stream = true;
  const Cancel handle = send("GET", "/watch", options);
  auto body = std::make_shared<FakeBody>(loop_);
  auto writer = body->writer();
  http::Response response;
  response.body_source = std::move(body);
  transport_.expect_request()->answer(std::move(response));
  loop_.run_ready();
  auto source = answers_.at(0)->body_source;
  answers_.clear();
  std::vector<std::string> chunks;
  const auto pull = [&] { source->next([&](Result<std::string> c) { chunks.push_back(*c); }); };
  pull();
  loop_.run_ready();
  EXPECT_TRUE(writer.wanted());
  writer.write("one");
  writer.write("two");
  loop_.run_ready();
  pull();
  loop_.run_ready();
  writer.end();
  pull();
  loop_.run_ready();
  EXPECT_EQ(chunks, (std::vector<std::string>{"one", "two", ""}));
  source = nullptr;
  EXPECT_TRUE(writer.dropped());
}

}  // namespace
}  // namespace berth::fakes
