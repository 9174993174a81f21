#include "berth/auth/tls_files.h"

#include <gmock/gmock.h>

#include "berth/base/file.h"
#include "tests/fakes/certificates.h"
#include "tests/fakes/manual_loop.h"
#include "tests/fakes/temp_dir.h"

namespace berth::auth {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class TlsFilesTest : public ::testing::Test {
 protected:
  void write(const fakes::Certificate& pair) {
    ASSERT_TRUE(write_file_atomic(files_.certificate, pair.cert_pem));
    ASSERT_TRUE(write_file_atomic(files_.key, pair.key_pem));
  }
  int lines(std::string_view text) const {
    return static_cast<int>(std::count_if(lines_.begin(), lines_.end(), [&](const auto& line) {
      return line.find(text) != std::string::npos;
    }));
  }
  bool metric(const std::string& line) const {
    return metrics_.text().find("\n" + line + "\n") != std::string::npos;
  }

  fakes::TempDir dir_;
  TlsFiles files_{(dir_.path() / "tls.crt").string(), (dir_.path() / "tls.key").string()};
  fakes::CertificateAuthority ca_{"ca"};
  fakes::ManualLoop loop_;
  Metrics metrics_;
  std::vector<std::string> lines_;
  Log log_ = Log::to_function([this](const std::string& line) { lines_.push_back(line); });
};

TEST_F(TlsFilesTest, AMissingOrWrongFileIsAnErrorThatNamesIt) {
  const auto refused = [&] {
    ServedCertificate served(loop_, files_, "", metrics_, log_);
    const auto started = served.start();
    EXPECT_FALSE(started);
    return started ? "" : started.error().text();
  };
  EXPECT_THAT(refused(), HasSubstr("tls.crt"));
  ASSERT_TRUE(write_file_atomic(files_.certificate, "junk"));
  EXPECT_THAT(refused(), HasSubstr("tls.key"));
  ASSERT_TRUE(write_file_atomic(files_.key, "junk"));
  EXPECT_THAT(refused(), HasSubstr("no certificate in PEM"));
  ASSERT_TRUE(write_file_atomic(files_.certificate, std::string((1u << 20) + 1, 'x')));
  EXPECT_THAT(refused(), HasSubstr("tls.crt"));
}

TEST_F(TlsFilesTest, AChangedPairIsLoadedAndCounted) {
  write(ca_.issue("a", "DNS:a", 1000s));
  ServedCertificate served(loop_, files_, "", metrics_, log_, 10s);
  ASSERT_TRUE(served.start());
  int changes = 0;
  served.on_change([&] { ++changes; });
  http::ServerOptions options;
  served.apply(options);
  ASSERT_NE(options.tls, nullptr);
  const WallTime first = options.tls->not_after();
  write(ca_.issue("a", "DNS:a", 2000s));
  loop_.advance(9s);
  EXPECT_EQ(options.tls->not_after(), first);
  loop_.advance(1s);
  EXPECT_GE(options.tls->not_after() - first, 999s);
  loop_.advance(30s);
  EXPECT_EQ(changes, 1);
  EXPECT_TRUE(metric("berth_tls_certificate_reloads_total{result=\"loaded\"} 1"));
  EXPECT_TRUE(metric("berth_tls_certificate_reloads_total{result=\"refused\"} 0"));
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(options.tls->not_after().time_since_epoch());
  EXPECT_THAT(metrics_.text(), HasSubstr("berth_tls_certificate_not_after_timestamp_seconds " +
                                         std::to_string(seconds.count())));
  EXPECT_LT(options.tls->not_before(), SystemClock().wall_now());
  EXPECT_THAT(metrics_.text(), HasSubstr("berth_tls_certificate_not_before_timestamp_seconds 1"));
}

TEST_F(TlsFilesTest, APairThatDoesNotFitIsSaidOnceAndTheOldOneStays) {
  write(ca_.issue("a", "DNS:a", 1000s));
  ServedCertificate served(loop_, files_, "", metrics_, log_, 10s);
  ASSERT_TRUE(served.start());
  http::ServerOptions options;
  served.apply(options);
  const WallTime first = options.tls->not_after();
  ASSERT_TRUE(write_file_atomic(files_.certificate, ca_.issue("b", "DNS:b", 5000s).cert_pem));
  loop_.advance(100s);
  EXPECT_EQ(options.tls->not_after(), first);
  EXPECT_EQ(lines("\"level\":\"warn\""), 1);
  EXPECT_EQ(lines("not the key of the certificate"), 1);
  EXPECT_TRUE(metric("berth_tls_certificate_reloads_total{result=\"refused\"} 1"));
  write(ca_.issue("c", "DNS:c", 5000s));
  loop_.advance(10s);
  EXPECT_GT(options.tls->not_after(), first);
  EXPECT_TRUE(metric("berth_tls_certificate_reloads_total{result=\"loaded\"} 1"));
}

TEST_F(TlsFilesTest, ACertificateForOtherNamesIsNoneForThisServer) {
  write(ca_.issue("a", "DNS:workers.prod.berth"));
  ServedCertificate wrong(loop_, files_, "workers.test.berth", metrics_, log_);
  const auto started = wrong.start();
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().text(),
              HasSubstr("is not for workers.test.berth (it is for workers.prod.berth)"));
  write(ca_.issue("a", "DNS:*.test.berth", 1000s));
  ServedCertificate served(loop_, files_, "workers.test.berth", metrics_, log_, 10s);
  ASSERT_TRUE(served.start()) << "a wildcard";
  http::ServerOptions options;
  served.apply(options);
  const WallTime first = options.tls->not_after();
  write(ca_.issue("a", "DNS:workers.prod.berth", 2000s));
  loop_.advance(10s);
  EXPECT_EQ(options.tls->not_after(), first) << "what was shown stays";
  EXPECT_EQ(lines("is not for workers.test.berth"), 1);
}

