#include "berth/http/transport.h"

#include "tests/unit/http/http_fixture.h"

namespace berth::http::test {
namespace {
using namespace std::chrono_literals;

/// The Beast transport against our own server, in plain HTTP and over TLS.
class TransportTest : public HttpTest, public testing::WithParamInterface<const char*> {
 protected:
  TransportTest() {
    if (std::string_view(GetParam()) == "Tls") {
      use_tls();
    }
    router_.add("GET", "/hello", [this](const auto& x) {
      peers_.push_back(x->peer());
      x->reply(Response::text(200, "hi"));
    });
    router_.add(
        "POST", "/echo", [](const auto& x) { x->reply(Response::text(201, x->request().body)); },
        BodyRule{.max_bytes = 16u << 20});
    router_.add("GET", "/hold", [this](const auto& x) { held_.push_back(x); });
    router_.add("GET", "/out", [this](const auto& x) {
      Response response;
      response.body_source = out_;
      x->reply(std::move(response));
    });
    router_.add(
        "PUT", "/in", [this](const auto& x) { held_.push_back(x); },
        BodyRule{.max_bytes = 1u << 30, .stream = true});
    start();
    transport_ = make_transport();
  }

  CallOptions streaming() {
    CallOptions options;
    options.stream = true;
    return options;
  }

  std::vector<std::string> peers_;
  std::vector<std::shared_ptr<Exchange>> held_;
  std::shared_ptr<ManualSource> out_ = std::make_shared<ManualSource>();
  std::unique_ptr<Transport> transport_;
};

INSTANTIATE_TEST_SUITE_P(Over, TransportTest, testing::Values("Plain", "Tls"),
                         [](const auto& each) { return std::string(each.param); });

TEST_P(TransportTest, SendsARequestAndBringsTheAnswer) {
  Request request = make_request("POST", "/echo?x=1", "body");
  request.headers.add("X-Test", "1");
  const auto answer = call(*transport_, origin(), std::move(request));
  ASSERT_TRUE(answer) << answer.error().text();
  EXPECT_EQ(answer->status, 201);
  EXPECT_EQ(answer->body, "body");
  EXPECT_EQ(answer->headers.get("content-type"), "text/plain; charset=utf-8");
}

TEST_P(TransportTest, AnyStatusIsAnAnswer) {
  EXPECT_EQ(call(*transport_, origin(), make_request("GET", "/nowhere"))->status, 404);
}

TEST_P(TransportTest, KeepsConnectionsAndUsesTheLastOneFirst) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(call(*transport_, origin(), make_request("GET", "/hello"))->body, "hi");
  }
  ASSERT_EQ(peers_.size(), 3u);
  EXPECT_EQ(peers_[0], peers_[1]);
  EXPECT_EQ(peers_[1], peers_[2]);
  EXPECT_EQ(server_->connections(), 1u);
}

TEST_P(TransportTest, ManyCallsAtOnceEachHaveAConnection) {
  int answers = 0;
  std::vector<Cancel> handles;
  for (int i = 0; i < 30; ++i) {
    handles.push_back(transport_->send(origin(), make_request("GET", "/hold"), {},
                                       [&](Result<Response> r) { answers += r ? 1 : 0; }));
  }
  run_until([&] { return held_.size() == 30; });
  for (const auto& exchange : held_) {
    exchange->reply(Response::text(200, "x"));
  }
  run_until([&] { return answers == 30; });
  settle();
  EXPECT_EQ(server_->connections(), 16u) << "no more idle ones are kept than the settings allow";
}

TEST_P(TransportTest, IdleConnectionsAreClosedAfterTheirTime) {
  BeastTransportSettings settings;
  settings.idle_timeout = 30ms;
  const auto transport = make_transport(settings);
  ASSERT_TRUE(call(*transport, origin(), make_request("GET", "/hello")));
  EXPECT_EQ(server_->connections(), 1u);
  run_until([&] { return server_->connections() == 0; });
}

