#pragma once

#include <array>
#include <boost/asio/buffer.hpp>
#include <string>
#include <string_view>

#include "berth/http/message.h"

namespace berth::http {

/// What one attempt to move bytes over a connection brought.
enum class Io { kDone, kAgain, kEnd, kError };

/// Most of a body that is handed on, or reserved before it has come, at a time. In bytes.
inline constexpr std::size_t kStreamChunk = 64u << 10;

/// The phrase after the status code; nobody reads it but people.
std::string_view reason_phrase(int status);

/// A field name that is a token, and a value without CR, LF, NUL or other control characters.
bool valid_field(std::string_view name, std::string_view value);
/// The first header that may not go on the wire, as an error; nothing if all may.
std::optional<Error> refuse_headers(const Headers& headers);
bool valid_method(std::string_view method);
bool valid_target(std::string_view target);

/// Content-Length, Transfer-Encoding, Connection and Keep-Alive: written by whoever frames the
/// message, never copied from a Headers object.
bool is_framing_field(std::string_view name);

void append_field(std::string& out, std::string_view name, std::string_view value);

/// "1f4\r\n".
std::string chunk_head(std::size_t size);

/// What waits to be written: three pieces that go out with one system call, so that large bodies
/// are not copied. A small message is copied into memory that is kept for the next one: many of
/// them wait at a time, and giving each its own block would go past what malloc keeps at hand.
class Outgoing {
 public:
  /// Small bodies are appended to the head.
  void set(std::string_view head, std::string body, std::string_view tail = {});
  void clear();

  std::array<boost::asio::const_buffer, 3> buffers() const;
  void consume(std::size_t n) { done_ += n; }
  void rewind() { done_ = 0; }
  bool empty() const { return done_ >= size(); }
  /// True while nothing has gone out yet.
  bool untouched() const { return done_ == 0; }

 private:
  std::size_t size() const { return head_.size() + body_.size() + tail_.size(); }

  std::string head_;
  std::string body_;
  std::string_view tail_;  ///< Static text.
  std::size_t done_ = 0;
};

}  // namespace berth::http
