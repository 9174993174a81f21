#pragma once

#include <compare>
#include <functional>
#include <string>
#include <utility>

namespace berth {

/// A string that cannot be mistaken for another kind of string:
///
///     using SessionId = Strong<struct SessionIdTag>;
template <class Tag>
class Strong {
 public:
  Strong() = default;
  explicit Strong(std::string value) : value_(std::move(value)) {}

  const std::string& str() const { return value_; }
  bool empty() const { return value_.empty(); }
  auto operator<=>(const Strong&) const = default;

 private:
  std::string value_;
};

}  // namespace berth

template <class Tag>
struct std::hash<berth::Strong<Tag>> {
  // Not noexcept: libstdc++ takes such a hash for one that need not be kept in the nodes of a
  // table, and then computes it anew for each neighbour that a lookup passes.
  std::size_t operator()(const berth::Strong<Tag>& s) const {
    return std::hash<std::string>{}(s.str());
  }
};