TEST_F(TlsFilesTest, OneOfThePairAloneIsAnErrorThatNamesTheOther) {
  EXPECT_TRUE(check({}, "--cert", "--key"));
  EXPECT_TRUE(check({"a", "b"}, "--cert", "--key"));
  EXPECT_EQ(check({"a", ""}, "--cert", "--key").error().field, "--key");
  EXPECT_EQ(check({"", "b"}, "--cert", "--key").error().field, "--cert");
}

TEST_F(TlsFilesTest, AnExpiredCertificateIsShownWithAWarning) {
  write(ca_.issue("a", "DNS:a", -60s));
  loop_.manual_clock().jump_wall(SystemClock().wall_now() - loop_.clock().wall_now());
  ServedCertificate served(loop_, files_, "", metrics_, log_);
  ASSERT_TRUE(served.start());
  EXPECT_EQ(lines("has expired"), 1);
}

TEST_F(TlsFilesTest, FailedHandshakesAreCountedAndAFewOfThemLogged) {
  write(ca_.issue("a", "DNS:a"));
  ServedCertificate served(loop_, files_, "", metrics_, log_);
  ASSERT_TRUE(served.start());
  http::ServerOptions options;
  served.apply(options);
  for (int i = 0; i < 100; ++i) {
    options.on_handshake_failed("10.0.0.1:5", "why");
  }
  EXPECT_EQ(lines("TLS handshake failed"), 1);
  loop_.advance(10s);
  options.on_handshake_failed("10.0.0.1:5", "why");
  EXPECT_EQ(lines("TLS handshake failed"), 2);
  EXPECT_EQ(lines("\"more\":99"), 1);
  EXPECT_TRUE(metric("berth_tls_handshake_failures_total 101"));
}

TEST_F(TlsFilesTest, ABundleIsFollowedAndABrokenOneChangesNothing) {
  const auto path = dir_.path() / "ca.crt";
  TrustedRootsFile file(loop_, path, log_, 10s);
  const auto started = file.start();
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().text(), HasSubstr("ca.crt"));
  ASSERT_TRUE(write_file_atomic(path, ca_.pem()));
  ASSERT_TRUE(file.start());
  int changes = 0;
  file.on_change([&] { ++changes; });
  ASSERT_TRUE(write_file_atomic(path, "junk"));
  loop_.advance(30s);
  EXPECT_EQ(changes, 0);
  EXPECT_EQ(lines("no certificate in PEM"), 1);
  ASSERT_TRUE(write_file_atomic(path, fakes::CertificateAuthority("next").pem()));
  loop_.advance(10s);
  EXPECT_EQ(changes, 1);
}

TEST_F(TlsFilesTest, ATransportIsNotMadeOnABundleThatCannotBeRead) {
  AsioLoop loop;
  const auto made = VerifiedTransport::make(loop, (dir_.path() / "ca.crt").string(), {}, log_);
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().text(), HasSubstr("ca.crt"));
  EXPECT_TRUE(VerifiedTransport::make(loop, "", {}, log_));
}

}  // namespace
}  // namespace berth::auth
