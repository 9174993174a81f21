#include "examples/file-processing/input.h"

#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <map>
#include <memory>
#include <string_view>

#include "examples/file-processing/checksum.h"
#include "examples/file-processing/path_text.h"

namespace file_processing {

namespace fs = std::filesystem;

namespace {

/// What is regular and not empty below `root`, and how much else was seen there.
berth::Result<Input> look_below(const fs::path& root, std::uintmax_t max_file_bytes) {
  const auto failed = [&](const std::error_code& why) {
    return berth::fail(berth::Error::invalid("--input", to_text(root) + ": " + why.message()));
  };
  Input input;
  std::error_code failure;
  if (fs::is_regular_file(root, failure)) {
    return berth::fail(berth::Error::invalid(
        "--input", to_text(root) + " is a file; name the folder that it is in"));
  }
  fs::recursive_directory_iterator it(root, fs::directory_options::skip_permission_denied, failure);
  if (!failure && ::access(root.c_str(), R_OK | X_OK) != 0) {
    failure = {errno, std::generic_category()};
  }
  // The folder's own name, or that of a link to it, is part of what its results are called.
  const fs::path above = root.parent_path();
  for (; !failure && it != fs::recursive_directory_iterator(); it.increment(failure)) {
    std::error_code ignored;
    if (it->is_symlink(ignored) || !it->is_regular_file(ignored)) {
      continue;
    }
    const std::uintmax_t bytes = it->file_size(ignored);
    if (bytes > 0 && bytes <= max_file_bytes && ::access(it->path().c_str(), R_OK) == 0) {
      input.files.push_back({it->path(), result_name(it->path().lexically_relative(above)), bytes});
    } else {
      ++input.skipped;
    }
  }
  return failure ? berth::Result<Input>(failed(failure)) : input;
}

constexpr std::size_t kLongestName = 255;

std::string with_ending(const std::string& name, std::string_view ending) {
  if (name.size() + ending.size() <= kLongestName) {
    return name + std::string(ending);
  }
  Sha256 sum;
  sum.update(name);
  const std::string mark = "~" + sum.hex().substr(0, 16) + std::string(ending);
  return name.substr(0, kLongestName - mark.size()) + mark;
}

std::string folder_of_results(const std::string& name) {
  std::string_view plain = name;
  while (plain.ends_with(".d")) {
    plain.remove_suffix(2);
  }
  return plain.ends_with(".gz") ? with_ending(name, ".d") : name;
}

berth::Status each_has_its_own_result(const std::vector<InputFile>& files) {
  std::map<fs::path, const InputFile*> owners;
  for (const InputFile& file : files) {
    const auto [at, fresh] = owners.emplace(file.result, &file);
    if (!fresh) {
      return berth::fail(berth::Error::invalid(
          "--input", to_text(at->second->path) + " and " + to_text(file.path) +
                         " would have one result, " + to_text(file.result) +
                         "; give their folders one after the other"));
    }
  }
  return {};
}

}  // namespace

fs::path result_name(const fs::path& relative) {
  fs::path out;
  for (const fs::path& folder : relative.parent_path()) {
    out /= folder_of_results(folder.string());
  }
  return out / with_ending(relative.filename().string(), ".gz");
}

berth::Result<Input> find_input(const std::vector<fs::path>& roots, const InputLimits& limits) {
  Input input;
  std::vector<InputFile> found;
  for (const fs::path& root : roots) {
    std::error_code ignored;
    fs::path whole = fs::absolute(root, ignored).lexically_normal();
    if (!whole.has_filename()) {
      whole = whole.parent_path();  // "dir/" is "dir".
    }
    BERTH_ASSIGN(const Input below, look_below(whole, limits.max_file_bytes));
    found.insert(found.end(), below.files.begin(), below.files.end());
    input.skipped += below.skipped;
  }
  std::sort(found.begin(), found.end(), [](const InputFile& a, const InputFile& b) {
    return a.bytes != b.bytes ? a.bytes > b.bytes : a.path < b.path;
  });
  std::uintmax_t total = 0;
  for (const InputFile& file : found) {
    if (input.files.size() < limits.max_files && total + file.bytes <= limits.max_bytes) {
      total += file.bytes;
      input.files.push_back(file);
    } else {
      ++input.skipped;
    }
  }
  BERTH_TRY(each_has_its_own_result(input.files));
  if (input.files.empty()) {
    std::string where;
    for (const fs::path& root : roots) {
      where += (where.empty() ? "" : ", ") + to_text(root);
    }
    return berth::fail(berth::Error::invalid(
        "--input", "no file to process in " + where + ": " +
                       (input.skipped == 0 ? "it holds none"
                                           : std::to_string(input.skipped) +
                                                 (input.skipped == 1 ? " is" : " are") +
                                                 " empty, unreadable or beyond a limit") +
                       "; name a folder with files that you may read"));
  }
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
