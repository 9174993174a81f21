#include "berth/http/transport.h"
#include "lib/http/src/client_call.h"
#include "lib/http/src/client_pool.h"

namespace berth::http {

namespace {

Result<Url> check(const std::string& origin, const Request& request) {
  BERTH_ASSIGN(Url url, Url::parse(origin));
  if (!valid_method(request.method)) {
    return fail(Error::invalid("method", "the request method is not an HTTP token"));
  }
  if (!valid_target(request.target)) {
    return fail(
        Error::invalid("target", "the request target must begin with / and be percent-encoded"));
  }
  if (auto error = refuse_headers(request.headers)) {
    return fail(std::move(*error));
  }
  return url;
}

class BeastTransport final : public Transport {
 public:
  BeastTransport(AsioLoop& loop, BeastTransportSettings settings)
      : pool_(loop, std::move(settings)) {}

  Cancel send(const std::string& origin, Request request, const CallOptions& options,
              DoneFn done) override {
    auto url = check(origin, request);
    if (!url) {
      return refuse(std::move(url).error(), std::move(done));
    }
    auto call = std::make_shared<ClientCall>(pool_, std::move(*url), std::move(request), options,
                                             std::move(done));
    pool_.add(call);
    call->start();
    return Cancel([weak = std::weak_ptr(call)] {
      if (const auto alive = weak.lock()) {
        alive->cancel();
      }
    });
  }

 private:
  Cancel refuse(Error error, DoneFn done) {
    auto slot = std::make_shared<DoneFn>(std::move(done));
    pool_.loop().post([slot, error = std::move(error)] {
      if (const auto fn = std::exchange(*slot, nullptr)) {
        fn(fail(error));
      }
    });
    return Cancel([slot] { *slot = nullptr; });
  }

  ClientPool pool_;
};

}  // namespace

std::unique_ptr<Transport> make_beast_transport(AsioLoop& loop, BeastTransportSettings settings) {
  return std::make_unique<BeastTransport>(loop, std::move(settings));
}

}  // namespace berth::http
