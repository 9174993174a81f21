#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "berth/api/activity.h"
#include "berth/base/backoff.h"
#include "berth/base/event_loop.h"
#include "berth/client/client.h"
#include "client/src/door.h"
#include "client/src/session.h"

namespace berth::client {

/// Reads the output of one streamed activity, by long polls, and hands it on piece by piece: the
/// next piece is asked for when the receiver is done with the last. Loop thread only; made by
/// make_shared; stopped or done before it goes.
class OutputReader : public std::enable_shared_from_this<OutputReader> {
 public:
  struct Parts {
    EventLoop& loop;
    Random& random;
    std::shared_ptr<Door> door;
  };
  /// All was handed on and taken; or why no more can be had.
  using DoneFn = std::function<void(std::optional<Error> lost)>;

  OutputReader(Parts parts, std::shared_ptr<Session> session, std::string activity_id,
               OutputFn output, DoneFn done);
  void start();
  /// Nothing is called any more.
  void stop();

 private:
  void poll();
  void polled(const Result<http::Response>& result);
  void take(api::ActivityOutput output);
  void taken(std::int64_t offset);
  void finish(std::optional<Error> lost);

  const Parts parts_;
  const std::shared_ptr<Session> session_;
  const std::string activity_id_;
  OutputFn output_;
  DoneFn done_;
  std::int64_t next_ = 0;
  bool end_ = false;
  TimePoint poll_sent_{};
  TimePoint last_answer_{};
  Backoff silence_;
  Cancel call_;
};

}  // namespace berth::client
