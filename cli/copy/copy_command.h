#pragma once

#include <string>

#include "cli/settings/settings.h"

namespace berth::cli {

/// `berth cp FROM TO`: one of them is SESSION:path, a file in the directory of a session of `berth
/// session create`.
int copy_file(const Flags& flags, const std::string& from, const std::string& to);

/// "id:path" taken apart; empty id if `text` is a local path. A local path with a colon is written
/// ./like:this.
struct CopyEnd {
  std::string session;
  std::string path;
};
CopyEnd parse_copy_end(const std::string& text);

}  // namespace berth::cli
