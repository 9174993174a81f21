#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "berth/http/server.h"

// Request targets and URLs as strangers write them.

namespace {

using namespace berth::http;

void check(bool ok) {
  if (!ok) {
    std::abort();
  }
}

const Router& router() {
  static const Router* const made = [] {
    auto* r = new Router;
    const auto nothing = [](const auto&) {};
    r->add("GET", "/v1/sessions", nothing);
    r->add("POST", "/v1/sessions", nothing);
    r->add("GET", "/v1/sessions/{id}", nothing);
    r->add("GET", "/v1/sessions/{id}/files/{path...}", nothing);
    r->add("GET", "/v1/namespaces/{ns}/pools/{pool}/workers/{pod}/{rest...}", nothing);
    return r;
  }();
  return *made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);

  check(percent_decode(percent_encode(text)) == std::string(text));
  if (const auto decoded = percent_decode(text)) {
    check(decoded->size() <= text.size());
  }

  if (const auto url = Url::parse(text)) {
    check(url->port != 0 && !url->host.empty() && url->path.front() == '/');
    const auto again = Url::parse(url->origin() + url->path);
    check(again && again->origin() == url->origin() && again->path == url->path);
  }

  for (const std::string_view method : {"GET", "HEAD", "DELETE"}) {
    const auto match = router().match(method, text);
    check((match.handler != nullptr) == (match.status == 200));
    check((match.status == 405) == !match.allow.empty());
    if (match.handler) {
      check(!router().pattern_of(method, text).empty());
      for (const auto& [name, value] : match.params) {
        check(value.size() <= text.size());
      }
    }
  }

  Request request;
  request.target = text;
  check(request.path().size() <= text.size());
  if (const auto value = request.query("wait")) {
    check(value->size() <= text.size());
  }
  return 0;
}
