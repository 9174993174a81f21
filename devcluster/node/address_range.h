#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "berth/base/error.h"
#include "berth/base/file.h"

namespace berth::devcluster {

/// Loopback addresses for pods: one of the ranges 127.64.0.0/16 to 127.254.0.0/16, held by this
/// process alone.
///
/// The lock is an abstract Unix socket, so its reach is exactly that of the addresses (one network
/// namespace, all users), and it goes with the process, however that ends.
class AddressRange {
 public:
  /// The first free range. kResourceExhausted when all are taken.
  static Result<AddressRange> claim();

  /// An address that is not in use, the least recently freed last; nothing when all 65,000 are.
  std::optional<std::string> take();
  void give_back(const std::string& address) { used_.erase(address); }
  /// "127.64.0.0/16".
  std::string cidr() const;
  /// "127.64.0.1": the node itself. Never taken.
  std::string host() const;

 private:
  AddressRange(int second, UniqueFd lock) : second_(second), lock_(std::move(lock)) {}

  int second_;
  UniqueFd lock_;
  std::uint32_t next_ = 1;
  std::set<std::string> used_;
};

}  // namespace berth::devcluster
