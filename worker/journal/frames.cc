#include "worker/journal/frames.h"

#include <zlib.h>

#include "worker/journal/record_codec.h"

namespace berth::worker {
namespace {

constexpr std::string_view kMagic = "BERTHJNL";
constexpr std::size_t kHeaderBytes = 16;
constexpr std::size_t kFrameHeadBytes = 12;

std::uint32_t checksum(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      ::crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

void put_u32(std::string& out, std::uint32_t v) {
  for (int i = 0; i < 4; ++i) {
    out.push_back(static_cast<char>(v & 0xff));
    v >>= 8;
  }
}

std::uint32_t get_u32(std::string_view bytes, std::size_t at) {
  std::uint32_t v = 0;
  for (std::size_t i = 4; i-- > 0;) {
    v = (v << 8) | static_cast<std::uint8_t>(bytes[at + i]);
  }
  return v;
}

Error corrupt(std::size_t at, const std::string& what) {
  return Error::make(ErrorCode::kInternal, "CorruptJournal",
                     what + " at byte " + std::to_string(at));
}

// A frame's content, nothing at the end or at a torn tail.
Result<std::optional<std::string_view>> next_frame(std::string_view bytes, std::size_t at) {
  const std::string_view rest = bytes.substr(at);
  if (rest.find_first_not_of('\0') == std::string_view::npos || rest.size() < kFrameHeadBytes) {
    return std::nullopt;
  }
  const std::uint32_t length = get_u32(rest, 0);
  if (get_u32(rest, 8) != checksum(rest.substr(0, 8)) || length > kMaxRecordBytes) {
    return fail(corrupt(at, "wrong frame"));
  }
  if (rest.size() - kFrameHeadBytes < length) {
    return std::nullopt;
  }
  const std::string_view content = rest.substr(kFrameHeadBytes, length);
  if (get_u32(rest, 4) != checksum(content)) {
    return fail(corrupt(at, "wrong checksum"));
  }
  return content;
}

}  // namespace

std::string frame(std::string_view content) {
  std::string out;
  out.reserve(kFrameHeadBytes + content.size());
  put_u32(out, static_cast<std::uint32_t>(content.size()));
  put_u32(out, checksum(content));
  put_u32(out, checksum(out));
  out += content;
  return out;
}

std::string journal_start(const std::string& boot_id) {
  std::string out(kMagic);
  put_u32(out, kJournalVersion);
  put_u32(out, checksum(out));
  return out + frame(boot_id);
}

Result<ParsedJournal> parse_journal(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes || bytes.substr(0, kMagic.size()) != kMagic ||
      get_u32(bytes, 12) != checksum(bytes.substr(0, 12))) {
    return fail(corrupt(0, "no journal header"));
  }
  if (const std::uint32_t version = get_u32(bytes, 8); version != kJournalVersion) {
    return fail(Error::make(ErrorCode::kInternal, "NewerJournal",
                            "it has format version " + std::to_string(version) +
                                ", this program knows " + std::to_string(kJournalVersion)));
  }
  ParsedJournal out;
  std::size_t at = kHeaderBytes;
  bool first = true;
  for (;;) {
    BERTH_ASSIGN(const auto content, next_frame(bytes, at));
    if (!content) {
      if (first) {
        return fail(corrupt(at, "no boot id"));
      }
      out.good_bytes = at;
      return out;
    }
    if (first) {
      out.boot_id = std::string(*content);
      first = false;
    } else {
      auto record = decode_record(*content);
      if (!record) {
        return fail(corrupt(at, record.error().message));
      }
      out.records.push_back(std::move(*record));
    }
    at += kFrameHeadBytes + content->size();
  }
}

}  // namespace berth::worker
