#pragma once

#include <string_view>

namespace berth::cli {

/// A rule of docs/scaling.md in words, for what `status.scaling.limit` says.
struct LimitWords {
  std::string_view limit;
  std::string_view meaning;
  std::string_view way_out;  ///< Empty: nothing to be done.
};
/// Null for "None" and for rules that we do not know.
const LimitWords* limit_words(std::string_view limit);

}  // namespace berth::cli
