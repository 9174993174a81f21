#include "request_check.h"

#include <algorithm>
#include <string_view>

namespace berth::http::cpprest {
namespace {

bool is_token(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kOthers.find(c) != std::string_view::npos;
  });
}

bool is_target(std::string_view text) {
  return text.starts_with('/') && std::all_of(text.begin(), text.end(), [](char c) {
           return c > ' ' && c < 0x7F && c != '#';
         });
}

}  // namespace

Status check_request(const Request& request) {
  if (!is_token(request.method)) {
    return fail(Error::invalid("method", "must be an HTTP method"));
  }
  if (!is_target(request.target)) {
    return fail(Error::invalid("target", "must start with / and be percent-encoded"));
  }
  for (const auto& [name, value] : request.headers) {
    if (!is_token(name)) {
      return fail(Error::invalid("headers", "hold a name that is no HTTP token"));
    }
    if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
      return fail(Error::invalid("headers." + name, "must not hold CR, LF or NUL"));
    }
  }
  for (const std::string_view ours : {"Content-Length", "Transfer-Encoding", "Connection"}) {
    if (request.headers.has(ours)) {
      return fail(Error::invalid("headers." + std::string(ours), "is written by the transport"));
    }
  }
  return {};
}

Status check_origin(const std::string& origin) {
  BERTH_ASSIGN(const Url url, Url::parse(origin));
  if ((url.scheme != "http" && url.scheme != "https") || url.path != "/") {
    return fail(Error::invalid("origin", "must be http(s)://host:port, is " + origin));
  }
  if (url.host.find(':') != std::string::npos) {
    return fail(Error::invalid("origin",
                               "is an IPv6 literal, which this transport cannot reach; "
                               "give a host name instead of " +
                                   origin));
  }
  return {};
}

}  // namespace berth::http::cpprest
