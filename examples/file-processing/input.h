#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "berth/base/error.h"

namespace file_processing {

struct InputFile {
  std::filesystem::path path;
  std::filesystem::path result;  ///< Below the output folder; no other file's.
  std::uintmax_t bytes = 0;
};

struct InputLimits {
  std::size_t max_files = 400;
  std::uintmax_t max_bytes = 96u << 20;
  std::uintmax_t max_file_bytes = 384u << 10;
};

struct Input {
  std::vector<InputFile> files;
  std::size_t skipped = 0;  ///< Empty, unreadable, or beyond a limit.
};

/// Readable regular files below `roots`, sorted, links not followed; within the limits the
/// largest. Refused if two of them would have one result.
berth::Result<Input> find_input(const std::vector<std::filesystem::path>& roots,
                                const InputLimits& limits);

/// "dir/a.txt" -> "dir/a.txt.gz". No result takes the place of a folder of results: a folder "a.gz"
/// is "a.gz.d" there. What leaves no room for the ending is cut and told apart by its checksum.
std::filesystem::path result_name(const std::filesystem::path& relative);

/// Folders with files that every Debian has.
std::vector<std::filesystem::path> default_roots();

/// Whether `gzip_file` unpacks to exactly the content of `original`.
bool same_content(const std::filesystem::path& original, const std::filesystem::path& gzip_file);
/// SHA-256 of a file, hex; empty if it cannot be read.
std::string file_sha256(const std::filesystem::path& path);

}  // namespace file_processing
