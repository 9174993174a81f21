#pragma once

#include <deque>
#include <string>
#include <unordered_map>
#include <utility>

#include "berth/api/ids.h"
#include "berth/base/clock.h"

namespace berth::gateway {

/// Where sessions opened lately went, so that a caller who repeats its create (its answer got lost)
/// is led to the session it has, and not to a twin. Bounded in number and age: a hint, nothing
/// depends on it. Loop thread only.
class RecentPlacements {
 public:
  struct Entry {
    api::WorkerUid uid;
    bool given_back =
        false;  ///< We asked the worker to take it back; whether it did is not known here.
  };

  RecentPlacements(std::size_t max, Duration max_age) : max_(max), max_age_(max_age) {}

  void remember(const std::string& key, Entry entry, TimePoint now);
  const Entry* find(const std::string& key, TimePoint now);
  std::size_t size() const { return entries_.size(); }

 private:
  struct Stored {
    Entry entry;
    std::uint64_t serial = 0;
  };
  struct Age {
    TimePoint at;
    std::uint64_t serial;
    std::string key;
  };
  void drop_oldest();

  std::size_t max_;
  Duration max_age_;
  std::uint64_t last_ = 0;
  std::unordered_map<std::string, Stored> entries_;
  std::deque<Age> ages_;
};

}  // namespace berth::gateway
