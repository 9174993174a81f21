#pragma once

#include <memory>
#include <utility>

#include "berth/http/message.h"
#include "worker/service/worker_service.h"

namespace berth::worker {

/// The body of a file on its way in or out. Each chunk that moves says that somebody works with the
/// session, so that a transfer longer than the pool's idle timeout does not end it. `service`
/// outlives it.
class TouchingSource final : public http::BodySource {
 public:
  TouchingSource(std::shared_ptr<http::BodySource> inner, WorkerService& service,
                 api::SessionId session)
      : inner_(std::move(inner)), service_(service), session_(std::move(session)) {}

  void next(ChunkFn fn) override {
    service_.touched(session_);
    inner_->next(std::move(fn));
  }
  std::optional<std::uint64_t> length() const override { return inner_->length(); }

 private:
  std::shared_ptr<http::BodySource> inner_;
  WorkerService& service_;
  api::SessionId session_;
};

}  // namespace berth::worker
