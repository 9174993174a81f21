#include "lib/http/src/parser.h"

#include <boost/beast/http/basic_parser.hpp>
#include <limits>

#include "lib/http/src/ascii.h"

namespace berth::http {

namespace beast = boost::beast;
using beast::string_view;
using BeastError = beast::error_code;

namespace {

constexpr std::size_t kMaxFields = 256;
// Chunk sizes with their extensions, and trailers.
constexpr std::size_t kMaxChunkHead = 8u << 10;

// What is left of a chunked body before any chunk: "0\r\n\r\n" or more. Beast 1.74 aborts (an
// assertion in parse_chunk_header) when the first chunk is the last and comes in pieces shorter
// than this.
constexpr std::size_t kLeastChunked = 5;

BeastError stop() {
  return beast::http::error::end_of_stream;
}

std::string_view sv(string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

class MessageParser::Base {
 public:
  virtual ~Base() = default;
  virtual void reset(bool no_body) = 0;
  virtual std::size_t feed(std::string_view bytes, std::string& body, std::size_t max_body) = 0;
  virtual bool end_of_stream() = 0;
  virtual bool started() const = 0;
  virtual bool head_done() const = 0;
  virtual bool done() const = 0;

  Head head;
  std::optional<ParseError> error;
};

template <bool is_request>
class MessageParser::Impl final : public Base {
 public:
  explicit Impl(std::uint64_t max_head_bytes) : max_head_(max_head_bytes) { reset(false); }

  void reset(bool no_body) override {
    head = Head();
    error.reset();
    head_bytes_ = 0;
    fields_ = 0;
    chunk_left_ = 0;
    parser_.emplace(*this);
    parser_->header_limit(static_cast<std::uint32_t>(
        std::min<std::uint64_t>(max_head_, std::numeric_limits<std::uint32_t>::max())));
    // Not boost::none: Beast 1.74 then refuses every Content-Length. The caller counts the body
    // itself.
    parser_->body_limit(std::numeric_limits<std::uint64_t>::max());
    parser_->skip(no_body);
  }

  std::size_t feed(std::string_view bytes, std::string& body, std::size_t max_body) override {
    std::size_t used = 0;
    body_ = &body;
    room_ = max_body;
    while (used < bytes.size() && !error && !parser_->is_done() && room_ > 0) {
      const bool in_head = !parser_->is_header_done();
      if (!in_head && head.chunked && chunk_left_ == 0 && bytes[used] == '0' &&
          bytes.size() - used < kLeastChunked) {
        break;
      }
      input_ = bytes.substr(used);
      BeastError ec;
      const std::size_t n = parser_->put({input_.data(), input_.size()}, ec);
      used += n;
      if (in_head) {
        head_bytes_ += n;
      }
      check(ec, in_head, bytes.size() - used);
      if (ec == beast::http::error::need_more || (in_head && parser_->is_header_done())) {
        break;
      }
    }
    body_ = nullptr;
    return used;
  }

  bool end_of_stream() override {
    if (error || !parser_->got_some()) {
      return false;
    }
    BeastError ec;
    if (!parser_->is_done()) {
      parser_->put_eof(ec);
    }
    return !ec && parser_->is_done();
  }

  bool started() const override { return parser_->got_some(); }
  bool head_done() const override { return parser_->is_header_done(); }
  bool done() const override { return !error && parser_->is_done(); }

 private:
  class Parser final : public beast::http::basic_parser<is_request> {
   public:
    explicit Parser(Impl& owner) : owner_(owner) {}

   private:
    void on_request_impl(beast::http::verb, string_view method, string_view target, int version,
                         BeastError&) override {
      owner_.head.method = sv(method);
      owner_.head.target = sv(target);
      owner_.head.version = version;
    }
    void on_response_impl(int code, string_view, int version, BeastError&) override {
      owner_.head.status = code;
      owner_.head.version = version;
    }
    void on_field_impl(beast::http::field name, string_view text, string_view value,
                       BeastError& ec) override {
      owner_.on_field(name, sv(text), sv(value), ec);
    }
    void on_header_impl(BeastError& ec) override { owner_.on_head(ec); }
    void on_body_init_impl(boost::optional<std::uint64_t> const&, BeastError&) override {}
    std::size_t on_body_impl(string_view bytes, BeastError&) override { return owner_.take(bytes); }
    void on_chunk_header_impl(std::uint64_t size, string_view, BeastError&) override {
      owner_.chunk_left_ = size;
    }
    std::size_t on_chunk_body_impl(std::uint64_t, string_view bytes, BeastError&) override {
      const std::size_t n = owner_.take(bytes);
      owner_.chunk_left_ -= n;
      return n;
    }
    void on_finish_impl(BeastError&) override {}

    Impl& owner_;
  };

  void refuse(int status, std::string message, BeastError& ec) {
    error = ParseError{status, std::move(message)};
    ec = stop();
  }

  void on_field(beast::http::field name, std::string_view text, std::string_view value,
                BeastError& ec) {
    if (parser_->is_header_done()) {
      return;  // A trailer.
    }
    // Beast joins folded lines in a buffer of its own; every other value points into the input.
    const bool folded = !value.empty() && (value.data() < input_.data() ||
                                           value.data() >= input_.data() + input_.size());
    if (folded) {
      return refuse(400, "a header line is folded (obsolete in RFC 9112)", ec);
    }
    if (++fields_ > kMaxFields) {
      return refuse(431, "more than " + std::to_string(kMaxFields) + " header fields", ec);
    }
    if (name == beast::http::field::transfer_encoding) {
      if (!ascii_iequals(value, "chunked")) {
        return refuse(501, "the only Transfer-Encoding understood is chunked", ec);
      }
      head.chunked = true;
    }
    head.headers.add(std::string(text), std::string(value));
  }

  void on_head(BeastError& ec) {
    if (head.chunked && head.version < 11) {
      return refuse(400, "Transfer-Encoding needs HTTP/1.1", ec);
    }
  }

  std::size_t take(string_view bytes) {
    const std::size_t n = std::min(bytes.size(), room_);
    body_->append(bytes.data(), n);
    room_ -= n;
    return n;
  }

  void check(BeastError& ec, bool in_head, std::size_t left) {
    if (error) {
      return;
    }
    if (in_head && parser_->is_header_done() && !ec) {
      head.keep_alive = parser_->keep_alive();
      if (const auto length = parser_->content_length()) {
        head.content_length = *length;
      }
    }
    const bool more = ec == beast::http::error::need_more;
    // Beast limits each piece of a head; only the sum is worth a limit.
    if (ec == beast::http::error::header_limit ||
        (in_head && head_bytes_ + (more ? left : 0) > max_head_)) {
      error = ParseError{431, "the header is larger than " + std::to_string(max_head_) + " bytes"};
    } else if (more && !in_head && left > kMaxChunkHead) {
      error = ParseError{400, "the head of a chunk is too long"};
    } else if (ec && !more) {
      error = ParseError{400, "not HTTP/1.1: " + ec.message()};
    }
  }

  const std::uint64_t max_head_;
  std::uint64_t head_bytes_ = 0;
  std::size_t fields_ = 0;
  std::uint64_t chunk_left_ = 0;
  std::optional<Parser> parser_;
  std::string_view input_;
  std::string* body_ = nullptr;
  std::size_t room_ = 0;
};

MessageParser::MessageParser(Kind kind, std::uint64_t max_head_bytes) {
  if (kind == Kind::kRequest) {
    impl_ = std::make_unique<Impl<true>>(max_head_bytes);
  } else {
    impl_ = std::make_unique<Impl<false>>(max_head_bytes);
  }
}
MessageParser::~MessageParser() = default;

void MessageParser::reset(bool no_body) {
  impl_->reset(no_body);
}
std::size_t MessageParser::feed(std::string_view bytes, std::string& body, std::size_t max_body) {
  return impl_->feed(bytes, body, max_body);
}
bool MessageParser::end_of_stream() {
  return impl_->end_of_stream();
}
bool MessageParser::started() const {
  return impl_->started();
}
bool MessageParser::head_done() const {
  return impl_->head_done();
}
bool MessageParser::done() const {
  return impl_->done();
}
const std::optional<ParseError>& MessageParser::error() const {
  return impl_->error;
}
const Head& MessageParser::head() const {
  return impl_->head;
}
Head& MessageParser::head() {
  return impl_->head;
}

}  // namespace berth::http
