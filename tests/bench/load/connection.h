#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <string>
#include <string_view>

#include "berth/base/error.h"

namespace berth::bench {

/// What came back for one request.
struct Answer {
  int status = 0;         ///< 0: no whole answer; `raw` then says why.
  std::string_view raw;   ///< Head and body; valid inside the callback.
  std::string_view body;  ///< Part of `raw`.
};

/// One keep-alive HTTP/1.1 connection of the load generator, one request at a time. It reads no
/// more of an answer than its status and Content-Length, so that the generator costs less than any
/// server it loads. One thread.
class Connection {
 public:
  using Done = std::function<void(const Answer&)>;

  explicit Connection(boost::asio::io_context& io) : socket_(io) {}
  /// Connects at once; the error names the address.
  Status connect(const std::string& host, std::uint16_t port);
  /// `done` runs once; it may call exchange() again. After a failure the connection is closed and
  /// each further exchange fails.
  void exchange(std::string request, Done done);

 private:
  void read();
  void look();
  void finish(const Answer& answer);
  void broken(const std::string& why);

  boost::asio::ip::tcp::socket socket_;
  std::string request_;
  std::string received_;
  std::size_t length_ = 0;  // of received_ that is filled
  Done done_;
};

}  // namespace berth::bench
