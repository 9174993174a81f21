#include "berth/auth/tls_files.h"

#include <utility>

#include "berth/base/file.h"

namespace berth::auth {
namespace {

// Chains are a few KiB; a bundle of all public authorities is about 220 KiB.
constexpr std::uint64_t kMaxPemBytes = 1u << 20;
constexpr Duration kBetweenLines = std::chrono::seconds(10);
constexpr int kReadAttempts = 3;

auto named(const char* what, const std::filesystem::path& path) {
  return
      [text = std::string(what) + " " + path.string()](Error e) { return std::move(e).wrap(text); };
}

}  // namespace

Status check(const TlsFiles& files, const char* certificate_setting, const char* key_setting) {
  if (files.certificate.empty() != files.key.empty()) {
    return fail(Error::invalid(files.key.empty() ? key_setting : certificate_setting,
                               "is missing: certificate and key go together"));
  }
  return {};
}

ServedCertificate::ServedCertificate(EventLoop& loop, TlsFiles files, std::string name,
                                     Metrics& metrics, const Log& log, Duration period)
    : MountedFile(loop, files.certificate, log, period,
                  "certificate not loaded; the old one is shown on"),
      loop_(loop),
      files_(std::move(files)),
      name_(std::move(name)),
      not_before_(metrics.gauge("berth_tls_certificate_not_before_timestamp_seconds",
                                "When the certificate shown to callers began to be valid")),
      not_after_(metrics.gauge("berth_tls_certificate_not_after_timestamp_seconds",
                               "When the certificate shown to callers expires")),
      loaded_(metrics.counter("berth_tls_certificate_reloads_total",
                              "Changed certificate files that were read, by what came of it",
                              {{"result", "loaded"}})),
      rejected_(metrics.counter("berth_tls_certificate_reloads_total",
                                "Changed certificate files that were read, by what came of it",
                                {{"result", "refused"}})),
      failures_(metrics.counter("berth_tls_handshake_failures_total",
                                "Connections that ended before their TLS handshake did")) {}

void ServedCertificate::apply(http::ServerOptions& options) {
  options.tls = &identity_;
  options.on_handshake_failed = [this](const std::string& peer, const std::string& why) {
    handshake_failed(peer, why);
  };
}

Result<bool> ServedCertificate::load() {
  const std::string chain = chain_;
  const std::string key = key_;
  BERTH_TRY(read());
  if (chain != chain_ || key != key_) {
    const bool first = chain.empty();
    const Status used = identity_.use(chain_, key_, name_);
    refused_ = used ? "" : used.error().text();
    if (!first) {
      (used ? loaded_ : rejected_).inc();
    }
    if (used) {
      const auto expires = identity_.not_after();
      const auto seconds = [](WallTime t) {
        return std::chrono::duration<double>(t.time_since_epoch()).count();
      };
      not_before_.set(seconds(identity_.not_before()));
      not_after_.set(seconds(expires));
      log_.info("certificate loaded", {{"expires", format_rfc3339(expires)}});
      if (expires <= loop_.clock().wall_now()) {
        log_.warn("the certificate has expired; callers will refuse it",
                  {{"expired", format_rfc3339(expires)}});
      }
      return true;
    }
  }
  if (!refused_.empty()) {
    return fail(
        Error::make(ErrorCode::kInvalidArgument, "",
                    "the pair " + files_.certificate + ", " + files_.key + ": " + refused_));
  }
  return false;
}

// A mount is swapped as a whole, and perhaps between two reads: a pair is what stood still.
Status ServedCertificate::read() {
  for (int i = 0; i < kReadAttempts; ++i) {
    BERTH_ASSIGN(std::string chain, read_file(files_.certificate, kMaxPemBytes)
                                        .map_error(named("reading", files_.certificate)));
    BERTH_ASSIGN(std::string key,
                 read_file(files_.key, kMaxPemBytes).map_error(named("reading", files_.key)));
    BERTH_ASSIGN(const std::string again, read_file(files_.certificate, kMaxPemBytes)
                                              .map_error(named("reading", files_.certificate)));
    if (chain == again) {
      chain_ = std::move(chain);
      key_ = std::move(key);
      return {};
    }
  }
  return fail(Error::make(ErrorCode::kUnavailable, "",
                          files_.certificate + " is being written; it is read again later"));
}

void ServedCertificate::handshake_failed(const std::string& peer, const std::string& why) {
  failures_.inc();
  const TimePoint now = loop_.clock().now();
  if (now < next_line_) {
    ++unsaid_;
    return;
  }
  next_line_ = now + kBetweenLines;
  log_.info("TLS handshake failed",
            {{"peer", peer}, {"why", why}, {"more", std::exchange(unsaid_, 0)}});
}

TrustedRootsFile::TrustedRootsFile(EventLoop& loop, std::filesystem::path path, const Log& log,
                                   Duration period)
    : MountedFile(loop, std::move(path), log, period, "CA bundle not loaded; the old one counts") {}

Result<bool> TrustedRootsFile::load() {
  BERTH_ASSIGN(std::string pem,
               read_file(path_, kMaxPemBytes).map_error(named("reading the CA bundle", path_)));
  if (pem == loaded_) {
    return false;
  }
  BERTH_TRY(roots_->use(pem).map_error(named("the CA bundle", path_)));
  loaded_ = std::move(pem);
  log_.info("CA bundle loaded");
  return true;
}

Result<std::unique_ptr<VerifiedTransport>> VerifiedTransport::make(
    AsioLoop& loop, const std::string& ca_file, http::BeastTransportSettings settings,
    const Log& log) {
  std::unique_ptr<VerifiedTransport> out(new VerifiedTransport);
  if (!ca_file.empty()) {
    out->roots_ = std::make_unique<TrustedRootsFile>(loop, ca_file, log);
    BERTH_TRY(out->roots_->start());
    settings.roots = out->roots_->roots();
  }
  out->transport_ = http::make_beast_transport(loop, std::move(settings));
  return out;
}

}  // namespace berth::auth
