#include "examples/file-processing/activities.h"

#include <zlib.h>

#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <memory>

#include "examples/file-processing/checksum.h"
#include "examples/file-processing/path_text.h"

namespace file_processing {
namespace {

namespace fs = std::filesystem;
using berth::Error;
using berth::ErrorCode;
using berth::Json;
using berth::Result;

constexpr std::size_t kChunk = 64 * 1024;

berth::Status cancelled() {
  return berth::fail(Error::make(ErrorCode::kCancelled, "Cancelled", "the caller cancelled"));
}

// Copies in pieces, so that a cancel is seen in the middle of a large file too.
Result<std::uintmax_t> copy(const berth::worker::ActivityContext& context, const fs::path& from,
                            const fs::path& to) {
  std::ifstream in(from, std::ios::binary);
  if (!in) {
    return berth::fail(
        Error::make(ErrorCode::kNotFound, "FileNotFound", "cannot read " + to_text(from)));
  }
  // Of another copy of the same file it must differ, and a long name leaves no room.
  const fs::path partial = to.parent_path() / (".partial-" + context.activity_id());
  std::ofstream out(partial, std::ios::binary | std::ios::trunc);
  std::array<char, kChunk> buffer{};
  std::uintmax_t bytes = 0;
  while (in.read(buffer.data(), buffer.size()) || in.gcount() > 0) {
    if (context.cancelled()) {
      return berth::fail(cancelled().error());
    }
    out.write(buffer.data(), in.gcount());
    bytes += static_cast<std::uintmax_t>(in.gcount());
  }
  out.close();
  if (!out || in.bad()) {
    return berth::fail(Error::make(ErrorCode::kInternal, "WriteFailed",
                                   "cannot copy " + to_text(from) + " to " + to_text(to)));
  }
  std::error_code failure;
  fs::rename(partial, to, failure);
  if (failure) {
    return berth::fail(
        Error::internal("cannot rename " + to_text(partial) + ": " + failure.message()));
  }
  return bytes;
}

Result<fs::path> path_of(const Json& input) {
  const auto path = from_text(berth::get_string(input, "path").value_or(""));
  if (!path || !path->is_absolute()) {
    return berth::fail(
        Error::invalid("path", "must be the whole path of a file, %XX for bytes that are no text"));
  }
  return *path;
}

struct Counts {
  std::uintmax_t bytes = 0;
  std::uintmax_t lines = 0;
  std::uintmax_t words = 0;
  bool in_word = false;

  void add(std::string_view text) {
    bytes += text.size();
    for (const char c : text) {
      lines += c == '\n' ? 1 : 0;
      const bool space = std::isspace(static_cast<unsigned char>(c)) != 0;
      words += !space && !in_word ? 1 : 0;
      in_word = !space;
    }
  }
};

}  // namespace

Result<Json> fetch(berth::worker::ActivityContext& context, const Json& input) {
  BERTH_ASSIGN(const fs::path path, path_of(input));
  BERTH_ASSIGN(const std::uintmax_t bytes, copy(context, path, context.directory() / "input"));
  return Json{{"bytes", bytes}};
}

Result<Json> process(berth::worker::ActivityContext& context, const Json& /*input*/) {
  const fs::path from = context.directory() / "input";
  const fs::path to = context.directory() / "output.gz";
  std::ifstream in(from, std::ios::binary);
  const std::unique_ptr<gzFile_s, decltype(&gzclose)> out(gzopen(to.c_str(), "wb6"), gzclose);
  if (!in || out == nullptr) {
    return berth::fail(Error::make(ErrorCode::kInternal, "NoInput", "fetch a file first"));
  }
  Counts counts;
  Sha256 sum;
  std::array<char, kChunk> buffer{};
  while (in.read(buffer.data(), buffer.size()) || in.gcount() > 0) {
    if (context.cancelled()) {
      return berth::fail(cancelled().error());
    }
    const std::string_view chunk(buffer.data(), static_cast<std::size_t>(in.gcount()));
    counts.add(chunk);
    sum.update(chunk);
    if (gzwrite(out.get(), chunk.data(), static_cast<unsigned>(chunk.size())) <= 0) {
      return berth::fail(Error::make(ErrorCode::kInternal, "WriteFailed", "cannot compress"));
    }
    context.progress({{"bytes", counts.bytes}});
  }
  gzflush(out.get(), Z_FINISH);
  return Json{{"bytes", counts.bytes},
              {"lines", counts.lines},
              {"words", counts.words},
              {"sha256", sum.hex()},
              {"compressedBytes", fs::file_size(to)}};
}

Result<Json> store(berth::worker::ActivityContext& context, const Json& input) {
  BERTH_ASSIGN(const fs::path path, path_of(input));
  BERTH_ASSIGN(const std::uintmax_t bytes, copy(context, context.directory() / "output.gz", path));
  return Json{{"bytes", bytes}};
}

}  // namespace file_processing