TEST_P(TransportTest, SpeaksIpv6AndResolvesNames) {
  ServerOptions options;
  options.address = "[::]:0";
  start(std::move(options));
  const std::string port = std::to_string(server_->port());
  EXPECT_TRUE(call(*transport_, scheme_ + "[::1]:" + port, make_request("GET", "/hello")));
  EXPECT_TRUE(call(*transport_, scheme_ + "localhost:" + port, make_request("GET", "/hello")));
  EXPECT_TRUE(peers_[0].starts_with("[::1]:"));
}

TEST_P(TransportTest, HeadHasNoBody) {
  const auto answer = call(*transport_, origin(), make_request("HEAD", "/hello"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->headers.get("Content-Length"), "2");
  EXPECT_EQ(answer->body, "");
  EXPECT_TRUE(call(*transport_, origin(), make_request("GET", "/hello")));
  EXPECT_EQ(server_->connections(), 1u);
}

TEST_P(TransportTest, DroppingTheHandleAbortsTheCall) {
  bool done = false;
  auto handle = transport_->send(origin(), make_request("GET", "/hold"), {},
                                 [&](Result<Response>) { done = true; });
  run_until([&] { return !held_.empty(); });
  bool gone = false;
  held_[0]->on_client_gone([&] { gone = true; });
  handle.cancel();
  run_until([&] { return gone; });
  EXPECT_FALSE(done);
}

TEST_P(TransportTest, DroppingTheHandleAtOnceSendsNoAnswerEither) {
  bool done = false;
  {
    const Cancel a = transport_->send(origin(), make_request("GET", "/hello"), {},
                                      [&](Result<Response>) { done = true; });
    const Cancel b = transport_->send("nonsense", make_request("GET", "/hello"), {},
                                      [&](Result<Response>) { done = true; });
  }
  settle();
  EXPECT_FALSE(done);
}

TEST_P(TransportTest, TheDeadlineEndsTheCall) {
  CallOptions options;
  options.deadline = 30ms;
  const auto answer = call(*transport_, origin(), make_request("GET", "/hold"), options);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kDeadlineExceeded);
  run_until([&] { return server_->connections() == 1; });
}

TEST_P(TransportTest, AnAnswerLargerThanTheLimitIsAnError) {
  for (const std::size_t size : {1000u, 1001u}) {
    CallOptions options;
    options.max_body = 1000;
    const auto answer =
        call(*transport_, origin(), make_request("POST", "/echo", std::string(size, 'x')), options);
    EXPECT_EQ(answer.has_value(), size == 1000);
    if (!answer) {
      EXPECT_EQ(answer.error().code, ErrorCode::kResourceExhausted);
    }
  }
}

TEST_P(TransportTest, AChunkedAnswerIsLimitedToo) {
  CallOptions options;
  options.max_body = 10;
  std::optional<Result<Response>> answer;
  const Cancel handle = transport_->send(origin(), make_request("GET", "/out"), options,
                                         [&](Result<Response> r) { answer = std::move(r); });
  run_until([&] { return out_->waiting(); });
  out_->give("123456");
  run_until([&] { return out_->waiting(); });
  EXPECT_FALSE(answer);
  out_->give("123456");
  run_until([&] { return answer.has_value(); });
  EXPECT_EQ(answer->error().code, ErrorCode::kResourceExhausted);
}

TEST_P(TransportTest, RefusesWhatCannotBeSentNamingIt) {
  const auto field = [&](const std::string& origin, Request request) {
    const auto answer = call(*transport_, origin, std::move(request));
    EXPECT_FALSE(answer);
    return answer ? "" : answer.error().field;
  };
  EXPECT_EQ(field("nonsense", make_request("GET", "/")), "url");
  EXPECT_EQ(field(origin(), make_request("GET X", "/")), "method");
  EXPECT_EQ(field(origin(), make_request("GET", "hello")), "target");
  EXPECT_EQ(field(origin(), make_request("GET", "/a b")), "target");
  Request inject = make_request("GET", "/hello");
  inject.headers.add("X", "a\r\nY: b");
  EXPECT_EQ(field(origin(), std::move(inject)), "headers");
}

