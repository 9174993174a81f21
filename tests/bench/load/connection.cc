#include "tests/bench/load/connection.h"

#include <boost/asio/write.hpp>
#include <charconv>
#include <utility>

namespace berth::bench {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kReadAtLeast = 4096;
constexpr std::size_t kMostBytes = 4u << 20;
constexpr std::string_view kLength = "\r\nContent-Length: ";

std::size_t number_after(std::string_view text, std::size_t at) {
  std::size_t value = 0;
  std::from_chars(text.data() + at, text.data() + text.size(), value);
  return value;
}

}  // namespace

Status Connection::connect(const std::string& host, std::uint16_t port) {
  boost::system::error_code ec;
  const auto address = asio::ip::make_address(host, ec);
  if (!ec) {
    socket_.connect({address, port}, ec);
  }
  if (ec) {
    return fail(
        Error::make(ErrorCode::kUnavailable, "",
                    "connecting to " + host + ":" + std::to_string(port) + ": " + ec.message()));
  }
  socket_.set_option(asio::ip::tcp::no_delay(true), ec);
  return {};
}

void Connection::exchange(std::string request, Done done) {
  request_ = std::move(request);
  done_ = std::move(done);
  length_ = 0;
  asio::async_write(socket_, asio::buffer(request_),
                    [this](boost::system::error_code ec, std::size_t) {
                      ec ? broken("sending: " + ec.message()) : read();
                    });
}

void Connection::read() {
  if (received_.size() - length_ < kReadAtLeast) {
    received_.resize(received_.size() + kReadAtLeast);
  }
  socket_.async_read_some(asio::buffer(received_.data() + length_, received_.size() - length_),
                          [this](boost::system::error_code ec, std::size_t bytes) {
                            if (ec) {
                              broken("reading: " + ec.message());
                              return;
                            }
                            length_ += bytes;
                            look();
                          });
}

void Connection::look() {
  const std::string_view text(received_.data(), length_);
  const std::size_t end = text.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    length_ > kMostBytes ? broken("an endless head") : read();
    return;
  }
  const std::size_t head = end + 4;
  const std::size_t field = text.substr(0, head).find(kLength);
  if (field == std::string_view::npos || !text.starts_with("HTTP/1.1 ")) {
    broken("an answer without Content-Length");
    return;
  }
  const std::size_t whole = head + number_after(text, field + kLength.size());
  if (whole > kMostBytes || length_ > whole) {
    broken("an answer longer than its Content-Length or than 4 MiB");
  } else if (length_ < whole) {
    read();
  } else {
    finish({static_cast<int>(number_after(text, 9)), text, text.substr(head)});
  }
}

void Connection::finish(const Answer& answer) {
  const Done done = std::exchange(done_, nullptr);
  done(answer);
}

void Connection::broken(const std::string& why) {
  boost::system::error_code ignored;
  socket_.close(ignored);
  finish({0, why, {}});
}

}  // namespace berth::bench
