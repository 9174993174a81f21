#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "berth/http/message.h"

namespace berth::http {

/// Why a message was not understood. `status` is what a server answers to it.
struct ParseError {
  int status = 400;
  std::string message;
};

/// The start line and fields of a message, in our form.
struct Head {
  std::string method;  ///< Requests.
  std::string target;  ///< Requests.
  int status = 0;      ///< Responses.
  int version = 11;    ///< 10 or 11.
  bool keep_alive = true;
  bool chunked = false;
  std::optional<std::uint64_t> content_length;
  Headers headers;
};

/// One HTTP/1 message at a time from bytes that arrive in any pieces; Beast's parser underneath,
/// reused from message to message without allocating. Stricter than Beast: folded header lines, a
/// Transfer-Encoding other than "chunked", and more than 256 fields are refused.
class MessageParser {
 public:
  enum class Kind { kRequest, kResponse };
  MessageParser(Kind kind, std::uint64_t max_head_bytes);
  ~MessageParser();

  /// Forgets the message; the next bytes begin a new one. `no_body`: the response to a HEAD
  /// request.
  void reset(bool no_body = false);

  /// Takes bytes and returns how many were used; the caller shows the rest again, with more behind
  /// it. Stops behind the head, so that it can be judged before the body is read. Body bytes are
  /// appended to `body`, not more than `max_body` of them per call (give at least 1).
  std::size_t feed(std::string_view bytes, std::string& body, std::size_t max_body = SIZE_MAX);
  /// The peer has closed: completes a response that ends there. False if the message is cut short.
  bool end_of_stream();

  bool started() const;
  bool head_done() const;
  bool done() const;
  const std::optional<ParseError>& error() const;
  Head& head();
  const Head& head() const;
  /// Whether the connection may be used again when the message is complete.
  bool keep_alive() const { return head().keep_alive; }

 private:
  class Base;
  template <bool is_request>
  class Impl;
  std::unique_ptr<Base> impl_;
};

}  // namespace berth::http