TEST_P(TransportTest, AStreamedAnswerIsPulledChunkByChunk) {
  std::optional<Result<Response>> answer;
  Cancel handle = transport_->send(origin(), make_request("GET", "/out"), streaming(),
                                   [&](Result<Response> r) { answer = std::move(r); });
  run_until([&] { return answer.has_value(); }, "the head, before any byte of the body");
  handle.cancel();  // Has no meaning any more.
  BodySource& source = *(*answer)->body_source;
  run_until([&] { return out_->waiting(); });
  out_->give("one");
  EXPECT_EQ(next_chunk(source), "one");
  run_until([&] { return out_->waiting(); });
  out_->give("two");
  EXPECT_EQ(next_chunk(source), "two");
  run_until([&] { return out_->waiting(); });
  out_->give("");
  EXPECT_EQ(next_chunk(source), "");
  EXPECT_EQ(next_chunk(source), "");
  EXPECT_TRUE(call(*transport_, origin(), make_request("GET", "/hello")));
  EXPECT_EQ(server_->connections(), 1u) << "a stream read to its end gives its connection back";
}

TEST_P(TransportTest, AStreamWithoutABodyEndsAtOnce) {
  const auto answer = call(*transport_, origin(), make_request("HEAD", "/hello"), streaming());
  ASSERT_TRUE(answer);
  EXPECT_EQ(next_chunk(*answer->body_source), "");
}

TEST_P(TransportTest, DroppingAStreamClosesItsConnection) {
  {
    const auto answer = call(*transport_, origin(), make_request("GET", "/out"), streaming());
    ASSERT_TRUE(answer);
  }
  run_until([&] { return server_->connections() == 0; });
}

