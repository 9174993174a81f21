#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "berth/api/session.h"
#include "berth/base/clock.h"

namespace berth::gateway {

/// The requests of one pool that wait for a slot: one line per resource shape, each strictly first
/// come, first served. Plain state: no clock, no IO. Loop thread only.
///
/// A place is held by its number, which is the order of arrival. The holder can be *present*
/// (somebody waits for the answer) or *absent* (its place is kept, but it cannot be served); who
/// leaves to be placed and comes back refused joins again with its old number and stands where it
/// stood.
///
/// Shapes do not block each other: when the head of one line fits nowhere, the others still move.
/// The price: a shape that needs much of a scarce resource can be overtaken by shapes that need
/// little of it.
class WaitingLine {
 public:
  struct Limits {
    std::size_t max_per_shape = 10'000;
    std::size_t max_shapes = 64;  ///< Shapes are chosen by callers, so their number is bounded too.
  };
  struct Place {
    std::uint64_t number = 0;
    api::SessionId id;
    api::Resources shape;
    TimePoint arrived{};
    bool present = true;
  };
  /// What became of an offer.
  enum class Taken {
    kTaken,        ///< It leaves the line.
    kFitsNowhere,  ///< Nor does anybody behind it in this shape.
    kPassOn,       ///< It cannot use what there is, for a reason of its own; try the next one.
  };

  /// `on_change` runs after each change of who waits (presence aside), with the new size.
  WaitingLine(Limits limits, std::function<void(std::size_t)> on_change);

  /// kResourceExhausted "LineFull" when a newcomer of this shape finds no room.
  Status room_for(const api::Resources& shape) const;
  /// Takes the place that `number` gives, whether or not there is room: ask room_for() about
  /// newcomers first.
  void join(const Place& place);
  void leave(std::uint64_t number);
  void set_present(std::uint64_t number, bool present);

  /// Offers a slot to present places, over all shapes in order of arrival, until each shape has
  /// answered kFitsNowhere or ended. `offer` must not change the line.
  void offer(const std::function<Taken(const Place&)>& offer);

  /// Whether somebody present waits for this shape.
  bool anybody_present(const api::Resources& shape) const;
  std::size_t size() const { return by_number_.size(); }
  bool empty() const { return by_number_.empty(); }
  /// When the first of those who wait came, absent ones included.
  std::optional<TimePoint> oldest() const;
  /// The first `max` places in order of arrival, absent ones included.
  std::vector<api::Waiting> list(TimePoint now, std::size_t max) const;

 private:
  struct Shape {
    std::map<std::uint64_t, Place*> present;
    std::size_t count = 0;
  };
  using Shapes = std::map<api::Resources, Shape>;

  void erase(std::uint64_t number);

  Limits limits_;
  std::function<void(std::size_t)> on_change_;
  Shapes shapes_;
  std::map<std::uint64_t, Place> by_number_;
};

}  // namespace berth::gateway
