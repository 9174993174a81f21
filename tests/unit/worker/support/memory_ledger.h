#pragma once

#include <vector>

#include "worker/session/record.h"

namespace berth::worker {

/// A ledger in memory that a test can make fail.
class MemoryLedger final : public Ledger {
 public:
  Status write(const Record& record) override {
    if (full && (!happens_anyway(record) || full_for_all)) {
      ++refused;
      return fail(Error::make(ErrorCode::kUnavailable, "JournalUnavailable", "disk full"));
    }
    records.push_back(record);
    return {};
  }
  template <class T>
  std::size_t count() const {
    std::size_t n = 0;
    for (const Record& r : records) {
      n += std::holds_alternative<T>(r) ? 1 : 0;
    }
    return n;
  }

  std::vector<Record> records;
  bool full = false;          ///< Refuses what may be refused.
  bool full_for_all = false;  ///< With full: everything.
  int refused = 0;
};

}  // namespace berth::worker
