// The worker's journal as a crash, a full disk or a broken one may leave it. The first byte
// chooses: the bytes as a file, as one record, or as a list of contents that are framed properly
// and then cut or damaged at one place.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "worker/journal/frames.h"
#include "worker/journal/record_codec.h"

namespace {

using namespace berth;
using namespace berth::worker;

void demand_that(bool holds, const char* what) {
  if (!holds) {
    std::fprintf(stderr, "broken: %s\n", what);
    std::abort();
  }
}

bool is_start_of(const std::vector<Record>& some, const std::vector<Record>& all) {
  return some.size() <= all.size() && std::equal(some.begin(), some.end(), all.begin());
}

void feed_record(std::string_view bytes) {
  if (const auto record = decode_record(bytes)) {
    demand_that(encode_record(*record) == bytes, "a record has one encoding");
  }
}

// What was accepted must be the same when the file goes on where its good part ends.
void feed_file(std::string_view bytes) {
  const auto parsed = parse_journal(bytes);
  if (!parsed) {
    return;
  }
  demand_that(parsed->good_bytes <= bytes.size(), "the good part lies within the file");
  const auto again = parse_journal(bytes.substr(0, parsed->good_bytes));
  demand_that(again && again->records == parsed->records && again->boot_id == parsed->boot_id &&
                  again->good_bytes == parsed->good_bytes,
              "the good part alone reads the same");
}

// Two bytes choose a place; then contents, each after a byte with its length.
void feed_damaged(std::string_view bytes) {
  if (bytes.size() < 3) {
    return;
  }
  const std::size_t place =
      static_cast<std::uint8_t>(bytes[0]) * 256u + static_cast<std::uint8_t>(bytes[1]);
  const char damage = bytes[2];
  bytes.remove_prefix(3);
  std::string file = journal_start("boot-1");
  const std::size_t first_frame = file.size();
  while (!bytes.empty()) {
    const std::string_view content = bytes.substr(
        1, std::min<std::size_t>(static_cast<std::uint8_t>(bytes[0]), bytes.size() - 1));
    file += frame(content);
    bytes.remove_prefix(1 + content.size());
  }
  const auto whole = parse_journal(file);
  if (!whole) {
    return;
  }
  demand_that(whole->good_bytes == file.size(), "a whole file is good to its end");
  const std::size_t at = first_frame + place % (file.size() - first_frame + 1);
  const auto cut = parse_journal(std::string_view(file).substr(0, at));
  demand_that(cut && is_start_of(cut->records, whole->records), "a cut loses the last record only");
  const auto padded = parse_journal(file.substr(0, at) + std::string(32, '\0'));
  demand_that(!padded || is_start_of(padded->records, whole->records),
              "zeros behind a cut bring nothing in");
  if (at < file.size() && damage != 0) {
    file[at] = static_cast<char>(file[at] ^ damage);
    demand_that(!parse_journal(file), "a changed byte is seen");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      feed_file(bytes);
      break;
    case 1:
      feed_record(bytes);
      break;
    default:
      feed_damaged(bytes);
  }
  return 0;
}
