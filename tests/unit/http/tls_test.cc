#include "berth/http/tls.h"

#include <gmock/gmock.h>

#include "tests/unit/http/http_fixture.h"

namespace berth::http::test {
namespace {
using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr std::string_view kHello = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";
// The head of a handshake record and no more.
constexpr std::string_view kHalfHandshake("\x16\x03\x01\x02\x00\x01", 6);

class TlsTest : public HttpTest {
 protected:
  TlsTest() {
    router_.add("GET", "/hello", [](const auto& x) { x->reply(Response::text(200, "hi")); });
    router_.add("GET", "/hold", [this](const auto& x) { held_.push_back(x); });
    use_tls();
  }

  Server& start(ServerLimits limits = {}) {
    ServerOptions options;
    options.address = "127.0.0.1:0";
    options.limits = limits;
    options.on_handshake_failed = [this](const std::string& peer, const std::string& why) {
      EXPECT_TRUE(peer.starts_with("127.0.0.1:")) << peer;
      failures_.push_back(why);
    };
    return HttpTest::start(std::move(options));
  }

  Result<Response> get(Transport& transport, std::string name = {}) {
    CallOptions options;
    options.server_name = std::move(name);
    return call(transport, origin(), make_request("GET", "/hello"), options);
  }
  /// On a connection of its own.
  Result<Response> get(std::string name = {}) {
    const auto transport = make_transport();
    return get(*transport, std::move(name));
  }
  void show(const fakes::Certificate& pair) {
    const auto used = identity_.use(pair.cert_pem, pair.key_pem);
    ASSERT_TRUE(used) << used.error().text();
  }
  void expect_refused(const Result<Response>& answer, const std::string& why) {
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
    EXPECT_EQ(answer.error().reason, "ConnectFailed") << answer.error().text();
    EXPECT_THAT(answer.error().message, HasSubstr(why));
  }

