#include <future>
#include <map>
#include <mutex>

#include "tests/unit/http_cpprest/fixture.h"

namespace berth::http {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Answers every request of every connection with `answer` and keeps what it read.
struct Recorder {
  explicit Recorder(std::string answer = kOk)
      : server([this, answer](Peer& peer) {
          for (;;) {
            std::string request = peer.read_request();
            if (request.empty()) {
              return;
            }
            {
              const std::lock_guard lock(mutex);
              requests.push_back(std::move(request));
            }
            peer.write(answer);
          }
        }) {}
  std::string last() {
    const std::lock_guard lock(mutex);
    return requests.empty() ? "" : requests.back();
  }
  std::mutex mutex;
  std::vector<std::string> requests;
  RawServer server;
};

TEST_F(CpprestTest, GetsStatusHeadersAndBody) {
  Recorder r(
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n"
      "{\"kind\":\"Pod\"}");
  const auto response = get(r.server.origin(), "/api");
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->headers.get("content-type"), "application/json");
  EXPECT_EQ(response->body, "{\"kind\":\"Pod\"}");
  EXPECT_EQ(response->body_source, nullptr);
  EXPECT_THAT(r.last(), StartsWith("GET /api HTTP/1.1\r\n"));
}

TEST_F(CpprestTest, ReadsAChunkedBody) {
  Recorder r(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(get(r.server.origin()).value().body, "abcde");
}

TEST_F(CpprestTest, TheTargetGoesOutAsItIs) {
  Recorder r;
  const std::string target = "/a%2Fb/c%20d?labelSelector=x%3Dy,z&fieldSelector=a%21%3D1&empty=";
  ASSERT_TRUE(get(r.server.origin(), target));
  EXPECT_THAT(r.last(), StartsWith("GET " + target + " HTTP/1.1\r\n"));
}

TEST_F(CpprestTest, EveryMethodCarriesItsBodyAndHeaders) {
  Recorder r;
  for (const char* method : {"POST", "PUT", "PATCH", "DELETE"}) {
    const Request request{method,
                          "/x",
                          {{"Content-Type", "application/merge-patch+json"},
                           {"Authorization", "Bearer t"},
                           {"Accept", "application/json"}},
                          R"({"a":1})",
                          nullptr};
    ASSERT_TRUE(call(r.server.origin(), request)) << method;
    EXPECT_THAT(r.last(), StartsWith(std::string(method) + " /x HTTP/1.1\r\n"));
    EXPECT_EQ(header(r.last(), "Content-Type"), "application/merge-patch+json");
    EXPECT_EQ(header(r.last(), "Authorization"), "Bearer t");
    EXPECT_EQ(header(r.last(), "Content-Length"), "7");
    EXPECT_EQ(body(r.last()), R"({"a":1})");
  }
}

TEST_F(CpprestTest, AnEmptyPostSaysSoAndInventsNoContentType) {
  Recorder r;
  ASSERT_TRUE(call(r.server.origin(), Request{"POST", "/", {}, "", nullptr}));
  EXPECT_EQ(header(r.last(), "Content-Length"), "0");
  EXPECT_THAT(r.last(), Not(HasSubstr("Content-Type")));
  ASSERT_TRUE(call(r.server.origin(), Request{"DELETE", "/", {}, "", nullptr}));
  EXPECT_THAT(r.last(), Not(HasSubstr("Transfer-Encoding")));
}

TEST_F(CpprestTest, SendsALargeBodyWhole) {
  Recorder r;
  std::string large;
  for (int i = 0; large.size() < (3u << 20); ++i) {
    large += std::to_string(i);
  }
  ASSERT_TRUE(call(r.server.origin(), Request{"POST", "/", {}, large, nullptr}));
  EXPECT_TRUE(body(r.last()) == large);
}

TEST_F(CpprestTest, ABodySourceIsSentWithItsLength) {
  Recorder r;
  Request request{"PUT", "/", {}, "", string_source(std::string(100'000, 's'))};
  ASSERT_TRUE(call(r.server.origin(), std::move(request)));
  EXPECT_EQ(header(r.last(), "Content-Length"), "100000");
}

TEST_F(CpprestTest, EveryStatusIsAResponse) {
  for (const int status : {201, 400, 404, 409, 410, 429, 500, 503}) {
    Recorder r("HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: 1\r\n\r\nx");
    const auto response = get(r.server.origin());
    ASSERT_TRUE(response) << status;
    EXPECT_EQ(response->status, status);
    EXPECT_EQ(response->body, "x");
  }
}

TEST_F(CpprestTest, AnswersWithoutABodyEnd) {
  Recorder no_content("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(get(no_content.server.origin()).value().status, 204);
  Recorder head("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n");
  EXPECT_EQ(call(head.server.origin(), Request{"HEAD", "/", {}, "", nullptr}).value().body, "");
}

TEST_F(CpprestTest, ARedirectIsAnAnswerAndNotFollowed) {
  Recorder elsewhere;
  Recorder r("HTTP/1.1 302 Found\r\nLocation: " + elsewhere.server.origin() +
             "/\r\nContent-Length: 0\r\n\r\n");
  const Request request{"GET", "/", {{"Authorization", "Bearer secret"}}, "", nullptr};
  const auto response = call(r.server.origin(), request);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 302);
  EXPECT_EQ(elsewhere.server.connections(), 0);
}

TEST_F(CpprestTest, ReusesItsConnections) {
  Recorder r;
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(get(r.server.origin()));
  }
  // A connection goes back to cpprestsdk's pool a moment after its answer, so a quick next call may
  // open another.
  EXPECT_LT(r.server.connections(), 25);
}

TEST_F(CpprestTest, ManyCallsAtOnceAllGetTheirAnswers) {
  RawServer server([](Peer& peer) {
    peer.read_request();
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
  });
  int done = 0;
  std::vector<Cancel> handles;
  for (int i = 0; i < 16; ++i) {
    handles.push_back(transport_->send(server.origin(), Request{"GET", "/", {}, "", nullptr}, {},
                                       [&](const Result<Response>& response) {
                                         EXPECT_TRUE(response);
                                         ++done;
                                       }));
  }
  run_until([&] { return done == 16; });
}

/// Answers the first request of a connection; reads the second and hangs up. Counts the requests by
/// target.
class ForgetfulServer {
 public:
  int seen(const std::string& target) const {
    const std::lock_guard lock(mutex_);
    const auto it = seen_.find(target);
    return it == seen_.end() ? 0 : it->second;
  }
  std::string origin() const { return server_.origin(); }

 private:
  bool read(Peer& peer) {
    const std::string request = peer.read_request();
    const auto begin = request.find(' ') + 1;
    const std::lock_guard lock(mutex_);
    ++seen_[request.substr(begin, request.find(' ', begin) - begin)];
    return !request.empty();
  }
  mutable std::mutex mutex_;
  std::map<std::string, int> seen_;
  RawServer server_{[this](Peer& peer) {
    if (read(peer)) {
      peer.write(kOk);
      read(peer);
    }
  }};
};

// Whether a call gets a used connection is the pool's choice, so these two go on until it did.
constexpr int kRounds = 200;

TEST_F(CpprestTest, AGetOnAConnectionThatTurnsOutClosedIsSentAgain) {
  ForgetfulServer server;
  bool sent_again = false;
  for (int round = 0; round < kRounds && !sent_again; ++round) {
    const std::string target = "/" + std::to_string(round);
    ASSERT_TRUE(get(server.origin(), target));
    sent_again = server.seen(target) > 1;
  }
  EXPECT_TRUE(sent_again);
}

TEST_F(CpprestTest, AWriteIsNeverSentTwice) {
  for (const char* method : {"POST", "PUT", "PATCH", "DELETE"}) {
    for (const char* content : {"{}", ""}) {
      if (std::string_view(method) == "DELETE" && std::string_view(content).empty()) {
        continue;  // Sent again, as the contract says.
      }
      ForgetfulServer server;
      bool lost = false;
      for (int round = 0; round < kRounds && !lost; ++round) {
        const std::string target = "/" + std::to_string(round);
        ASSERT_TRUE(get(server.origin(), "/warm"));
        const auto response = call(server.origin(), Request{method, target, {}, content, nullptr});
        ASSERT_EQ(server.seen(target), 1) << method;
        if (!response) {
          lost = true;
          EXPECT_EQ(response.error().code, ErrorCode::kUnavailable);
          EXPECT_EQ(response.error().reason, "ConnectionLost");
        }
      }
      EXPECT_TRUE(lost) << method << " '" << content << "'";
    }
  }
}

TEST_F(CpprestTest, ARefusedConnectionIsSafeToRepeat) {
  const std::string origin = "http://127.0.0.1:" + std::to_string(unused_port());
  const auto response = get(origin);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(response.error().reason, "ConnectFailed");
  EXPECT_THAT(response.error().message, HasSubstr(origin));
}

TEST_F(CpprestTest, AnAnswerThatBreaksOffIsAConnectionLost) {
  for (const char* answer :
       {"", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "junk\r\n\r\n"}) {
    RawServer server([&](Peer& peer) {
      peer.read_request();
      peer.write(answer);
    });
    const auto response = get(server.origin());
    ASSERT_FALSE(response) << answer;
    EXPECT_EQ(response.error().code, ErrorCode::kUnavailable) << answer;
    EXPECT_EQ(response.error().reason, "ConnectionLost") << response.error().text();
  }
}

TEST_F(CpprestTest, ADeadlineEndsASilentCallAndItsConnection) {
  for (const char* answer : {"", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"}) {
    std::promise<void> hung_up;
    RawServer server([&](Peer& peer) {
      peer.read_request();
      peer.write(answer);
      peer.wait_for_close();
      hung_up.set_value();
    });
    CallOptions options;
    options.deadline = 50ms;
    const auto response = get(server.origin(), "/", options);
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, ErrorCode::kDeadlineExceeded);
    EXPECT_EQ(hung_up.get_future().wait_for(20s), std::future_status::ready);
  }
}

TEST_F(CpprestTest, ABodyBeyondItsBoundIsRefused) {
  const std::string kilobyte(1024, 'x');
  CallOptions options;
  options.max_body = 1023;
  for (const std::string& answer : {"HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n" + kilobyte,
                                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n" +
                                        kilobyte + "\r\n0\r\n\r\n"}) {
    Recorder r(answer);
    const auto response = get(r.server.origin(), "/", options);
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, ErrorCode::kResourceExhausted);
    options.max_body = 1024;
    EXPECT_TRUE(get(r.server.origin(), "/", options));
    options.max_body = 1023;
  }
}

TEST_F(CpprestTest, ADroppedHandleAbortsTheCallAndSilencesIt) {
  std::promise<void> asked;
  std::promise<void> hung_up;
  RawServer server([&](Peer& peer) {
    peer.read_request();
    asked.set_value();
    peer.wait_for_close();
    hung_up.set_value();
  });
  bool called = false;
  Cancel handle = transport_->send(server.origin(), Request{"GET", "/", {}, "", nullptr}, {},
                                   [&](const Result<Response>&) { called = true; });
  ASSERT_EQ(asked.get_future().wait_for(20s), std::future_status::ready);
  handle.cancel();
  ASSERT_EQ(hung_up.get_future().wait_for(20s), std::future_status::ready);
  // A later call on the same transport comes after anything that the first could still bring.
  Recorder r;
  EXPECT_TRUE(get(r.server.origin()));
  EXPECT_FALSE(called);
}

TEST_F(CpprestTest, AHandleDroppedAtOnceSendsNothingBack) {
  Recorder r;
  bool called = false;
  for (int i = 0; i < 50; ++i) {
    Cancel handle = transport_->send(r.server.origin(), Request{"GET", "/", {}, "", nullptr}, {},
                                     [&](const Result<Response>&) { called = true; });
  }
  EXPECT_TRUE(get(r.server.origin()));
  EXPECT_FALSE(called);
}

TEST_F(CpprestTest, DestroyingTheTransportAbortsItsCalls) {
  std::promise<void> asked;
  std::promise<void> hung_up;
  RawServer server([&](Peer& peer) {
    peer.read_request();
    asked.set_value();
    peer.wait_for_close();
    hung_up.set_value();
  });
  bool called = false;
  const Cancel handle = transport_->send(server.origin(), Request{"GET", "/", {}, "", nullptr}, {},
                                         [&](const Result<Response>&) { called = true; });
  ASSERT_EQ(asked.get_future().wait_for(20s), std::future_status::ready);
  transport_.reset();
  EXPECT_EQ(hung_up.get_future().wait_for(20s), std::future_status::ready);
  EXPECT_FALSE(called);
}

TEST_F(CpprestTest, TheCallbackMayDestroyTheTransport) {
  Recorder r;
  bool called = false;
  const Cancel handle = transport_->send(r.server.origin(), Request{"GET", "/", {}, "", nullptr},
                                         {}, [&](const Result<Response>&) {
                                           transport_.reset();
                                           called = true;
                                         });
  run_until([&] { return called; });
}

TEST_F(CpprestTest, RefusesWhatWouldChangeTheMessage) {
  Recorder r;
  const std::pair<Request, const char*> bad[] = {
      {{"GET", "/", {{"X-Name", "a\r\nEvil: 1"}}, "", nullptr}, "headers.X-Name"},
      {{"GET", "/", {{"X-Name", "a\nb"}}, "", nullptr}, "headers.X-Name"},
      {{"GET", "/", {{"X-Name", std::string("a\0b", 3)}}, "", nullptr}, "headers.X-Name"},
      {{"GET", "/", {{"X Name", "a"}}, "", nullptr}, "headers"},
      {{"GET", "/", {{"Transfer-Encoding", "chunked"}}, "", nullptr}, "headers.Transfer-Encoding"},
      {{"GET", "/", {{"content-length", "1"}}, "", nullptr}, "headers.Content-Length"},
      {{"GET", "/a b", {}, "", nullptr}, "target"},
      {{"GET", "/a\r\nEvil: 1", {}, "", nullptr}, "target"},
      {{"GET", "http://127.0.0.1/", {}, "", nullptr}, "target"},
      {{"GET", "/a#b", {}, "", nullptr}, "target"},
      {{"GE T", "/", {}, "", nullptr}, "method"}};
  for (const auto& [request, field] : bad) {
    const auto response = call(r.server.origin(), request);
    ASSERT_FALSE(response) << field;
    EXPECT_EQ(response.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(response.error().field, field);
  }
  EXPECT_EQ(r.server.connections(), 0);
}

TEST_F(CpprestTest, RefusesOriginsThatItCannotReach) {
  for (const char* origin : {"", "localhost", "ftp://localhost:1", "http://[::1]:80",
                             "http://localhost:80/path", "http://"}) {
    const auto response = get(origin);
    ASSERT_FALSE(response) << origin;
    EXPECT_EQ(response.error().code, ErrorCode::kInvalidArgument) << response.error().text();
  }
}

}  // namespace
}  // namespace berth::http