TEST_P(TransportTest, AStreamThatIsSilentForTooLongFails) {
  CallOptions options = streaming();
  options.idle_timeout = 30ms;
  const auto answer = call(*transport_, origin(), make_request("GET", "/out"), options);
  ASSERT_TRUE(answer);
  const auto chunk = next_chunk(*answer->body_source);
  ASSERT_FALSE(chunk);
  EXPECT_EQ(chunk.error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_FALSE(next_chunk(*answer->body_source));
}

TEST_P(TransportTest, AStreamIsNotReadFasterThanItIsPulled) {
  const auto answer = call(*transport_, origin(), make_request("GET", "/out"), streaming());
  ASSERT_TRUE(answer);
  int given = 0;
  for (int quiet = 0; quiet < 20;) {
    settle();
    quiet = out_->waiting() ? 0 : quiet + 1;
    if (out_->waiting()) {
      out_->give(std::string(65'536, 'x'));
      ++given;
    }
    ASSERT_LT(given, 1000);
  }
  std::size_t got = 0;
  while (!out_->waiting()) {
    got += next_chunk(*answer->body_source)->size();
  }
  EXPECT_GT(got, 0u);
}

TEST_P(TransportTest, SendsABodyFromASourceWithItsLength) {
  Request request = make_request("POST", "/echo");
  request.body_source = string_source(std::string(3u << 20, 'z'));
  const auto answer = call(*transport_, origin(), std::move(request));
  ASSERT_TRUE(answer) << answer.error().text();
  EXPECT_EQ(answer->body.size(), 3u << 20);
}

TEST_P(TransportTest, SendsABodyOfUnknownLengthInChunks) {
  auto source = std::make_shared<ManualSource>();
  Request request = make_request("POST", "/echo");
  request.body_source = source;
  std::optional<Result<Response>> answer;
  const Cancel handle = transport_->send(origin(), std::move(request), {},
                                         [&](Result<Response> r) { answer = std::move(r); });
  for (const char* chunk : {"a", "bc", ""}) {
    run_until([&] { return source->waiting(); });
    source->give(chunk);
  }
  run_until([&] { return answer.has_value(); });
  EXPECT_EQ((*answer)->body, "abc");
}

TEST_P(TransportTest, ARequestBodyThatFailsFailsTheCallWithItsReason) {
  auto source = std::make_shared<ManualSource>();
  Request request = make_request("POST", "/echo");
  request.body_source = source;
  std::optional<Result<Response>> answer;
  const Cancel handle = transport_->send(origin(), std::move(request), {},
                                         [&](Result<Response> r) { answer = std::move(r); });
  run_until([&] { return source->waiting(); });
  source->give(fail(Error::make(ErrorCode::kNotFound, "NoFile", "gone")));
  run_until([&] { return answer.has_value(); });
  EXPECT_EQ(answer->error().reason, "NoFile");
}

TEST_P(TransportTest, PassesAFileOnWithoutHoldingIt) {
  // What a gateway does: the request's source goes straight into the next call.
  AsioLoop& loop = loop_;
  Router front;
  front.add(
      "PUT", "/pass",
      [&](const std::shared_ptr<Exchange>& x) {
        Request request = make_request("PUT", "/in");
        request.body_source = x->request().body_source;
        transport_
            ->send(origin(), std::move(request), {},
                   [x](Result<Response> r) { r ? x->reply(std::move(*r)) : x->reply(r.error()); })
            .release();
      },
      BodyRule{.max_bytes = 1u << 30, .stream = true});
  ServerOptions options;
  options.address = "127.0.0.1:0";
  const auto gateway = serve(loop, front, options);
  ASSERT_TRUE(gateway);
  Request request = make_request("PUT", "/pass");
  request.body_source = string_source(std::string(20u << 20, 'f'));
  std::optional<Result<Response>> answer;
  const auto client = make_transport();
  const Cancel handle = client->send("http://" + (*gateway)->address(), std::move(request), {},
                                     [&](Result<Response> r) { answer = std::move(r); });
  run_until([&] { return !held_.empty(); });
  std::size_t got = 0;
  for (;;) {
    const auto chunk = next_chunk(*held_[0]->request().body_source);
    ASSERT_TRUE(chunk);
    if (chunk->empty()) {
      break;
    }
    got += chunk->size();
  }
  held_[0]->reply(Response::text(200, std::to_string(got)));
  run_until([&] { return answer.has_value(); });
  EXPECT_EQ((*answer)->body, std::to_string(20u << 20));
}

TEST_P(TransportTest, AnEarlyRefusalIsDeliveredWhileTheBodyIsStillSent) {
  Request request = make_request("PUT", "/in");
  request.body_source = string_source(std::string(100u << 20, 'f'));
  std::optional<Result<Response>> answer;
  const Cancel handle = transport_->send(origin(), std::move(request), {},
                                         [&](Result<Response> r) { answer = std::move(r); });
  run_until([&] { return !held_.empty(); });
  held_[0]->reply(Error::make(ErrorCode::kInvalidArgument, "TooLarge", "no"));
  run_until([&] { return answer.has_value(); });
  ASSERT_TRUE(*answer) << answer->error().text();
  EXPECT_EQ((*answer)->status, 413);
  run_until([&] { return server_->connections() == 0; });
}

TEST_P(TransportTest, DestroyingTheTransportAbortsCallsAndFailsStreams) {
  const auto answer = call(*transport_, origin(), make_request("GET", "/out"), streaming());
  ASSERT_TRUE(answer);
  bool done = false;
  const Cancel handle = transport_->send(origin(), make_request("GET", "/hold"), {},
                                         [&](Result<Response>) { done = true; });
  run_until([&] { return !held_.empty(); });
  held_[0]->on_client_gone([] {});  // So that the server lets go as soon as it notices.
  transport_.reset();
  EXPECT_FALSE(next_chunk(*answer->body_source));
  run_until([&] { return server_->connections() == 0; });
  EXPECT_FALSE(done);
}

}  // namespace
}  // namespace berth::http::test