  std::vector<std::string> failures_;
  std::vector<std::shared_ptr<Exchange>> held_;
};

TEST_F(TlsTest, ACallerThatWantsANameOtherThanTheHostChecksThatOne) {
  show(ca_.issue("workers", "DNS:workers.prod.berth"));
  start();
  const auto transport = make_transport();
  EXPECT_TRUE(get(*transport, "workers.prod.berth"));
  expect_refused(get(*transport, "workers.test.berth"),
                 "not for workers.test.berth (it is for workers.prod.berth)");
  expect_refused(get(*transport), "not for 127.0.0.1 (it is for workers.prod.berth)");
  run_until([&] { return server_->connections() == 1; });
  EXPECT_TRUE(get(*transport, "workers.prod.berth"));
  EXPECT_EQ(server_->connections(), 1u) << "the open connection has proved that name";
}

TEST_F(TlsTest, TheErrorSaysWhatIsWrongWithTheCertificate) {
  start();
  const fakes::CertificateAuthority impostor("berth test CA");
  show(impostor.issue("server", "IP:127.0.0.1"));
  expect_refused(get(), "not signed by a certificate authority that is trusted here");
  const fakes::CertificateAuthority stranger("stranger");
  show(stranger.issue("server", "IP:127.0.0.1"));
  expect_refused(get(), "not signed by a certificate authority that is trusted here");
  show(ca_.issue("server", "IP:127.0.0.1", -60s));
  expect_refused(get(), "expired at 20");
  show(ca_.issue("server", "IP:127.0.0.2,IP:::2,DNS:a.example"));
  expect_refused(get(), "not for 127.0.0.1 (it is for 127.0.0.2, ::2, a.example)");
  run_until([&] { return failures_.size() == 4; });
  EXPECT_THAT(failures_[0], HasSubstr("alert decrypt error"));
  EXPECT_THAT(failures_[1], HasSubstr("alert unknown ca"));
  EXPECT_THAT(failures_[2], HasSubstr("alert certificate expired"));
}

TEST_F(TlsTest, TheSystemsAuthoritiesCountWhenNoneAreGiven) {
  start();
  const auto transport = make_beast_transport(loop_);
  expect_refused(get(*transport), "not signed by a certificate authority that is trusted here");
}

TEST_F(TlsTest, NobodyIsTrustedBeforeAnAuthorityIsGiven) {
  start();
  roots_ = std::make_shared<TrustedRoots>();
  expect_refused(get(), "no certificate authority is trusted here");
}

TEST_F(TlsTest, AChainThroughAnIntermediateHolds) {
  start();
  const auto middle = ca_.intermediate("middle");
  auto pair = middle.issue("server", "IP:127.0.0.1");
  show(pair);
  expect_refused(get(), "not signed by a certificate authority that is trusted here");
  pair.cert_pem += middle.pem();
  show(pair);
  EXPECT_TRUE(get());
  // The one in the middle may be all that a caller was given, and is trusted as it stands.
  ASSERT_TRUE(roots_->use(middle.pem()));
  EXPECT_TRUE(get());
}

TEST_F(TlsTest, ARequestInPlainHttpIsToldSo) {
  start();
  for (const std::string_view bytes :
       {kHello, std::string_view("DELETE /hello HTTP/1.1\r\n\r\n"), std::string_view("X")}) {
    RawClient client = connect();
    client.send(bytes);
    wait_for(client, "https://");
    EXPECT_TRUE(client.saw("HTTP/1.1 400 "));
    EXPECT_TRUE(client.saw("\"code\":\"TlsRequired\""));
    client.close();
  }
  run_until([&] { return server_->connections() == 0; });
  EXPECT_EQ(failures_, std::vector<std::string>(3, "the caller speaks plain HTTP"));
  EXPECT_TRUE(get());
}

TEST_F(TlsTest, BytesThatAreNeitherEndTheConnection) {
  start();
  RawClient client = connect();
  client.send(std::string(100, '\x01'));
  wait_closed(client);
  EXPECT_EQ(failures_.size(), 1u);
  EXPECT_TRUE(get());
}

TEST_F(TlsTest, AHelloOnAPlainPortIsToldSoAtBothEnds) {
  scheme_ = "http://";
  start();
  scheme_ = "https://";
  expect_refused(get(), "does not speak TLS");
}

TEST_F(TlsTest, AHandshakeThatDoesNotComeIsCut) {
  ServerLimits limits;
  limits.header_timeout = 40ms;
  start(limits);
  RawClient silent = connect();
  RawClient half = connect();
  half.send(kHalfHandshake);
  wait_closed(silent);
  wait_closed(half);
  EXPECT_EQ(server_->connections(), 0u);
  EXPECT_EQ(failures_, std::vector<std::string>(2, "the handshake was not finished in time"));
}

TEST_F(TlsTest, HalfHandshakesGiveWayWhenThereAreTooMany) {
  ServerLimits limits;
  limits.max_connections = 3;
  start(limits);
  std::vector<RawClient> waiting;
  for (int i = 0; i < 3; ++i) {
    waiting.push_back(connect());
    waiting.back().send(kHalfHandshake);
  }
  settle();
  EXPECT_TRUE(get());
  wait_closed(waiting.front());
  EXPECT_LE(server_->connections(), 3u);
}

TEST_F(TlsTest, WhoLooksWhetherThePortIsOpenIsNoFailure) {
  start();
  connect().close();
  connect().abort();
  run_until([&] { return server_->connections() == 0; });
  EXPECT_TRUE(failures_.empty());
}

TEST_F(TlsTest, ACallersHandshakeIsUnderItsDeadline) {
  RawServer silent;
  CallOptions options;
  options.deadline = 40ms;
  const auto transport = make_transport();
  const auto answer = call(*transport, "https://127.0.0.1:" + std::to_string(silent.port()),
                           make_request("GET", "/hello"), options);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kDeadlineExceeded);
}

TEST_F(TlsTest, ANewCertificateIsShownToNewConnectionsAndOldOnesGoOn) {
  start();
  const auto kept = make_transport();
  ASSERT_TRUE(get(*kept));
  const fakes::CertificateAuthority next("next CA");
  show(next.issue("server", "IP:127.0.0.1"));
  expect_refused(get(), "not signed by");
  EXPECT_TRUE(get(*kept)) << "open connections keep what they were opened with";
  ASSERT_TRUE(roots_->use(next.pem()));
  EXPECT_TRUE(get());
  EXPECT_TRUE(get(*kept));
  EXPECT_EQ(server_->connections(), 1u);
}

TEST_F(TlsTest, APairThatDoesNotFitChangesNothingAndIsNamed) {
  start();
  const auto a = ca_.issue("a", "IP:127.0.0.1");
  const auto b = ca_.issue("b", "IP:127.0.0.1");
  const WallTime before = identity_.not_after();
  const auto refused = [&](const std::string& chain, const std::string& key) {
    const auto used = identity_.use(chain, key);
    EXPECT_FALSE(used);
    return used ? "" : used.error().text();
  };
  EXPECT_THAT(refused(a.cert_pem, b.key_pem), HasSubstr("not the key of the certificate"));
  EXPECT_THAT(refused("junk", a.key_pem), HasSubstr("no certificate in PEM"));
  EXPECT_THAT(refused("", a.key_pem), HasSubstr("no certificate in PEM"));
  EXPECT_THAT(refused(a.cert_pem, "junk"), HasSubstr("no private key in PEM"));
  EXPECT_THAT(refused(a.cert_pem, a.cert_pem), HasSubstr("no private key in PEM"));
  std::string torn = b.cert_pem;
  torn.resize(torn.size() / 2);
  EXPECT_THAT(refused(a.cert_pem + torn, a.key_pem), HasSubstr("certificate 2 in it"));
  EXPECT_EQ(identity_.not_after(), before);
  EXPECT_TRUE(get());
  EXPECT_FALSE(roots_->use("junk"));
  EXPECT_TRUE(get());
}

TEST_F(TlsTest, TellsWhenTheCertificateExpires) {
  show(ca_.issue("server", "IP:127.0.0.1", 1000s));
  const auto left = identity_.not_after() - SystemClock().wall_now();
  EXPECT_GT(left, 990s);
  EXPECT_LE(left, 1000s);
}

TEST_F(TlsTest, RotationUnderLoadFailsNoCall) {
  start();
  const fakes::CertificateAuthority next("next CA");
  ASSERT_TRUE(roots_->use(ca_.pem() + next.pem()));
  constexpr int kCallers = 50;
  constexpr int kCalls = 40;
  const auto kept = make_transport({.max_idle_per_origin = kCallers});
  const auto fresh = make_transport({.max_idle_per_origin = 0});
  int done = 0;
  int failed = 0;
  std::vector<Cancel> calls(kCallers);
  std::function<void(int, int)> go = [&](int caller, int left) {
    Transport& transport = caller % 2 == 0 ? *kept : *fresh;
    calls[static_cast<std::size_t>(caller)] =
        transport.send(origin(), make_request("GET", "/hello"), {}, [&, caller, left](auto r) {
          failed += r && r->body == "hi" ? 0 : 1;
          ++done;
          if (left > 1) {
            go(caller, left - 1);
          }
        });
  };
  for (int i = 0; i < kCallers; ++i) {
    go(i, kCalls);
  }
  for (int turn = 1; turn <= 10; ++turn) {
    run_until([&] { return done >= turn * kCallers * kCalls / 12; });
    show((turn % 2 == 1 ? next : ca_).issue("server", "IP:127.0.0.1"));
  }
  run_until([&] { return done == kCallers * kCalls; });
  EXPECT_EQ(failed, 0);
  EXPECT_TRUE(failures_.empty());
}

TEST_F(TlsTest, DrainLetsAnswersFinishAndClosesTheRest) {
  start();
  const auto transport = make_transport();
  ASSERT_TRUE(get(*transport));
  RawClient half = connect();
  half.send(kHalfHandshake);
  settle();
  std::optional<Result<Response>> answer;
  const auto other = make_transport();
  const Cancel handle = other->send(origin(), make_request("GET", "/hold"), {},
                                    [&](Result<Response> r) { answer = std::move(r); });
  run_until([&] { return !held_.empty(); });
  bool drained = false;
  server_->drain(10s, [&] { drained = true; });
  wait_closed(half);
  EXPECT_FALSE(drained);
  held_[0]->reply(Response::text(200, "late"));
  run_until([&] { return answer && drained; });
  ASSERT_TRUE(*answer);
  EXPECT_EQ((*answer)->body, "late");
}

}  // namespace
}  // namespace berth::http::test
