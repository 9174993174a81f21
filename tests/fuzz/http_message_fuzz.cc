#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "lib/http/src/parser.h"
#include "lib/http/src/wire.h"

// Messages from the wire. The same bytes must mean the same whether they come at once or one by
// one; the first byte picks the kind of message.

namespace {

using namespace berth::http;

constexpr std::size_t kMaxHead = 4096;

void check(bool ok) {
  if (!ok) {
    std::abort();
  }
}

struct Parsed {
  bool head_done = false;
  bool done = false;
  bool failed = false;
  std::size_t used = 0;
  std::string start;
  std::string body;
};

Parsed parse(MessageParser::Kind kind, std::string_view bytes, std::size_t step) {
  MessageParser parser(kind, kMaxHead);
  Parsed out;
  std::string pending;
  for (std::size_t at = 0; at < bytes.size() && !parser.done() && !parser.error(); at += step) {
    pending.append(bytes.substr(at, step));
    for (std::size_t used = 1; used > 0 && !pending.empty() && !parser.done() && !parser.error();) {
      used = parser.feed(pending, out.body);
      check(used <= pending.size());
      pending.erase(0, used);
      out.used += used;
    }
  }
  out.head_done = parser.head_done();
  out.done = parser.done();
  out.failed = parser.error().has_value();
  if (out.head_done) {
    const Head& head = parser.head();
    out.start = head.method + " " + head.target + " " + std::to_string(head.status);
    // What was let in could be sent on: no field can carry a line break.
    check(!refuse_headers(head.headers));
    check(!(head.chunked && head.content_length));
    check(out.done || !head.content_length || out.body.size() <= *head.content_length);
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const auto kind = data[0] % 2 ? MessageParser::Kind::kRequest : MessageParser::Kind::kResponse;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Parsed whole = parse(kind, bytes, bytes.size() + 1);
  const Parsed single = parse(kind, bytes, 1);
  // Beast looks at an incomplete head again only when its end has come, so what comes slowly may be
  // refused later; but it is never taken for something else.
  check(whole.failed || !single.failed || bytes.size() > kMaxHead);
  check(!whole.failed || !single.done);
  if (!whole.failed && !single.failed) {
    check(whole.done == single.done && whole.head_done == single.head_done);
    check(whole.start == single.start && whole.body == single.body);
  }
  return 0;
}
