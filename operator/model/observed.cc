#include "operator/model/observed.h"

namespace berth::op {

WorkerPhase Worker::phase() const {
  if (finished) {
    return WorkerPhase::kFailed;
  }
  if (deleting) {
    return WorkerPhase::kTerminating;
  }
  if (slots && slots->state == api::WorkerState::kRetired) {
    return WorkerPhase::kRetired;
  }
  if (silent) {
    return never_started ? WorkerPhase::kStarting : WorkerPhase::kUnreadable;
  }
  if (!slots) {
    return WorkerPhase::kStarting;
  }
  switch (slots->state) {
    case api::WorkerState::kActive:
      // A person's cordon counts from the moment it is written, not from when the worker obeys.
      return held_by_person() ? WorkerPhase::kCordoned : WorkerPhase::kAdmitting;
    case api::WorkerState::kCordoned:
      return WorkerPhase::kCordoned;
    case api::WorkerState::kDraining:
      return WorkerPhase::kDraining;
    case api::WorkerState::kRetired:
      break;
  }
  return WorkerPhase::kRetired;
}

bool Worker::present() const {
  const WorkerPhase p = phase();
  return !removing && (p == WorkerPhase::kAdmitting || p == WorkerPhase::kStarting);
}

bool Worker::our_cordon() const {
  return phase() == WorkerPhase::kCordoned && !held_by_person() && !removing;
}

bool Worker::overdue(TimePoint now) const {
  return deleting && now > delete_by + std::chrono::minutes(1);
}

}  // namespace berth::op
