#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "gateway/ui/pool_view.h"

namespace berth::gateway::ui {

/// What one pool has been through, as far back as the page shows. Bounded plain state; lost when
/// the gateway ends.
class Chronicle {
 public:
  static constexpr std::size_t kMaxSamples = 120;
  static constexpr std::size_t kMaxNews = 50;
  static constexpr std::size_t kMaxDecisions = 10;

  struct Sample {
    std::int64_t used = 0;
    std::int64_t capacity = 0;
    std::int64_t waiting = 0;
  };

  /// The pool as it is first seen.
  explicit Chronicle(const PoolView& first);

  /// Notes what is new: {"news": [...], "decisions": [...]}, each only when there is any.
  Json note(const PoolView& before, const PoolView& after, TimePoint now);
  void add(Sample sample);

  /// {"news": [...], "decisions": [...], "samples": [[used, capacity, waiting], ...]}, the oldest
  /// first.
  Json to_json() const;

 private:
  struct Dated {
    std::int64_t at = 0;
    News news;
  };
  bool decided(const PoolView& view);
  static Json json_of(const Dated& dated);
  static Json json_of(const PoolStatus::Scale& scale);

  std::deque<Dated> news_;
  std::deque<PoolStatus::Scale> decisions_;
  std::deque<Sample> samples_;
};

}  // namespace berth::gateway::ui
