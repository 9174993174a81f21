#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "berth/base/error.h"

namespace berth::client {

/// The gateways of a client, and which of them answered last. Loop thread only.
class Gateways {
 public:
  /// "http://a:7070,http://b:7070". The error's field is "gateway".
  static Result<Gateways> parse(std::string_view comma_separated);

  std::size_t size() const { return origins_.size(); }
  /// Counted round. Only for one that parse() gave.
  const std::string& origin(std::size_t i) const { return origins_[i % origins_.size()]; }
  std::size_t preferred() const { return preferred_; }
  /// `i` did not answer: who prefers it goes on to the next. A late word about another changes
  /// nothing.
  void failed(std::size_t i);

 private:
  std::vector<std::string> origins_;
  std::size_t preferred_ = 0;
};

}  // namespace berth::client
