#include <algorithm>

#include "worker/session/session_table.h"

// Cordon, drain, retire, shut down: who may still come in.
namespace berth::worker {

Status SessionTable::check_epoch(std::int64_t epoch) const {
  if (epoch < epoch_) {
    Error e = Error::make(ErrorCode::kConflict, "StaleEpoch",
                          "a later operator has spoken: the highest epoch seen is " +
                              std::to_string(epoch_) + ", this is " + std::to_string(epoch));
    e.field = "epoch";
    return fail(std::move(e));
  }
  return {};
}

Status SessionTable::set_cordon(CordonRecord next) {
  BERTH_TRY(check_epoch(next.epoch));
  if (next == CordonRecord{epoch_, cordoned_, drain_deadline_}) {
    return {};
  }
  BERTH_TRY(ledger_.write(next));
  epoch_ = next.epoch;
  cordoned_ = next.cordoned;
  drain_deadline_ = next.drain_deadline;
  changed();
  return {};
}

Status SessionTable::cordon(std::int64_t epoch) {
  return set_cordon({epoch, true, drain_deadline_});
}

Status SessionTable::uncordon(std::int64_t epoch) {
  BERTH_TRY(check_epoch(epoch));
  if (retired_) {
    return fail(
        Error::make(ErrorCode::kConflict, "Retired", "a retired worker cannot be taken back"));
  }
  return set_cordon({epoch, false, std::nullopt});
}

Status SessionTable::drain(std::int64_t epoch, TimePoint deadline) {
  return set_cordon({epoch, true, deadline});
}

Status SessionTable::retire() {
  if (retired_) {
    return {};
  }
  if (!empty()) {
    return fail(Error::make(ErrorCode::kConflict, "SessionsOpen",
                            std::to_string(sessions_.size()) + " sessions are open or ending and " +
                                std::to_string(holds_.size()) + " slots are held"));
  }
  BERTH_TRY(ledger_.write(RetiredRecord{}));
  retired_ = true;
  changed();
  return {};
}

void SessionTable::shut_down(TimePoint deadline) {
  shutdown_deadline_ = std::min(deadline, shutdown_deadline_.value_or(TimePoint::max()));
  while (!holds_.empty()) {
    release_hold(holds_.begin()->first);
  }
  changed();
}

}  // namespace berth::worker
