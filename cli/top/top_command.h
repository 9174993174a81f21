#pragma once

#include "cli/settings/settings.h"
#include "cli/text/output.h"

namespace berth::cli {

/// `berth top`: pools and their workers as the gateway sees them, redrawn every `interval_seconds`
/// on a terminal, printed once otherwise. Ctrl-C ends it.
struct TopFlags {
  std::string pool;  ///< Empty: all of the namespace.
  bool all_namespaces = false;
  double interval_seconds = 1;
  bool once = false;
  Output output = Output::kTable;  ///< Anything else is printed once.
};
int top(const Flags& flags, const TopFlags& top);

/// The tables for one answer of GET /v1/pools.
std::string top_text(const Json& pools, bool wide = false, bool coloured = false);
/// At most `most` lines of it; a last one says how many more there are. 0: all of them.
std::string first_lines(const std::string& text, std::size_t most);

}  // namespace berth::cli
