#include <map>
#include <unordered_map>
#include <utility>

#include "berth/base/duration.h"
#include "berth/http/cpprest_transport.h"
#include "client.h"
#include "loop_door.h"
#include "request_check.h"
#include "stream.h"

namespace berth::http::cpprest {
namespace {

constexpr std::uint64_t kMaxUpload = 16u << 20;

struct Call {
  Transport::DoneFn done;
  CallOptions options;
  std::string origin;
  Client::Abort abort = [] {};
  std::shared_ptr<Backlog> backlog = std::make_shared<Backlog>(0);
  Cancel deadline;
};

// What is under way, by number. Loop thread only; shared so that handles and events find out that
// it is gone.
class Calls {
 public:
  explicit Calls(EventLoop& loop) : loop_(loop) {}
  ~Calls() { abort_all(); }

  std::uint64_t add(Call call) {
    calls_.emplace(++last_, std::move(call));
    return last_;
  }
  Call* find(std::uint64_t id) {
    const auto it = calls_.find(id);
    return it == calls_.end() ? nullptr : &it->second;
  }
  void drop(std::uint64_t id) {
    if (auto node = calls_.extract(id)) {
      node.mapped().abort();
    }
  }

  void finish(std::uint64_t id, Result<Response> result) {
    auto node = calls_.extract(id);
    if (!node) {
      return;
    }
    Call& call = node.mapped();
    call.deadline.cancel();
    if (result && call.options.stream) {
      auto stream = std::make_shared<Stream>(loop_, call.options.idle_timeout, call.backlog,
                                             std::move(call.abort));
      stream->start();
      streams_.emplace(id, stream);
      result->body_source = std::move(stream);
    }
    call.done(std::move(result));
  }

  void on_event(std::uint64_t id, Event event) {
    if (auto* answer = std::get_if<Result<Response>>(&event)) {
      finish(id, std::move(*answer));
      return;
    }
    const auto it = streams_.find(id);
    const auto stream = it == streams_.end() ? nullptr : it->second.lock();
    if (auto* chunk = std::get_if<Chunk>(&event); chunk != nullptr && stream) {
      stream->on_chunk(std::move(chunk->bytes));
    } else if (auto* end = std::get_if<End>(&event); end != nullptr) {
      streams_.erase(id);
      if (stream) {
        stream->on_end(std::move(end->status));
      }
    }
  }

  void abort_all() {
    for (auto& [id, call] : std::exchange(calls_, {})) {
      call.abort();
    }
    for (auto& [id, weak] : std::exchange(streams_, {})) {
      if (const auto stream = weak.lock()) {
        stream->abort();
      }
    }
  }

 private:
  EventLoop& loop_;
  std::uint64_t last_ = 0;
  std::unordered_map<std::uint64_t, Call> calls_;
  // An entry goes with its End event, which comes for an aborted stream too.
  std::unordered_map<std::uint64_t, std::weak_ptr<Stream>> streams_;
};

class CpprestTransport final : public Transport {
 public:
  CpprestTransport(EventLoop& loop, TlsSource tls)
      : loop_(loop),
        tls_(std::move(tls)),
        door_(std::make_shared<LoopDoor>(loop)),
        calls_(std::make_shared<Calls>(loop)) {}

  ~CpprestTransport() override { door_->shut(); }

  Cancel send(const std::string& origin, Request request, const CallOptions& options,
              DoneFn done) override {
    Call call;
    call.done = std::move(done);
    call.options = options;
    call.origin = origin;
    const std::uint64_t id = calls_->add(std::move(call));
    arm_deadline(id);
    auto checked = check_origin(origin);
    if (checked) {
      checked = check_request(request);
    }
    if (!checked) {
      fail_later(id, std::move(checked).error());
    } else if (request.body_source) {
      upload(id, std::move(request));
    } else {
      start(id, std::move(request));
    }
    return Cancel([weak = std::weak_ptr(calls_), id] {
      if (const auto calls = weak.lock()) {
        calls->drop(id);
      }
    });
  }

 private:
  void arm_deadline(std::uint64_t id) {
    Call& call = *calls_->find(id);
    call.deadline = loop_.call_after(call.options.deadline, [weak = std::weak_ptr(calls_), id] {
      const auto calls = weak.lock();
      Call* late = calls ? calls->find(id) : nullptr;
      if (late != nullptr) {
        late->abort();
        calls->finish(id, fail(Error::make(ErrorCode::kDeadlineExceeded, "",
                                           late->origin + " did not answer within " +
                                               format_duration(late->options.deadline))));
      }
    });
  }

  void fail_later(std::uint64_t id, Error error) {
    loop_.post([weak = std::weak_ptr(calls_), id, error = std::move(error)] {
      if (const auto calls = weak.lock()) {
        calls->finish(id, fail(error));
      }
    });
  }

  // cpprestsdk has no back pressure to give; what is uploaded to the API server is small, so it is
  // gathered first.
  void upload(std::uint64_t id, Request request) {
    auto source = std::exchange(request.body_source, nullptr);
    read_all(std::move(source), kMaxUpload,
             [this, weak = std::weak_ptr(calls_), id,
              request = std::move(request)](Result<std::string> body) mutable {
               const auto calls = weak.lock();
               if (!calls || calls->find(id) == nullptr) {
                 return;
               }
               if (!body) {
                 fail_later(id, std::move(body).error());
                 return;
               }
               request.body = *std::move(body);
               start(id, std::move(request));
             });
  }

  void start(std::uint64_t id, Request request) {
    Call& call = *calls_->find(id);
    Client* client = client_for(call.origin);
    if (client == nullptr) {
      fail_later(id, Error::invalid("origin", "is not usable: " + call.origin));
      return;
    }
    CallSpec spec;
    spec.method = std::move(request.method);
    spec.target = std::move(request.target);
    spec.headers = std::move(request.headers);
    spec.body = std::move(request.body);
    spec.stream = call.options.stream;
    spec.max_body = call.options.max_body;
    spec.backlog = call.backlog;
    call.abort = client->start(std::move(spec),
                               [door = door_, weak = std::weak_ptr(calls_), id](Event event) {
                                 auto shared = std::make_shared<Event>(std::move(event));
                                 door->post([weak, id, shared] {
                                   if (const auto calls = weak.lock()) {
                                     calls->on_event(id, std::move(*shared));
                                   }
                                 });
                               });
  }

  Client* client_for(const std::string& origin) {
    auto& client = clients_[origin];
    if (!client) {
      client = Client::make(origin, tls_);
    }
    return client.get();
  }

  EventLoop& loop_;
  const TlsSource tls_;
  const std::shared_ptr<LoopDoor> door_;
  std::map<std::string, std::unique_ptr<Client>> clients_;
  const std::shared_ptr<Calls> calls_;
};

}  // namespace
}  // namespace berth::http::cpprest

namespace berth::http {

std::unique_ptr<Transport> make_cpprest_transport(EventLoop& loop, TlsSource tls) {
  init_cpprest_threads();
  return std::make_unique<cpprest::CpprestTransport>(loop, std::move(tls));
}

}  // namespace berth::http
