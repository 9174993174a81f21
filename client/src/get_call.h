#pragma once

#include <functional>
#include <memory>
#include <string>

#include "berth/base/event_loop.h"
#include "berth/client/error.h"
#include "berth/http/transport.h"
#include "client/src/gateways.h"

namespace berth::client {

/// A GET that any gateway may answer: each is asked, and asked again once. Loop thread only; made
/// by make_shared.
class GetCall : public std::enable_shared_from_this<GetCall> {
 public:
  struct Parts {
    EventLoop& loop;
    http::Transport& transport;
    Gateways& gateways;
    std::function<std::string()> token;
    Duration call_timeout{};
  };
  using DoneFn = std::function<void(Outcome<Json>)>;

  GetCall(Parts parts, std::string path, DoneFn done);
  void start() { send(); }
  void cancel();

 private:
  void send();
  void answered(const Result<http::Response>& result);
  void finish(Outcome<Json> outcome);

  const Parts parts_;
  const std::string path_;
  DoneFn done_;
  std::size_t gateway_;
  std::size_t tries_ = 0;
  Cancel call_;
};

}  // namespace berth::client
