#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "berth/base/json.h"

namespace berth::gateway {

/// What a SessionPool's status says of the operator's decisions. Read leniently: what is missing or
/// of another type is left out. At most 16 conditions; texts are cut at 500 bytes.
struct PoolStatus {
  struct Condition {
    std::string type;
    bool is_true = false;
    std::string reason;
    std::string message;
    bool operator==(const Condition&) const = default;
  };
  /// A change of the number of workers wanted.
  struct Scale {
    std::string time;  ///< RFC 3339.
    std::int64_t from = 0;
    std::int64_t to = 0;
    std::string reason;
    bool operator==(const Scale&) const = default;
  };

  std::optional<std::int64_t> desired;  ///< Workers wanted.
  std::vector<Condition> conditions;
  std::optional<Scale> last_scale;

  bool operator==(const PoolStatus&) const = default;
  static PoolStatus from_json(const Json& status);
};

}  // namespace berth::gateway
