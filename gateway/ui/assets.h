#pragma once

#include <span>
#include <string_view>

namespace berth::gateway::ui {

/// A file of `assets/`, embedded when the program is built.
struct Asset {
  std::string_view name;  ///< "index.html".
  std::string_view type;  ///< Content-Type.
  std::string_view hash;  ///< SHA-256 of the bytes, in hex.
  std::string_view bytes;
};

std::span<const Asset> assets();

}  // namespace berth::gateway::ui
