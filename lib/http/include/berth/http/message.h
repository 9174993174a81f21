#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "berth/base/clock.h"
#include "berth/base/error.h"

namespace berth::http {

/// Header fields in order of arrival. Names compare without case. Values with CR, LF or NUL are
/// refused where a message is written, so nothing that a user typed can add a header.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string, std::string>> fields) : fields_(fields) {}

  void add(std::string name, std::string value);
  /// Replaces all fields of that name.
  void set(std::string_view name, std::string value);
  void remove(std::string_view name);
  /// The first value, or empty.
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const;
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

/// Bytes that are pulled: the one form in which large or endless bodies move, in both directions,
/// at client and server. Whoever holds the source calls next() and gets one chunk; not calling is
/// back pressure. So a gateway passes a file on by handing a request's source to the transport, and
/// holds one chunk at a time.
///
/// Loop thread only. At most one next() outstanding. Destroying the source stops it and drops the
/// callback. A source in memory may call back inside next(), so pull in a loop, not by recursion;
/// sources on the network never do.
class BodySource {
 public:
  /// A chunk (never empty), or an empty string at the clean end, or the error that cut the body
  /// short.
  using ChunkFn = std::function<void(Result<std::string>)>;
  virtual ~BodySource() = default;
  virtual void next(ChunkFn fn) = 0;
  /// The whole length, when known beforehand; it becomes Content-Length, else the body goes out
  /// chunked.
  virtual std::optional<std::uint64_t> length() const { return std::nullopt; }
};

struct Request {
  std::string method;  ///< Upper case.
  std::string target;  ///< Origin form: "/v1/slots?after=3".
  Headers headers;
  std::string body;
  std::shared_ptr<BodySource> body_source;  ///< Instead of `body`, when set.

  /// The part of the target before '?'.
  std::string_view path() const;
  /// Decoded value of a query parameter; the first one wins. A broken escape leaves it as it came.
  std::optional<std::string> query(std::string_view name) const;
};

struct Response {
  int status = 200;
  Headers headers;
  std::string body;
  std::shared_ptr<BodySource> body_source;  ///< Instead of `body`, when set.

  static Response json(int status, std::string body);
  static Response text(int status, std::string body);
};

/// Reads all of `source`, at most `limit` bytes, then calls `done` once. Cancelled by destroying
/// the handle's owner.
void read_all(std::shared_ptr<BodySource> source, std::uint64_t limit,
              std::function<void(Result<std::string>)> done);
/// A source over bytes in memory; handed out in chunks of 64 KiB.
std::shared_ptr<BodySource> string_source(std::string bytes);

/// Percent-encoding of one path segment or query value.
std::string percent_encode(std::string_view text);
/// Nothing on a bad escape. '+' stays '+'.
std::optional<std::string> percent_decode(std::string_view text);

/// "http://host:port/base" taken apart. IPv6 hosts are written in brackets and kept without them.
struct Url {
  std::string scheme;
  std::string host;
  std::uint16_t port = 0;
  std::string path;  ///< "/" when empty; includes the query.

  static Result<Url> parse(std::string_view text);
  /// "host:port", with brackets around IPv6.
  std::string authority() const;
  std::string origin() const;  ///< "http://host:port"
};

}  // namespace berth::http
