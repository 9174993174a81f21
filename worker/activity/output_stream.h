#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string_view>

#include "berth/api/activity.h"

namespace berth::worker {

/// What an activity prints, on its way to a reader who asks for it by offset. Nothing is lost: what
/// was not yet asked past is kept, and a writer that is ahead of its reader is told to wait.
///
/// Loop thread only. It may outlive the run that fills it: the end of the output is often read
/// after the end of the activity.
class OutputStream {
 public:
  /// The writer should wait from here on ...
  static constexpr std::size_t kHighWater = 256U << 10;
  /// ... and go on when the reader has come to here.
  static constexpr std::size_t kLowWater = 128U << 10;
  /// Bytes in one answer.
  static constexpr std::size_t kMaxRead = 256U << 10;

  void append(bool is_stderr, std::string_view bytes);
  /// Nothing more comes.
  void finish();
  bool full() const { return cost_ >= kHighWater; }
  /// Runs when a full stream has room again, inside take() or read(). Null: nobody waits any more.
  void on_room(std::function<void()> fn) { on_room_ = std::move(fn); }

  /// The reader has everything before `after`: that is forgotten. To be told as soon as it is
  /// known, also by a reader who will wait: a writer may wait for it. Gone "OutputTaken" for what
  /// was forgotten earlier, InvalidArgument "after" for what was never printed.
  Status take(std::int64_t after);
  /// take(), then what comes after `after`, perhaps nothing yet.
  Result<api::ActivityOutput> read(std::int64_t after);
  /// A read at `after` would give bytes, the end or an error.
  bool has_news(std::int64_t after) const { return finished_ || after != end_; }
  /// Memory that the unread bytes take.
  std::size_t cost() const { return cost_; }

 private:
  void forget(std::int64_t before);

  std::deque<api::ActivityOutput::Chunk> chunks_;
  std::int64_t begin_ = 0;  ///< Offset of the first byte of chunks_.
  std::int64_t end_ = 0;    ///< Offset behind the last.
  std::size_t cost_ = 0;
  bool waiting_ = false;  ///< It was full, and on_room was not called since.
  bool finished_ = false;
  std::function<void()> on_room_;
};

}  // namespace berth::worker
