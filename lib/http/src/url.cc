#include <charconv>

#include "berth/http/message.h"
#include "lib/http/src/ascii.h"

namespace berth::http {

namespace {

constexpr std::string_view kHex = "0123456789ABCDEF";

int hex_value(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const char lower = ascii_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// RFC 3986, section 2.3.
bool unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

bool host_char(char c) {
  return unreserved(c) || c == '%' || c == '!' || c == '$' || c == '&' || c == '\'' || c == '(' ||
         c == ')' || c == '*' || c == '+' || c == ',' || c == ';' || c == '=';
}

bool ipv6_char(char c) {
  return hex_value(c) >= 0 || c == ':' || c == '.';
}

// A zone ("fe80::1%eth0") is an interface name; it is passed on as it is.
bool valid_ipv6_host(std::string_view host) {
  const auto zone = host.find('%');
  const std::string_view address = host.substr(0, zone);
  return address.find(':') != std::string_view::npos &&
         std::all_of(address.begin(), address.end(), ipv6_char) &&
         (zone == std::string_view::npos ||
          (host.size() > zone + 1 &&
           std::all_of(host.begin() + static_cast<std::ptrdiff_t>(zone) + 1, host.end(),
                       unreserved)));
}

Error bad_url(std::string_view text, std::string_view what) {
  return Error::invalid("url", "\"" + std::string(text.substr(0, 200)) + "\" " + std::string(what) +
                                   "; expected http://host:port/path");
}

std::uint16_t default_port(std::string_view scheme) {
  return scheme == "https" ? 443 : 80;
}

}  // namespace

std::string percent_encode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (unreserved(c)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size() || hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0) {
      return std::nullopt;
    }
    out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
    i += 2;
  }
  return out;
}

Result<Url> Url::parse(std::string_view text) {
  const auto mark = text.find("://");
  if (mark == std::string_view::npos) {
    return fail(bad_url(text, "has no scheme"));
  }
  Url url;
  for (const char c : text.substr(0, mark)) {
    url.scheme += ascii_lower(c);
  }
  if (url.scheme != "http" && url.scheme != "https") {
    return fail(bad_url(text, "is neither http nor https"));
  }
  std::string_view rest = text.substr(mark + 3);
  const auto end = std::min(rest.find_first_of("/?#"), rest.size());
  std::string_view authority = rest.substr(0, end);
  rest.remove_prefix(end);
  rest = rest.substr(0, rest.find('#'));
  if (std::any_of(rest.begin(), rest.end(), [](char c) { return c <= ' ' || c == 0x7f; })) {
    return fail(bad_url(text, "has a space or control character in its path"));
  }
  url.path = rest.empty() || rest.front() == '?' ? "/" + std::string(rest) : std::string(rest);

  std::string_view port;
  if (!authority.empty() && authority.front() == '[') {
    const auto close = authority.find(']');
    if (close == std::string_view::npos) {
      return fail(bad_url(text, "opens a bracket and does not close it"));
    }
    url.host = authority.substr(1, close - 1);
    port = authority.substr(close + 1);
    if (!valid_ipv6_host(url.host)) {
      return fail(bad_url(text, "has no IPv6 address in its brackets"));
    }
  } else {
    const auto colon = std::min(authority.find(':'), authority.size());
    url.host = authority.substr(0, colon);
    port = authority.substr(colon);
    if (url.host.empty() || !std::all_of(url.host.begin(), url.host.end(), host_char)) {
      return fail(bad_url(text, "has no valid host"));
    }
  }
  url.port = default_port(url.scheme);
  if (!port.empty()) {
    const auto [stop, ec] = std::from_chars(port.data() + 1, port.data() + port.size(), url.port);
    if (port.front() != ':' || ec != std::errc() || stop != port.data() + port.size() ||
        url.port == 0) {
      return fail(bad_url(text, "has no valid port (1 to 65535)"));
    }
  }
  return url;
}

std::string Url::authority() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string Url::origin() const {
  return scheme + "://" + authority();
}

}  // namespace berth::http
