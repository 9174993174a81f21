#include "stream.h"

#include <utility>

#include "berth/base/duration.h"

namespace berth::http::cpprest {

Stream::Stream(EventLoop& loop, Duration idle_timeout, std::shared_ptr<Backlog> backlog,
               Client::Abort abort)
    : loop_(loop),
      idle_timeout_(idle_timeout),
      backlog_(std::move(backlog)),
      abort_(std::move(abort)) {}

Stream::~Stream() {
  abort_();
}

void Stream::next(ChunkFn fn) {
  waiting_ = std::move(fn);
  if (!chunks_.empty() || end_) {
    loop_.post([weak = weak_from_this()] {
      if (const auto self = weak.lock()) {
        self->deliver();
      }
    });
  }
}

void Stream::on_chunk(std::string bytes) {
  if (end_) {
    return;
  }
  chunks_.push_back(std::move(bytes));
  watch_for_silence();
  deliver();
}

void Stream::on_end(Status status) {
  if (end_) {
    return;
  }
  end_ = std::move(status);
  silence_.cancel();
  deliver();
}

void Stream::watch_for_silence() {
  if (idle_timeout_ == Duration::zero()) {
    return;
  }
  silence_ = loop_.call_after(idle_timeout_, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) {
      self->abort_();
      self->on_end(fail(
          Error::make(ErrorCode::kDeadlineExceeded, "IdleTimeout",
                      "the stream brought nothing for " + format_duration(self->idle_timeout_))));
    }
  });
}

void Stream::deliver() {
  if (!waiting_ || (chunks_.empty() && !end_)) {
    return;
  }
  // The callback may drop the last reference to this.
  const auto self = shared_from_this();
  const auto fn = std::exchange(waiting_, nullptr);
  if (chunks_.empty()) {
    fn(end_->has_value() ? Result<std::string>(std::string()) : fail(end_->error()));
    return;
  }
  std::string chunk = std::move(chunks_.front());
  chunks_.pop_front();
  backlog_->fetch_sub(chunk.size());
  fn(std::move(chunk));
}

}  // namespace berth::http::cpprest
