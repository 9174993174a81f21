#include "client.h"

#include <cpprest/http_client.h>
#include <cpprest/producerconsumerstream.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pplx/threadpool.h>

#include <algorithm>
#include <string_view>

#include "tls_context.h"

namespace berth::http::cpprest {
namespace {

using Bytes = concurrency::streams::streambuf<std::uint8_t>;

constexpr std::size_t kMaxChunkBytes = 256u << 10;

// cpprestsdk tells the phase in which a call failed only by these texts (http_client_asio.cpp).
bool never_left(std::string_view what) {
  for (const std::string_view phase :
       {"Error resolving address", "Failed to resolve address",
        "Failed to connect to any resolved endpoint", "Error in SSL handshake"}) {
    if (what.starts_with(phase)) {
      return true;
    }
  }
  return false;
}

std::string describe(const web::http::http_exception& e) {
  std::string text = e.what();
  if (text.starts_with("Error in SSL handshake")) {
    const char* reason =
        ERR_reason_error_string(static_cast<unsigned long>(e.error_code().value()));
    text = "TLS handshake failed: " + std::string(reason != nullptr ? reason : "no reason given");
    if (text.ends_with("certificate verify failed")) {
      text += " (the server's certificate is of another CA, expired, or for another name)";
    }
  }
  return text;
}

Error unavailable(const char* reason, const std::string& origin, const std::string& what) {
  return Error::make(ErrorCode::kUnavailable, reason, origin + ": " + what);
}

// Turns the exception being handled into an Error. `answered`: a head had arrived.
Error current_error(const std::string& origin, bool answered) {
  try {
    throw;
  } catch (const web::http::http_exception& e) {
    const bool safe = !answered && never_left(e.what());
    return unavailable(safe ? "ConnectFailed" : "ConnectionLost", origin, describe(e));
  } catch (const TlsSettingsError& e) {
    return unavailable("ConnectFailed", origin, e.what());
  } catch (const pplx::task_canceled&) {
    return Error::make(ErrorCode::kCancelled, "", origin + ": cancelled");
  } catch (const std::exception& e) {
    return unavailable("ConnectionLost", origin, e.what());
  } catch (...) {
    return unavailable("ConnectionLost", origin, "unknown failure");
  }
}

Error too_large(const std::string& origin, std::uint64_t limit) {
  return Error::make(ErrorCode::kResourceExhausted, "TooLarge",
                     origin + ": the answer is larger than " + std::to_string(limit) + " bytes");
}

Error backlog_full(const std::string& origin) {
  return Error::make(ErrorCode::kResourceExhausted, "SlowReader",
                     origin + ": more than 64 MiB of the stream wait to be read");
}

// A body that cannot be rewound. cpprestsdk resends any request whose reused connection turns out
// closed; without a way back to the body's start it gives up instead, so a POST is never carried
// out twice unseen.
concurrency::streams::istream one_way_body(const std::string& body) {
  concurrency::streams::producer_consumer_buffer<std::uint8_t> buffer;
  if (!body.empty()) {
    buffer.putn_nocopy(reinterpret_cast<const std::uint8_t*>(body.data()), body.size()).get();
  }
  buffer.close(std::ios_base::out).get();
  return buffer.create_istream();
}

web::http::http_request build(const CallSpec& spec) {
  web::http::http_request request(spec.method);
  request.set_request_uri(web::uri(spec.target));
  for (const auto& [name, value] : spec.headers) {
    request.headers().add(name, value);
  }
  const bool repeatable = spec.method == "GET" || spec.method == "HEAD" || spec.method == "DELETE";
  if (!spec.body.empty() || !repeatable) {
    const bool typed = spec.headers.has("Content-Type");
    request.set_body(one_way_body(spec.body), spec.body.size(), "application/octet-stream");
    if (!typed) {
      request.headers().remove("Content-Type");
    }
  }
  return request;
}

Response head_of(const web::http::http_response& from) {
  Response response;
  response.status = from.status_code();
  for (const auto& [name, value] : from.headers()) {
    response.headers.add(name, value);
  }
  return response;
}

// Takes the body off cpprestsdk's unbounded buffer as fast as it comes. One instance per call, on
// pool threads, one step at a time. Steps start each other without being chained: a chain would
// grow for as long as a watch lives.
class Reader : public std::enable_shared_from_this<Reader> {
 public:
  Reader(std::string origin, CallSpec spec, pplx::cancellation_token_source cancel,
         Client::Sink sink)
      : origin_(std::move(origin)),
        method_(std::move(spec.method)),
        stream_(spec.stream),
        max_body_(spec.max_body),
        backlog_(std::move(spec.backlog)),
        cancel_(std::move(cancel)),
        sink_(std::move(sink)) {}

  void on_response(const pplx::task<web::http::http_response>& task) {
    guarded([&] {
      source_ = task.get();
      head_ = head_of(source_);
      if (stream_) {
        answered_ = true;
        sink_(Result<Response>(std::move(head_)));
      } else if (method_ != "HEAD" && source_.headers().content_length() > max_body_) {
        give_up(too_large(origin_, max_body_));
        return;
      }
      body_ = source_.body().streambuf();
      step();
    });
  }

