#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "worker/session/record.h"

namespace berth::worker {

/// A journal's bytes: a header with magic and format version, then frames. Each frame has the
/// length of its content, a checksum of the content and a checksum of those eight bytes, so that a
/// wrong length cannot pass for a torn tail.
inline constexpr std::uint32_t kJournalVersion = 1;
inline constexpr std::size_t kMaxRecordBytes = 64u << 20;

/// Header and the frame that says in which boot of the machine the file was begun.
std::string journal_start(const std::string& boot_id);
std::string frame(std::string_view content);

struct ParsedJournal {
  std::string boot_id;
  std::vector<Record> records;
  std::size_t good_bytes =
      0;  ///< Where the next frame goes; less than the size when the tail was torn.
};
/// A last frame that was not written whole, and trailing zeros, are left out. Anything else that is
/// wrong is an error: "NewerJournal" or "CorruptJournal", with the byte where it is wrong.
Result<ParsedJournal> parse_journal(std::string_view bytes);

}  // namespace berth::worker
