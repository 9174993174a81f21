#include "examples/file-processing/input.h"

#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <memory>
#include <string_view>

#include "examples/file-processing/checksum.h"

namespace file_processing {

namespace fs = std::filesystem;

berth::Result<Input> find_input(const std::vector<fs::path>& roots, const InputLimits& limits) {
  std::vector<InputFile> found;
  std::size_t seen = 0;
  for (const fs::path& root : roots) {
    std::error_code failure;
    fs::recursive_directory_iterator it(root, fs::directory_options::skip_permission_denied,
                                        failure);
    if (failure) {
      return berth::fail(
          berth::Error::invalid("--input", root.string() + ": " + failure.message()));
    }
    const fs::recursive_directory_iterator end;
    for (; it != end; it.increment(failure)) {
      std::error_code ignored;
      if (it->is_symlink(ignored) || !it->is_regular_file(ignored)) {
        continue;
      }
      ++seen;
      const std::uintmax_t bytes = it->file_size(ignored);
      if (bytes > 0 && bytes <= limits.max_file_bytes && ::access(it->path().c_str(), R_OK) == 0) {
        found.push_back({it->path(), fs::relative(it->path(), root.parent_path()), bytes});
      }
    }
  }
  std::sort(found.begin(), found.end(), [](const InputFile& a, const InputFile& b) {
    return a.bytes != b.bytes ? a.bytes > b.bytes : a.path < b.path;
  });
  std::uintmax_t total = 0;
  Input input;
  for (const InputFile& file : found) {
    if (input.files.size() < limits.max_files && total + file.bytes <= limits.max_bytes) {
      total += file.bytes;
      input.files.push_back(file);
    }
  }
  if (input.files.empty()) {
    return berth::fail(berth::Error::invalid("--input", "no readable file found"));
  }
  input.skipped = seen - input.files.size();
  return input;
}

std::vector<fs::path> default_roots() {
  return {"/usr/share"};
}

bool same_content(const fs::path& original, const fs::path& gzip_file) {
  std::ifstream a(original, std::ios::binary);
  const std::unique_ptr<gzFile_s, decltype(&gzclose)> b(gzopen(gzip_file.c_str(), "rb"), gzclose);
  if (!a || b == nullptr) {
    return false;
  }
  std::array<char, 65536> left{};
  std::array<char, 65536> right{};
  for (;;) {
    a.read(left.data(), left.size());
    const int got = gzread(b.get(), right.data(), right.size());
    if (got < 0 || a.gcount() != got ||
        std::string_view(left.data(), static_cast<std::size_t>(got)) !=
            std::string_view(right.data(), static_cast<std::size_t>(got))) {
      return false;
    }
    if (got == 0) {
      return true;
    }
  }
}

std::string file_sha256(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    return "";
  }
  Sha256 sum;
  std::array<char, 65536> buffer{};
  while (in.read(buffer.data(), buffer.size()) || in.gcount() > 0) {
    sum.update({buffer.data(), static_cast<std::size_t>(in.gcount())});
  }
  return sum.hex();
}

}  // namespace file_processing