  void fail_now(Error error) {
    if (answered_) {
      sink_(End{fail(std::move(error))});
    } else {
      sink_(Result<Response>(fail(std::move(error))));
    }
  }

 private:
  void step() {
    body_.getc().then([self = shared_from_this()](const pplx::task<Bytes::int_type>& task) {
      self->guarded([&] { self->on_readable(task.get()); });
    });
  }

  void on_readable(Bytes::int_type next) {
    if (next == Bytes::traits::eof()) {
      source_.content_ready().then(
          [self = shared_from_this()](const pplx::task<web::http::http_response>& task) {
            self->guarded([&] {
              task.get();
              self->finish();
            });
          });
      return;
    }
    std::string chunk;
    std::uint8_t* at = nullptr;
    std::size_t size = 0;
    while (chunk.size() < kMaxChunkBytes && body_.acquire(at, size) && size > 0) {
      chunk.append(reinterpret_cast<const char*>(at), size);
      body_.release(at, size);
    }
    if (take(std::move(chunk))) {
      step();
    }
  }

  bool take(std::string chunk) {
    if (chunk.empty()) {
      return true;
    }
    if (!stream_) {
      if (chunk.size() > max_body_ - head_.body.size()) {
        give_up(too_large(origin_, max_body_));
        return false;
      }
      head_.body += chunk;
      return true;
    }
    if (backlog_->fetch_add(chunk.size()) + chunk.size() > kMaxBacklog) {
      give_up(backlog_full(origin_));
      return false;
    }
    sink_(Chunk{std::move(chunk)});
    return true;
  }

  void finish() {
    if (stream_) {
      sink_(End{});
    } else {
      sink_(Result<Response>(std::move(head_)));
    }
  }

  void give_up(Error error) {
    cancel_.cancel();
    fail_now(std::move(error));
  }

  // No exception may leave a continuation: one that nobody observes ends the process.
  template <class Fn>
  void guarded(const Fn& fn) {
    try {
      fn();
    } catch (...) {
      fail_now(current_error(origin_, answered_));
    }
  }

  const std::string origin_;
  const std::string method_;
  const bool stream_;
  const std::uint64_t max_body_;
  const std::shared_ptr<Backlog> backlog_;
  pplx::cancellation_token_source cancel_;
  const Client::Sink sink_;
  web::http::http_response source_;
  Bytes body_;
  Response head_;
  bool answered_ = false;
};

web::http::client::http_client_config make_config(const TlsSource& tls) {
  web::http::client::http_client_config config;
  config.set_max_redirects(0);
  // Time is kept by the loop.
  config.set_timeout(std::chrono::hours(24 * 365));
  if (tls) {
    config.set_validate_certificates(!tls().insecure_skip_verify);
    config.set_ssl_context_callback(
        [tls](boost::asio::ssl::context& context) { apply(tls(), context); });
  }
  return config;
}

}  // namespace

struct Client::Impl {
  Impl(const std::string& from, const TlsSource& tls)
      : origin(from), client(from, make_config(tls)), server_name(tls ? tls().server_name : "") {}
  std::string origin;
  web::http::client::http_client client;
  std::string server_name;
};

std::unique_ptr<Client> Client::make(const std::string& origin, const TlsSource& tls) {
  try {
    return std::unique_ptr<Client>(new Client(std::make_unique<Impl>(origin, tls)));
  } catch (const std::exception&) {
    return nullptr;
  }
}
Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::~Client() = default;

Client::Abort Client::start(CallSpec spec, const Sink& sink) {
  pplx::cancellation_token_source cancel;
  // The name that cpprestsdk sends as SNI and checks in the certificate is the Host field.
  if (!impl_->server_name.empty() && !spec.headers.has("Host")) {
    spec.headers.set("Host", impl_->server_name);
  }
  std::shared_ptr<Reader> reader;
  try {
    auto request = build(spec);
    reader = std::make_shared<Reader>(impl_->origin, std::move(spec), cancel, sink);
    impl_->client.request(request, cancel.get_token())
        .then([reader](const pplx::task<web::http::http_response>& task) {
          reader->on_response(task);
        });
  } catch (const web::uri_exception& e) {
    sink(Result<Response>(fail(Error::invalid("target", e.what()))));
  } catch (...) {
    sink(Result<Response>(fail(current_error(impl_->origin, false))));
  }
  return [cancel] { cancel.cancel(); };
}

}  // namespace berth::http::cpprest

namespace berth::http {

void init_cpprest_threads(int threads) {
  // OpenSSL first: what is set up later is taken down earlier, and at exit the pool's threads must
  // end before OpenSSL does, whose state they use and free.
  OPENSSL_init_ssl(0, nullptr);
  try {
    crossplat::threadpool::initialize_with_threads(static_cast<std::size_t>(std::max(threads, 1)));
  } catch (const std::exception&) {
    // Running already, with the size of the first call.
  }
}

}  // namespace berth::http
