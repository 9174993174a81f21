#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "berth/base/error.h"
#include "berth/http/cpprest_transport.h"
#include "berth/http/message.h"

namespace berth::http::cpprest {

/// Bytes of a stream that have arrived and were not pulled yet. Pool threads add, the loop takes
/// off.
using Backlog = std::atomic<std::uint64_t>;
inline constexpr std::uint64_t kMaxBacklog = 64u << 20;

/// What becomes of a call, in this order: one answer; for a stream that was answered, chunks and
/// one end.
struct Chunk {
  std::string bytes;
};
struct End {
  Status status;
};
using Event = std::variant<Result<Response>, Chunk, End>;

struct CallSpec {
  std::string method;
  std::string target;
  Headers headers;
  std::string body;
  bool stream = false;
  std::uint64_t max_body = 0;
  std::shared_ptr<Backlog> backlog;  ///< Streams only.
};

/// cpprestsdk's http_client for one origin, with its pool of connections. Thread-safe.
class Client {
 public:
  /// Stops a call; events on their way may still come. May be called at any time and more than
  /// once.
  using Abort = std::function<void()>;
  /// Runs on pool threads, one event at a time.
  using Sink = std::function<void(Event)>;

  /// Null when cpprestsdk does not take `origin`.
  static std::unique_ptr<Client> make(const std::string& origin, const TlsSource& tls);
  ~Client();

  /// Never throws; all errors come as events.
  Abort start(CallSpec spec, const Sink& sink);

 private:
  struct Impl;
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace berth::http::cpprest
