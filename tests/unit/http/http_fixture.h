#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "berth/http/server.h"
#include "berth/http/transport.h"
#include "tests/fakes/certificates.h"
#include "tests/unit/http/raw_socket.h"

namespace berth::http::test {

/// Real sockets on loopback and a real loop, all on the test's thread: after each callback of the
/// loop the condition is looked at again, so nothing is guessed about time.
class HttpTest : public testing::Test {
 protected:
  using Condition = std::function<bool()>;

  /// Runs the loop until `condition` holds; fails the test after ten seconds.
  void run_until(const Condition& condition, const char* what = "the condition");
  /// Lets the loop do everything that is ready now.
  void settle();

  /// From the next start() on the server speaks https, for 127.0.0.1, ::1 and localhost.
  void use_tls();
  Server& start(ServerLimits limits = {});
  Server& start(ServerOptions options);
  /// Connected and accepted.
  RawClient connect(int receive_buffer = 0);
  void wait_for(RawClient& client, std::string_view text);
  void wait_closed(RawClient& client);
  /// What a fresh connection gets for `bytes`, read to its end.
  std::string answer_to(std::string_view bytes);

  /// Sends with the Beast transport and waits for the answer.
  Result<Response> call(Transport& transport, const std::string& origin, Request request,
                        CallOptions options = {});
  Result<std::string> next_chunk(BodySource& source);
  Result<std::string> drain_source(const std::shared_ptr<BodySource>& source);
  std::string origin() const { return scheme_ + server_->address(); }
  /// A transport that trusts `ca_`.
  std::unique_ptr<Transport> make_transport(BeastTransportSettings settings = {});

  AsioLoop loop_;
  Router router_;
  std::string scheme_ = "http://";
  fakes::CertificateAuthority ca_{"berth test CA"};
  ServerIdentity identity_;
  std::shared_ptr<TrustedRoots> roots_ = std::make_shared<TrustedRoots>();
  std::unique_ptr<Server> server_;
};

Request make_request(std::string method, std::string target, std::string body = {});

/// A source that the test fills by hand.
class ManualSource final : public BodySource {
 public:
  void next(ChunkFn fn) override {
    ++asked;
    fn_ = std::move(fn);
  }
  void give(Result<std::string> chunk) { std::exchange(fn_, nullptr)(std::move(chunk)); }
  bool waiting() const { return fn_ != nullptr; }
  std::optional<std::uint64_t> length() const override { return size; }

  int asked = 0;
  std::optional<std::uint64_t> size;

 private:
  ChunkFn fn_;
};

}  // namespace berth::http::test
