#include "lib/http/src/wire.h"

#include <charconv>

#include "lib/http/src/ascii.h"

namespace berth::http {

namespace {

// Copying this much costs less than another piece in a gather write.
constexpr std::size_t kCopyBelow = 16u << 10;
// More than this is not kept for the next message: thousands of connections may be idle.
constexpr std::size_t kKeepBelow = 2u << 10;

bool token_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), token_char);
}

}  // namespace

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 302:
      return "Found";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 413:
      return "Payload Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Entity";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 499:
      return "Client Closed Request";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Status";
  }
}

bool valid_field(std::string_view name, std::string_view value) {
  return is_token(name) && std::none_of(value.begin(), value.end(), [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return (byte < 0x20 && c != '\t') || byte == 0x7f;
         });
}

std::optional<Error> refuse_headers(const Headers& headers) {
  for (const auto& [name, value] : headers) {
    if (!valid_field(name, value)) {
      return Error::invalid("headers",
                            "the header \"" + percent_encode(name.substr(0, 100)) +
                                "\" has a name or value that may not be sent (control character)");
    }
  }
  return std::nullopt;
}

bool valid_method(std::string_view method) {
  return is_token(method);
}

bool valid_target(std::string_view target) {
  return !target.empty() && target.front() == '/' &&
         std::none_of(target.begin(), target.end(), [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte <= 0x20 || byte == 0x7f;
         });
}

bool is_framing_field(std::string_view name) {
  switch (name.size()) {
    case 10:
      return ascii_iequals(name, "Connection") || ascii_iequals(name, "Keep-Alive");
    case 14:
      return ascii_iequals(name, "Content-Length");
    case 17:
      return ascii_iequals(name, "Transfer-Encoding");
    default:
      return false;
  }
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

std::string chunk_head(std::size_t size) {
  std::array<char, 20> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), size, 16).ptr;
  return std::string(text.data(), end).append("\r\n");
}

void Outgoing::clear() {
  set({}, {});
  if (head_.capacity() > kKeepBelow) {
    head_.shrink_to_fit();
  }
}

void Outgoing::set(std::string_view head, std::string body, std::string_view tail) {
  head_.assign(head);
  tail_ = tail;
  done_ = 0;
  if (body.size() <= kCopyBelow) {
    head_.append(body).append(tail);
    body_.clear();
    tail_ = {};
  } else {
    body_ = std::move(body);
  }
}

std::array<boost::asio::const_buffer, 3> Outgoing::buffers() const {
  std::array<boost::asio::const_buffer, 3> out;
  std::size_t skip = done_;
  std::size_t i = 0;
  for (const std::string_view piece : {std::string_view(head_), std::string_view(body_), tail_}) {
    const std::size_t cut = std::min(skip, piece.size());
    skip -= cut;
    out[i++] = boost::asio::const_buffer(piece.data() + cut, piece.size() - cut);
  }
  return out;
}

}  // namespace berth::http
