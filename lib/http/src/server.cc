#include "berth/http/server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "berth/base/open_files.h"
#include "lib/http/src/connection.h"
#include "lib/http/src/listener.h"

namespace berth::http {

namespace {

using namespace std::chrono_literals;

// Connections taken in a row before others get their turn.
constexpr int kAcceptsInARow = 64;
constexpr Duration kAcceptBackoff = 100ms;
constexpr std::string_view kFull =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\nConnection: "
    "close\r\n\r\n";

// Fine enough for the shortest limit, and no more than once a second for the usual ones.
Duration sweep_interval(const ServerLimits& limits) {
  const Duration shortest = std::min({limits.header_timeout, limits.body_idle_timeout,
                                      limits.write_idle_timeout, limits.keep_alive_timeout});
  return std::clamp<Duration>(shortest / 8, 5ms, 1s);
}

class ServerImpl final : public Server {
 public:
  ServerImpl(AsioLoop& loop, const Router& router, ServerOptions options,
             std::vector<std::unique_ptr<Listener>> listeners)
      : core_(loop, router, std::move(options)), listeners_(std::move(listeners)) {
    const Tcp::endpoint local = listeners_.front()->local();
    address_ = to_text(local);
    port_ = local.port();
    core_.on_closed = [this] { check_drained(); };
    for (const auto& listener : listeners_) {
      wait(*listener);
    }
  }

  ~ServerImpl() override {
    core_.on_closed = [] {};
    close_all(core_.idle, true);
    close_all(core_.busy, true);
  }

  const std::string& address() const override { return address_; }
  std::uint16_t port() const override { return port_; }
  std::size_t connections() const override { return core_.idle.size() + core_.busy.size(); }

  void drain(Duration grace, std::function<void()> done) override {
    if (core_.draining) {
      return;
    }
    core_.draining = true;
    on_drained_ = std::move(done);
    listeners_.clear();
    retries_.clear();
    close_all(core_.idle, false);
    cut_ = core_.loop.call_after(grace, [this] { close_all(core_.busy, false); });
    check_drained();
  }

 private:
  static void close_all(ServerCore::List& list, bool silently) {
    while (!list.empty()) {
      const auto connection = list.front();
      connection->close(false, silently);
    }
  }

  void check_drained() {
    if (core_.draining && connections() == 0 && on_drained_) {
      cut_.cancel();
      core_.loop.post(std::exchange(on_drained_, nullptr));
    }
  }

  void wait(Listener& listener) {
    listener.acceptor().async_wait(
        Listener::Acceptor::wait_read,
        [this, &listener, weak = std::weak_ptr(alive_)](const boost::system::error_code& ec) {
          if (!ec && !weak.expired() && !core_.draining) {
            accept(listener);
          }
        });
  }

  void accept(Listener& listener) {
    for (int i = 0; i < kAcceptsInARow; ++i) {
      int fd = -1;
      Tcp::endpoint peer;
      const Stream::Io io = listener.accept(fd, peer);
      if (io == Stream::Io::kError) {
        // No descriptors or memory: trying again at once would only spin.
        evict();
        auto& retry = retries_[&listener];
        retry = core_.loop.call_after(kAcceptBackoff, [this, &listener] { wait(listener); });
        return;
      }
      if (io != Stream::Io::kDone) {
        break;
      }
      add(listener.protocol(), fd, to_text(peer));
    }
    wait(listener);
  }

  bool evict() {
    if (core_.idle.empty()) {
      return false;
    }
    const auto oldest = core_.idle.front();
    oldest->close();
    return true;
  }

  void add(const Tcp& protocol, int fd, std::string peer) {
    if (connections() >= core_.options.limits.max_connections && !evict()) {
      if (!core_.options.tls) {
        [[maybe_unused]] const auto n =
            ::send(fd, kFull.data(), kFull.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      }
      ::close(fd);
      return;
    }
    auto connection = std::make_shared<Connection>(core_, protocol, fd, std::move(peer));
    const auto place = core_.idle.insert(core_.idle.end(), connection);
    if (!sweep_) {
      sweep_later();
    }
    connection->start(place);
  }

  void sweep_later() {
    sweep_ = core_.loop.call_after(sweep_interval(core_.options.limits), [this] {
      sweep_.release();
      const std::weak_ptr weak(alive_);
      sweep();
      if (!weak.expired() && connections() > 0) {
        sweep_later();
      }
    });
  }

  void sweep() {
    const TimePoint now = core_.loop.clock().now();
    std::vector<std::shared_ptr<Connection>> due;
    for (const auto* list : {&core_.idle, &core_.busy}) {
      std::copy_if(list->begin(), list->end(), std::back_inserter(due),
                   [&](const auto& connection) { return connection->due(now); });
    }
    const std::weak_ptr weak(alive_);
    for (const auto& connection : due) {
      if (weak.expired()) {
        return;
      }
      connection->sweep(now);
    }
  }

  ServerCore core_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::string address_;
  std::uint16_t port_ = 0;
  std::function<void()> on_drained_;
  Cancel cut_;
  Cancel sweep_;
  std::map<const Listener*, Cancel> retries_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

Result<std::unique_ptr<Server>> serve(AsioLoop& loop, const Router& router, ServerOptions options) {
  BERTH_ASSIGN(auto listeners, listen_on(loop.context(), options.address));
  std::size_t& most = options.limits.max_connections;
  most = std::min(most, static_cast<std::size_t>(open_file_limit() / 2));
  return std::make_unique<ServerImpl>(loop, router, std::move(options), std::move(listeners));
}

}  // namespace berth::http
