// What an API server, or whoever sits in its place, and a user's kubeconfig can send: watch streams
// cut anywhere, Status objects, Leases, base64. Besides not crashing, where the bytes are cut must
// not matter.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "berth/kube/client.h"
#include "berth/kube/config.h"
#include "berth/kube/object.h"
#include "berth/kube/reflector.h"
#include "lib/kube/src/base64.h"
#include "lib/kube/src/lease_record.h"

namespace {

using namespace berth;  // NOLINT(google-build-using-namespace)

void demand_that(bool holds, const char* what) {
  if (!holds) {
    std::fprintf(stderr, "broken: %s\n", what);
    std::abort();
  }
}

// What came out of a stream fed in pieces of `step` bytes.
std::string decode(std::string_view bytes, std::size_t step) {
  kube::WatchDecoder decoder(4096);
  std::string out;
  bool good = true;
  while (!bytes.empty() && good) {
    const std::string_view piece = bytes.substr(0, step);
    bytes.remove_prefix(piece.size());
    good =
        decoder.feed(piece, [&](const Json& event) { out += dump_json(event) + "\n"; }).has_value();
  }
  return out + (good ? "good" : "bad") + (good && decoder.mid_line() ? " open" : "");
}

void feed_watch(std::string_view bytes) {
  const std::string whole = decode(bytes, bytes.size());
  demand_that(decode(bytes, 1) == whole, "a stream cut into bytes decodes as the whole");
  demand_that(decode(bytes, 7) == whole, "a stream cut into pieces decodes as the whole");
}

void feed_object(std::string_view bytes) {
  http::Response response = http::Response::json(503, std::string(bytes));
  demand_that(!kube::error_from_status(response).message.empty(), "an error has a message");
  if (const auto json = parse_json(bytes)) {
    demand_that(!kube::error_from_status(*json).message.empty(), "an error has a message");
    kube::key_of(*json);
    kube::controller_uid(*json);
    kube::condition_status(*json, "Ready");
    const auto record = kube::LeaseRecord::read(*json, std::chrono::seconds(15));
    demand_that(record.transitions >= 0 && record.transitions <= kube::kMaxTransitions,
                "a term is in range");
    demand_that(record.duration > Duration::zero() && record.duration <= std::chrono::hours(1),
                "a lease ends");
  }
}

void feed_versions(std::string_view bytes) {
  const auto cut = bytes.find('\n');
  const std::string_view a = bytes.substr(0, cut);
  const std::string_view b = cut == std::string_view::npos ? a : bytes.substr(cut + 1);
  demand_that(!(kube::newer_version(a, b) && kube::newer_version(b, a)), "one of two is newer");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'w':
      feed_watch(text);
      break;
    case 'o':
      feed_object(text);
      break;
    case 'v':
      feed_versions(text);
      break;
    case 'c':
      // A folder that does not exist: relative paths lead nowhere.
      (void)kube::parse_kubeconfig(text, "/nonexistent/config", "");
      break;
    default:
      (void)kube::base64_decode(text);
      break;
  }
  return 0;
}
