#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "berth/api/activity.h"
#include "berth/api/ids.h"
#include "berth/api/session.h"
#include "berth/base/clock.h"

/// What a worker must still know after its process was killed: one record per step, in order. The
/// session table writes them before a step takes effect and rebuilds itself from them;
/// worker/journal puts them on disk. Times on the boot clock hold as long as the machine runs,
/// which is as long as its sessions can live.
namespace berth::worker {

struct SessionOpenedRecord {
  api::SessionId id;
  std::string token_hash;
  std::string owner;
  api::Resources resources;  ///< With the slot itself.
  Duration heartbeat_timeout{};
  TimePoint opened_at{};
  WallTime opened_wall{};
  TimePoint execution_deadline{};
  api::SessionId from_hold;  ///< The held slot that it took over, or empty.
  bool operator==(const SessionOpenedRecord&) const = default;
};

/// The session is over for its owner; its activities are being stopped.
struct SessionEndingRecord {
  api::SessionId id;
  api::EndReason reason = api::EndReason::kCompleted;
  Duration keep_for{0};
  bool operator==(const SessionEndingRecord&) const = default;
};

/// Its last activity has stopped: the slot is free, or held until `hold_until`.
struct SessionEndedRecord {
  api::SessionId id;
  api::EndReason reason = api::EndReason::kCompleted;
  TimePoint ended_at{};
  std::optional<TimePoint> hold_until;
  bool operator==(const SessionEndedRecord&) const = default;
};

/// What is left of a session that has ended, as a compacted journal tells it. Stands for Opened +
/// Ended.
struct EndedSession {
  api::SessionId id;
  std::string token_hash;
  std::string owner;
  api::Resources resources;
  api::EndReason reason = api::EndReason::kCompleted;
  TimePoint opened_at{};
  WallTime opened_wall{};
  TimePoint ended_at{};
  std::optional<TimePoint> hold_until;  ///< Set while the slot is held for its recreate token.
  bool operator==(const EndedSession&) const = default;
};

/// The switch that keeps new sessions out, and an operator's deadline for the open ones.
struct CordonRecord {
  std::int64_t epoch = 0;
  bool cordoned = false;
  std::optional<TimePoint> drain_deadline;
  bool operator==(const CordonRecord&) const = default;
};

/// The last word. Must be on disk, not only in the kernel, before it counts.
struct RetiredRecord {
  bool operator==(const RetiredRecord&) const = default;
};

struct ActivityAcceptedRecord {
  api::SessionId session;
  api::ActivityId activity;
  std::string type;
  bool operator==(const ActivityAcceptedRecord&) const = default;
};

/// Processes of this group belong to the activity and must be dead before its slot may be trusted.
struct ActivityGroupRecord {
  api::SessionId session;
  api::ActivityId activity;
  std::int64_t process_group = 0;
  bool operator==(const ActivityGroupRecord&) const = default;
};

/// Its executor refused to start it: the id is free again.
struct ActivityRejectedRecord {
  api::SessionId session;
  api::ActivityId activity;
  bool operator==(const ActivityRejectedRecord&) const = default;
};

struct ActivityFinishedRecord {
  api::SessionId session;
  api::ActivityId activity;
  api::ActivityState state = api::ActivityState::kFailed;
  std::string result;        ///< JSON text; empty: none.
  std::string failure_type;  ///< Empty: none.
  std::string failure_message;
  bool failure_retryable = false;
  std::optional<std::int64_t> exit_status;
  std::string stdout_base64;
  std::string stderr_tail;
  Duration runtime{};
  bool operator==(const ActivityFinishedRecord&) const = default;
};

/// Compaction only: the id was used, its result is no longer kept.
struct ActivityForgottenRecord {
  api::SessionId session;
  api::ActivityId activity;
  bool operator==(const ActivityForgottenRecord&) const = default;
};

using Record =
    std::variant<SessionOpenedRecord, SessionEndingRecord, SessionEndedRecord, EndedSession,
                 CordonRecord, RetiredRecord, ActivityAcceptedRecord, ActivityGroupRecord,
                 ActivityRejectedRecord, ActivityFinishedRecord, ActivityForgottenRecord>;

/// True for steps that happen whether or not they can be written: an end cannot be refused, and
/// process groups, results and the like already happened. Space is reserved for them. All others
/// are refused when they cannot be written.
inline bool happens_anyway(const Record& r) {
  return !std::holds_alternative<SessionOpenedRecord>(r) &&
         !std::holds_alternative<CordonRecord>(r) && !std::holds_alternative<RetiredRecord>(r) &&
         !std::holds_alternative<ActivityAcceptedRecord>(r);
}

/// A part of the records that make a table again. Played back in order they give the same table,
/// also if steps were taken between the pages.
struct SnapshotPage {
  std::vector<Record> records;
  std::optional<std::uint64_t> next;  ///< Where the next page begins; nothing: this was the last.
};

/// Where the table's steps are written down.
class Ledger {
 public:
  virtual ~Ledger() = default;
  /// Returns once the record will survive the death of this process (for RetiredRecord: of the
  /// machine). After an error nothing of the record is left; kUnavailable "JournalUnavailable".
  virtual Status write(const Record& record) = 0;
};

}  // namespace berth::worker
