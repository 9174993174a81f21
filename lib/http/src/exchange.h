#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "berth/http/server.h"

namespace berth::http {

class Connection;

/// The body of a streamed request. The connection knows it weakly and it the connection until one
/// of them is done.
class RequestBody final : public BodySource, public std::enable_shared_from_this<RequestBody> {
 public:
  RequestBody(EventLoop& loop, Connection& connection, std::optional<std::uint64_t> length)
      : loop_(loop), connection_(&connection), length_(length) {}

  void next(ChunkFn fn) override;
  std::optional<std::uint64_t> length() const override { return length_; }

  bool wanted() const { return fn_ != nullptr; }
  void give(Result<std::string> chunk);
  /// The connection has no more for it; `error` is what next() says from now on.
  void cut(Error error);

 private:
  void give_error();

  EventLoop& loop_;
  Connection* connection_;
  const std::optional<std::uint64_t> length_;
  ChunkFn fn_;
  std::optional<Error> error_;
};

class ExchangeImpl final : public Exchange {
 public:
  ExchangeImpl(EventLoop& loop, Connection& connection, std::shared_ptr<const std::string> peer)
      : loop_(loop), connection_(&connection), peer_(std::move(peer)) {}
  ~ExchangeImpl() override;

  using Exchange::reply;
  const Request& request() const override { return request_; }
  const std::string& param(std::string_view name) const override;
  const std::string& peer() const override { return *peer_; }
  void reply(Response response) override;
  bool answered() const override { return answered_; }
  void abort() override;
  void on_client_gone(std::function<void()> fn) override;

  // For the connection.
  Request& mutable_request() { return request_; }
  void set_params(std::vector<std::pair<std::string, std::string>> params) {
    params_ = std::move(params);
  }
  void detach() { connection_ = nullptr; }

 private:
  EventLoop& loop_;
  Connection* connection_;
  const std::shared_ptr<const std::string> peer_;
  Request request_;
  std::vector<std::pair<std::string, std::string>> params_;
  bool answered_ = false;
};

}  // namespace berth::http
