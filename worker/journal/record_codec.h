#pragma once

#include <string>
#include <string_view>

#include "worker/session/record.h"

namespace berth::worker {

/// The bytes of one record: a kind, then its fields in order; numbers little-endian, texts with
/// their length before them. Kinds are never renumbered; a change of fields raises the journal's
/// format version.
std::string encode_record(const Record& record);

/// Never trusts its input: unknown kinds, cut or overlong records and impossible values are errors.
Result<Record> decode_record(std::string_view bytes);

}  // namespace berth::worker
