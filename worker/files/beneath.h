#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "berth/base/error.h"
#include "berth/base/file.h"

namespace berth::worker {

/// Files of a session by paths that a client chose, without ever leaving the session's directory:
/// not by "..", not by an absolute path, not by a symbolic link, and not by one that is put in
/// place while we look. The kernel resolves the path (openat2, RESOLVE_BENEATH); where it cannot
/// (before 5.6, or a sandbox that forbids it) we walk it ourselves and then refuse all symbolic
/// links.
///
/// All functions here block. Errors: kInvalidArgument with field "path" for paths that are no good
/// or lead outside, kNotFound, and what disk_error() makes of the rest.

/// "a/b/c" as its parts. At most 4096 bytes, 64 parts of at most 255 bytes, none of them empty, "."
/// or "..", no NUL. An empty path is the directory itself: no parts.
Result<std::vector<std::string>> split_path(std::string_view path);

enum class Resolve { kByKernel, kByWalking };

/// Opens `parts` under the directory `root` with the flags of open(2), plus O_CLOEXEC.
Result<UniqueFd> open_beneath(int root, const std::vector<std::string>& parts, int flags,
                              Resolve how = Resolve::kByKernel);
/// Opens the directory `parts`, making what is missing of it (mode 0755).
Result<UniqueFd> open_or_make_directory(int root, const std::vector<std::string>& parts,
                                        Resolve how = Resolve::kByKernel);

/// As Error::from_errno, with kResourceExhausted "DiskFull" for a full disk or quota.
Error disk_error(int error, std::string_view doing);

}  // namespace berth::worker
