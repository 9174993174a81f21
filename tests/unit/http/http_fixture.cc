#include "tests/unit/http/http_fixture.h"

#include <stdexcept>

namespace berth::http::test {

using namespace std::chrono_literals;

void HttpTest::run_until(const Condition& condition, const char* what) {
  const auto give_up = std::chrono::steady_clock::now() + 10s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > give_up) {
      FAIL() << "waited in vain for " << what;
    }
    loop_.context().restart();
    loop_.context().run_one_for(5ms);
  }
}

void HttpTest::settle() {
  for (int quiet = 0; quiet < 3;) {
    loop_.context().restart();
    quiet = loop_.context().poll() == 0 ? quiet + 1 : 0;
  }
}

void HttpTest::use_tls() {
  scheme_ = "https://";
  const auto pair = ca_.issue("server", "DNS:localhost,IP:127.0.0.1,IP:::1");
  EXPECT_TRUE(identity_.use(pair.cert_pem, pair.key_pem));
  EXPECT_TRUE(roots_->use(ca_.pem()));
}

std::unique_ptr<Transport> HttpTest::make_transport(BeastTransportSettings settings) {
  settings.roots = roots_;
  return make_beast_transport(loop_, std::move(settings));
}

Server& HttpTest::start(ServerLimits limits) {
  ServerOptions options;
  options.address = "127.0.0.1:0";
  options.limits = limits;
  return start(std::move(options));
}

Server& HttpTest::start(ServerOptions options) {
  if (scheme_ == "https://") {
    options.tls = &identity_;
  }
  auto server = serve(loop_, router_, std::move(options));
  if (!server) {
    throw std::runtime_error(server.error().text());  // Ends this test, not the program.
  }
  server_ = std::move(*server);
  return *server_;
}

RawClient HttpTest::connect(int receive_buffer) {
  RawClient client(server_->port(), receive_buffer);
  settle();
  return client;
}

void HttpTest::wait_for(RawClient& client, std::string_view text) {
  run_until(
      [&] {
        client.poll();
        return client.saw(text);
      },
      std::string(text).c_str());
}

void HttpTest::wait_closed(RawClient& client) {
  run_until(
      [&] {
        client.poll();
        return client.closed();
      },
      "the server to close");
}

std::string HttpTest::answer_to(std::string_view bytes) {
  RawClient client = connect();
  client.send(bytes);
  client.shut_down_send();
  wait_closed(client);
  return client.received();
}

Result<Response> HttpTest::call(Transport& transport, const std::string& origin, Request request,
                                CallOptions options) {
  std::optional<Result<Response>> answer;
  const Cancel handle =
      transport.send(origin, std::move(request), options,
                     [&](Result<Response> response) { answer = std::move(response); });
  EXPECT_FALSE(answer) << "done ran inside send()";
  run_until([&] { return answer.has_value(); }, "the answer");
  return answer ? *answer : fail(Error::internal("no answer"));
}

Result<std::string> HttpTest::next_chunk(BodySource& source) {
  std::optional<Result<std::string>> got;
  source.next([&](Result<std::string> chunk) { got = std::move(chunk); });
  run_until([&] { return got.has_value(); }, "a chunk");
  return got ? *got : fail(Error::internal("no chunk"));
}

Result<std::string> HttpTest::drain_source(const std::shared_ptr<BodySource>& source) {
  std::optional<Result<std::string>> got;
  read_all(source, 1u << 30, [&](Result<std::string> all) { got = std::move(all); });
  run_until([&] { return got.has_value(); }, "the whole body");
  return got ? *got : fail(Error::internal("no body"));
}

Request make_request(std::string method, std::string target, std::string body) {
  Request request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.body = std::move(body);
  return request;
}

}  // namespace berth::http::test
