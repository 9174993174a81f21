#include <atomic>

#include "tests/unit/http_cpprest/fixture.h"

namespace berth::http {
namespace {

using ::testing::HasSubstr;

/// Answers one request per connection.
class TlsServer {
 public:
  explicit TlsServer(ServerTls tls)
      : server_(
            [this](Peer& peer) {
              const std::string request = peer.read_request();
              if (request.empty()) {
                return;
              }
              const std::lock_guard lock(mutex_);
              requests_.push_back(request);
              peer.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
            },
            std::move(tls)) {}

  std::string origin(const std::string& host = "127.0.0.1") const { return server_.origin(host); }
  std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  RawServer server_;
};

class CpprestTlsTest : public CpprestTest {
 protected:
  CpprestTlsTest() { settings_.ca_pem = ca_.pem(); }

  /// A new transport with `settings_` as they are now.
  Result<Response> get_with_settings(const std::string& origin) {
    transport_ = make_cpprest_transport(loop_, [settings = settings_] { return settings; });
    return get(origin);
  }
  static void expect_refused(const Result<Response>& response, const std::string& why) {
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, ErrorCode::kUnavailable);
    EXPECT_EQ(response.error().reason, "ConnectFailed") << response.error().text();
    EXPECT_THAT(response.error().message, HasSubstr(why));
  }

  CertificateAuthority ca_{"berth test CA"};
  TlsSettings settings_;
};

TEST_F(CpprestTlsTest, TrustsItsOwnCaByAddressAndByName) {
  TlsServer server({ca_.issue("api", "DNS:localhost,IP:127.0.0.1"), ""});
  const auto by_address = get_with_settings(server.origin());
  ASSERT_TRUE(by_address) << by_address.error().text();
  EXPECT_EQ(by_address->body, "ok");
  const auto by_name = get_with_settings(server.origin("localhost"));
  EXPECT_TRUE(by_name) << by_name.error().text();
}

TEST_F(CpprestTlsTest, RefusesACertificateForAnotherName) {
  TlsServer server({ca_.issue("other", "DNS:other.example,IP:127.0.0.2"), ""});
  expect_refused(get_with_settings(server.origin()), "certificate verify failed");
  expect_refused(get_with_settings(server.origin("localhost")), "certificate verify failed");
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(CpprestTlsTest, RefusesAnUnknownCa) {
  const CertificateAuthority stranger("stranger");
  TlsServer server({stranger.issue("api", "IP:127.0.0.1"), ""});
  expect_refused(get_with_settings(server.origin()), "certificate verify failed");
  const CertificateAuthority impostor("berth test CA");
  TlsServer impostors({impostor.issue("api", "IP:127.0.0.1"), ""});
  expect_refused(get_with_settings(impostors.origin()), "handshake");
  // And without settings, where the system's roots count.
  transport_ = make_cpprest_transport(loop_);
  expect_refused(get(server.origin()), "certificate verify failed");
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(CpprestTlsTest, ChecksTheServerNameInsteadOfTheHostWhenToldOne) {
  TlsServer server({ca_.issue("api", "DNS:kubernetes.default.svc"), ""});
  expect_refused(get_with_settings(server.origin()), "certificate verify failed");
  settings_.server_name = "kubernetes.default.svc";
  const auto response = get_with_settings(server.origin());
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(header(server.requests().back(), "Host"), "kubernetes.default.svc");
  settings_.server_name = "kubernetes";
  expect_refused(get_with_settings(server.origin()), "certificate verify failed");
}

TEST_F(CpprestTlsTest, SkipsVerificationOnlyWhenAsked) {
  const CertificateAuthority stranger("stranger");
  TlsServer server({stranger.issue("api", "DNS:other"), ""});
  settings_.insecure_skip_verify = true;
  EXPECT_TRUE(get_with_settings(server.origin()));
}

TEST_F(CpprestTlsTest, ShowsItsClientCertificate) {
  TlsServer server({ca_.issue("api", "IP:127.0.0.1"), ca_.pem()});
  expect_refused(get_with_settings(server.origin()), "handshake");
  EXPECT_TRUE(server.requests().empty());

  const Certificate client = ca_.issue("operator", "DNS:operator");
  settings_.client_cert_pem = client.cert_pem;
  settings_.client_key_pem = client.key_pem;
  const auto response = get_with_settings(server.origin());
  EXPECT_TRUE(response) << response.error().text();

  const Certificate stranger = CertificateAuthority("stranger").issue("operator", "DNS:operator");
  settings_.client_cert_pem = stranger.cert_pem;
  settings_.client_key_pem = stranger.key_pem;
  expect_refused(get_with_settings(server.origin()), "handshake");
}

TEST_F(CpprestTlsTest, ANewConnectionUsesRotatedCertificates) {
  const CertificateAuthority next("next CA");
  TlsServer old_server({ca_.issue("api", "IP:127.0.0.1"), ""});
  TlsServer new_server({next.issue("api", "IP:127.0.0.1"), ""});
  std::atomic<bool> rotated{false};
  transport_ = make_cpprest_transport(loop_, [&] {
    TlsSettings settings;
    settings.ca_pem = rotated ? next.pem() : ca_.pem();
    return settings;
  });
  ASSERT_TRUE(get(old_server.origin()));
  expect_refused(get(new_server.origin()), "certificate verify failed");
  rotated = true;
  EXPECT_TRUE(get(new_server.origin()));
  expect_refused(get(old_server.origin()), "certificate verify failed");
}

TEST_F(CpprestTlsTest, AnErrorNamesTheSettingThatIsNoPem) {
  const Certificate server_certificate = ca_.issue("api", "IP:127.0.0.1");
  TlsServer server({server_certificate, ""});
  settings_.ca_pem = "not pem";
  expect_refused(get_with_settings(server.origin()), "CA bundle");
  settings_.ca_pem = ca_.pem();
  settings_.client_cert_pem = "not pem";
  expect_refused(get_with_settings(server.origin()), "client certificate");
  settings_.client_cert_pem = ca_.issue("a", "DNS:a").cert_pem;
  settings_.client_key_pem = ca_.issue("b", "DNS:b").key_pem;
  expect_refused(get_with_settings(server.origin()), "client key");
}

TEST_F(CpprestTlsTest, PlainHttpToATlsPortIsAConnectionLost) {
  TlsServer server({ca_.issue("api", "IP:127.0.0.1"), ""});
  const auto response = get("http" + server.origin().substr(5));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace berth::http
