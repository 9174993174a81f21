#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>

#include "berth/base/clock.h"
#include "gateway/api/authenticator.h"

namespace berth::gateway {

/// Verdicts on "may the bearer of this token do that", by an opaque key. Bounded: the ones not
/// asked for longest go first. Refusals have a room of their own, so that a stranger who tries a
/// million tokens pushes nobody out who is let in. Plain state; loop thread only.
class AccessCache {
 public:
  struct Settings {
    Duration allowed_for = std::chrono::seconds(60);
    Duration refused_for = std::chrono::seconds(10);
    /// How long after its check a positive verdict may stand in for one that cannot be had.
    Duration stale_for = std::chrono::minutes(10);
    std::size_t max_entries = 10'000;  ///< Of each kind.
  };
  AccessCache(const Clock& clock, Settings settings) : clock_(clock), settings_(settings) {}

  /// `verdict`'s error is a refusal. `expires`: the end of the token; nothing positive is told
  /// after it. Replaces what was known under the key.
  void store(const std::string& key, AccessVerdict verdict, std::optional<WallTime> expires);

  /// A verdict young enough to be used without asking; null otherwise. Valid until the next change.
  const AccessVerdict* fresh(const std::string& key);
  /// The last positive verdict, young enough to be used while nobody can be asked.
  const Identity* stale(const std::string& key);

  std::size_t size() const { return allowed_.by_key.size() + refused_.by_key.size(); }

 private:
  struct Entry {
    std::string key;
    AccessVerdict verdict;
    TimePoint checked{};
    std::optional<WallTime> expires;
  };
  struct Room {
    std::list<Entry> entries;  ///< Newest use first.
    std::unordered_map<std::string, std::list<Entry>::iterator> by_key;

    Entry* find(const std::string& key);
    void erase(const std::string& key);
    void put(Entry entry, std::size_t max);
  };
  bool ended(const Entry& entry) const;

  const Clock& clock_;
  Settings settings_;
  Room allowed_;
  Room refused_;
};

}  // namespace berth::gateway
