#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "berth/base/clock.h"
#include "berth/base/error.h"
#include "berth/base/json.h"
#include "berth/http/server.h"

namespace berth::devcluster {

/// One scripted misbehaviour of the API server. The first rule that matches a request and has turns
/// left applies.
struct FaultRule {
  enum class Action {
    kStatus,      ///< Answer with `status`, without carrying the request out.
    kDropBefore,  ///< Cut the connection without carrying the request out.
    kDropAfter,   ///< Carry it out, then cut the connection: the lost acknowledgement.
    kDelay,       ///< Carry it out `delay` later.
    kFreeze,      ///< Take the request and never answer, until clear().
  };
  Action action = Action::kStatus;
  std::string method = {};  ///< "" matches all.
  std::string path =
      {};  ///< A part of the target, query included ("/pods/x", "watch=true"); "" matches all.
  int times = 1;  ///< How many requests it applies to; negative: until clear().
  int status = 500;
  std::optional<std::chrono::seconds> retry_after = {};
  Duration delay{0};

  /// {"action": "status|dropBefore|dropAfter|delay|freeze", "method", "path", "times", "status",
  /// "retryAfterSeconds", "delay": "1s"}
  static Result<FaultRule> parse(const Json& json, const std::string& path);
};

/// The script that tests give the API server, in process or through POST /_faults. Loop thread
/// only.
class Faults {
 public:
  void add(FaultRule rule) { rules_.push_back(std::move(rule)); }
  /// Forgets all rules; frozen requests are cut.
  void clear();

  /// The fault for this request, using up one of its turns. Requests to /_faults are never hit.
  std::optional<FaultRule> take(const http::Request& request);

  /// Watch bodies leave in chunks of this many bytes; 0: an event a chunk. For watches opened from
  /// now on.
  void split_frames(std::size_t bytes) { frame_bytes_ = bytes; }
  std::size_t frame_bytes() const { return frame_bytes_; }
  /// Watches send no bookmarks while set.
  void withhold_bookmarks(bool on) { bookmarks_withheld_ = on; }
  bool bookmarks_withheld() const { return bookmarks_withheld_; }

  void freeze(std::shared_ptr<http::Exchange> exchange);
  std::size_t frozen() const { return frozen_.size(); }
  /// How many requests rules have been applied to.
  std::size_t hits() const { return hits_; }

 private:
  std::vector<FaultRule> rules_;
  std::deque<std::shared_ptr<http::Exchange>> frozen_;
  std::size_t frame_bytes_ = 0;
  bool bookmarks_withheld_ = false;
  std::size_t hits_ = 0;
};

}  // namespace berth::devcluster
