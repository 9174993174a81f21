#pragma once

#include <cstdint>
#include <string>

#include "berth/base/error.h"
#include "berth/base/json.h"

namespace berth::worker {

/// Walks over directories that somebody else fills and may change under our feet. No function
/// follows symbolic links; all block, so they run on a thread. Memory and descriptors are bounded
/// whatever the tree looks like.

/// The entries of an open directory, sorted by name, at most `max_entries`:
/// {"entries": [{"name", "type": "file"|"directory"|"symlink"|"other", "size", "modified"}],
/// "truncated": false}. A name that is no UTF-8 has an "encodedName" too, percent-encoded.
Result<Json> list_directory(int directory, std::size_t max_entries);

/// Bytes on disk below `directory`, each file with several names counted once. Stops after
/// `max_entries` (then it is at least that much).
Result<std::int64_t> measure_tree(int directory, std::size_t max_entries);

/// Deletes the directory `name` in `trash` with all below it. Never deeper than two levels at a
/// time: a directory inside is moved up into `trash` first, so what is interrupted is found there
/// and can be deleted again. `trash` is on the same file system and nobody else's; `name` has no
/// '+' and was never used there before. Goes on after an error and returns the first.
Status remove_tree(int trash, const std::string& name);

}  // namespace berth::worker
