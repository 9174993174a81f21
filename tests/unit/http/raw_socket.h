#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace berth::http::test {

/// A TCP client that speaks whatever bytes the test says. Never blocks: the test runs the loop
/// between two looks.
class RawClient {
 public:
  /// `receive_buffer`: a small one makes the peer's writes block soon.
  explicit RawClient(std::uint16_t port, int receive_buffer = 0);
  explicit RawClient(int connected_fd);
  ~RawClient();
  RawClient(RawClient&& other) noexcept;
  RawClient& operator=(RawClient&&) = delete;

  /// Bytes that the kernel took.
  std::size_t send(std::string_view bytes);
  /// Reads what is there, at most `most` bytes.
  void poll(std::size_t most = SIZE_MAX);
  const std::string& received() const { return received_; }
  void forget() { received_.clear(); }
  bool saw(std::string_view text) const { return received_.find(text) != std::string::npos; }
  int count(std::string_view text) const;
  /// The peer has closed, cleanly or not.
  bool closed() const { return closed_; }
  bool reset() const { return reset_; }

  void shut_down_send();
  void close();
  /// Closes with a reset.
  void abort();
  /// Goes without a word, as a machine that lost its power. False where that is not allowed
  /// (CAP_NET_ADMIN).
  bool vanish();
  /// Our end's port.
  std::uint16_t local_port() const;

 private:
  int fd_ = -1;
  std::string received_;
  bool closed_ = false;
  bool reset_ = false;
};

/// A listening socket on 127.0.0.1 whose side of the talk the test writes by hand.
class RawServer {
 public:
  RawServer();
  ~RawServer();
  std::uint16_t port() const { return port_; }
  std::string origin() const { return "http://127.0.0.1:" + std::to_string(port_); }
  /// A connected descriptor, or -1 when nobody waits.
  int accept();
  /// Refuses connections from now on.
  void close();

 private:
  int fd_ = -1;
  std::uint16_t port_ = 0;
};

}  // namespace berth::http::test
