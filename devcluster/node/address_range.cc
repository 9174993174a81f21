#include "devcluster/node/address_range.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

namespace berth::devcluster {

namespace {

constexpr int kFirst = 64;
constexpr int kLast = 254;
constexpr std::uint32_t kAddresses = 65'534;  // x.y.0.1 to x.y.255.254

std::string prefix(int second) {
  return "127." + std::to_string(second) + ".";
}

}  // namespace

Result<AddressRange> AddressRange::claim() {
  for (int second = kFirst; second <= kLast; ++second) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd) {
      return fail(Error::from_errno(errno, "claiming loopback addresses for pods"));
    }
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    // A leading NUL makes the name abstract.
    const std::string name = "berth-dev-" + prefix(second) + "0.0";
    std::memcpy(address.sun_path + 1, name.data(), name.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0) {
      return AddressRange(second, std::move(fd));
    }
    if (errno != EADDRINUSE) {
      return fail(Error::from_errno(errno, "claiming loopback addresses for pods"));
    }
  }
  return fail(Error::make(ErrorCode::kResourceExhausted, "NoAddresses",
                          "all loopback ranges from 127.64.0.0/16 to 127.254.0.0/16 are in use by "
                          "other `berth dev`; stop one of them"));
}

std::optional<std::string> AddressRange::take() {
  for (std::uint32_t tries = 0; tries < kAddresses; ++tries) {
    next_ = next_ % kAddresses + 1;  // 2, 3, ... and never 1, which is the node
    if (next_ == 1) {
      continue;
    }
    std::string address =
        prefix(second_) + std::to_string(next_ >> 8) + "." + std::to_string(next_ & 255);
    if (used_.insert(address).second) {
      return address;
    }
  }
  return std::nullopt;
}

std::string AddressRange::cidr() const {
  return prefix(second_) + "0.0/16";
}
std::string AddressRange::host() const {
  return prefix(second_) + "0.1";
}

}  // namespace berth::devcluster
