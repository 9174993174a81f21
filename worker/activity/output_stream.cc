#include "worker/activity/output_stream.h"

#include <algorithm>

namespace berth::worker {
namespace {

constexpr std::size_t kMaxChunk = 64U << 10;
// What a chunk takes besides its bytes: a program may change between its streams at each byte.
constexpr std::size_t kChunkCost = 64;

}  // namespace

void OutputStream::append(bool is_stderr, std::string_view bytes) {
  end_ += static_cast<std::int64_t>(bytes.size());
  cost_ += bytes.size();
  while (!bytes.empty()) {
    if (chunks_.empty() || chunks_.back().is_stderr != is_stderr ||
        chunks_.back().bytes.size() >= kMaxChunk) {
      chunks_.push_back({is_stderr, {}});
      cost_ += kChunkCost;
    }
    std::string& last = chunks_.back().bytes;
    const std::size_t n = std::min(bytes.size(), kMaxChunk - last.size());
    last.append(bytes.substr(0, n));
    bytes.remove_prefix(n);
  }
  waiting_ = waiting_ || full();
}

void OutputStream::finish() {
  finished_ = true;
}

void OutputStream::forget(std::int64_t before) {
  while (begin_ < before) {
    std::string& first = chunks_.front().bytes;
    const auto n = static_cast<std::size_t>(
        std::min<std::int64_t>(before - begin_, static_cast<std::int64_t>(first.size())));
    begin_ += static_cast<std::int64_t>(n);
    cost_ -= n;
    if (n < first.size()) {
      first.erase(0, n);
    } else {
      cost_ -= kChunkCost;
      chunks_.pop_front();
    }
  }
}

Status OutputStream::take(std::int64_t after) {
  if (after > end_) {
    return fail(Error::invalid(
        "after", "is beyond the output, which ends at " + std::to_string(end_) + " now"));
  }
  if (after < begin_) {
    return fail(
        Error::make(ErrorCode::kGone, "OutputTaken",
                    "the output up to byte " + std::to_string(begin_) +
                        " was taken already, by a read that asked for what comes after it"));
  }
  forget(after);
  if (waiting_ && cost_ <= kLowWater) {
    waiting_ = false;
    if (on_room_) {
      on_room_();
    }
  }
  return {};
}

Result<api::ActivityOutput> OutputStream::read(std::int64_t after) {
  BERTH_TRY(take(after));
  api::ActivityOutput out;
  out.next = begin_;
  std::size_t room = kMaxRead;
  for (auto it = chunks_.begin(); it != chunks_.end() && room > 0; ++it) {
    out.chunks.push_back({it->is_stderr, it->bytes.substr(0, room)});
    const std::size_t n = out.chunks.back().bytes.size();
    room -= n;
    out.next += static_cast<std::int64_t>(n);
  }
  out.end = finished_ && out.next == end_;
  return out;
}

}  // namespace berth::worker
