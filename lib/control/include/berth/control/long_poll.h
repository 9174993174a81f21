#pragma once

#include <functional>
#include <optional>
#include <string>

#include "berth/base/backoff.h"
#include "berth/base/event_loop.h"
#include "berth/base/json.h"
#include "berth/http/transport.h"

namespace berth::control {

/// Asks one address the same question for ever, by long poll: at once again after news, 20 ms later
/// after an answer without news, with backoff after a failure; and tells when it has fallen silent.
/// What the answers mean is the owner's business. Loop thread only; destroying it stops it.
class LongPoll {
 public:
  struct Settings {
    std::chrono::seconds wait{25};  ///< How long the other side may hold the question.
    Backoff::Settings backoff{std::chrono::milliseconds(100), std::chrono::seconds(5), 2.0, 0.5};
    /// No answer for `wait` and this long: silent.
    Duration patience = std::chrono::seconds(15);
    std::uint64_t max_body = 4u << 20;
    std::string server_name{};  ///< See http::CallOptions.
  };
  struct Hooks {
    /// The next question. `resume`: wait for something newer than the last answer; otherwise, at
    /// first and after a failure, any answer is news and must come at once.
    std::function<http::Request(bool resume)> request;
    /// Takes an answer; says whether it differs from the one before. An error counts as a failure.
    std::function<Result<bool>(const Json& body)> accept;
    /// After news, when polls begin to fail or work again, and when the other side falls silent.
    std::function<void()> changed;
  };
  LongPoll(EventLoop& loop, http::Transport& transport, Random& random, std::string origin,
           Settings settings, Hooks hooks);

  /// Begins. The hooks are called from now on, the first of them inside.
  void start();
  /// No answer for wait + patience, counted from start() until the first.
  bool silent() const { return silent_; }
  /// Why the last poll failed; empty after a success.
  const std::optional<Error>& last_error() const { return error_; }

 private:
  void poll();
  void answered(Result<http::Response> response);
  Result<bool> accept(Result<http::Response> response);
  void watch_silence();

  EventLoop& loop_;
  http::Transport& transport_;
  const std::string origin_;
  const Settings settings_;
  const Hooks hooks_;
  Backoff backoff_;
  std::optional<Error> error_;
  bool heard_ = false;
  bool silent_ = false;
  Cancel call_;
  Cancel retry_;
  Cancel silence_;
};

}  // namespace berth::control
