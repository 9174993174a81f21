#include "gateway/api/proxy_route.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "berth/api/ids.h"
#include "berth/base/json.h"

namespace berth::gateway {
namespace {

/// Of the one answer that is read here and not passed through.
constexpr std::uint64_t kMaxSessionInfo = 256u << 10;

constexpr std::string_view kOwnDirectory = "/files/";

/// RFC 9110 7.6.1, and what each side sets for itself.
constexpr std::array<std::string_view, 12> kHopByHop = {"connection",
                                                        "keep-alive",
                                                        "proxy-connection",
                                                        "proxy-authenticate",
                                                        "proxy-authorization",
                                                        "te",
                                                        "trailer",
                                                        "transfer-encoding",
                                                        "upgrade",
                                                        "content-length",
                                                        "host",
                                                        "expect"};

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  });
  return out;
}

std::vector<std::string> connection_tokens(const http::Headers& headers) {
  std::vector<std::string> out;
  for (const auto& [name, value] : headers) {
    if (lower(name) != "connection") {
      continue;
    }
    std::string token;
    for (const char c : lower(value) + ",") {
      if (c == ',') {
        out.push_back(std::exchange(token, {}));
      } else if (c != ' ' && c != '\t') {
        token += c;
      }
    }
  }
  return out;
}

/// The id of the session that this call ends: "DELETE .../sessions/ID" or "POST
/// .../sessions/ID/complete".
std::optional<std::string> ended_by(const http::Exchange& exchange) {
  constexpr std::string_view kComplete = "/complete";
  std::string_view rest = exchange.param("rest");
  const std::string& method = exchange.request().method;
  if (method == "POST" && rest.ends_with(kComplete)) {
    rest.remove_suffix(kComplete.size());
  } else if (method != "DELETE") {
    return std::nullopt;
  }
  return rest.find('/') == std::string_view::npos ? std::optional<std::string>(rest) : std::nullopt;
}

/// Tells somebody whenever a chunk moves.
class ObservedSource final : public http::BodySource {
 public:
  ObservedSource(std::shared_ptr<http::BodySource> inner, std::function<void()> moved)
      : inner_(std::move(inner)), moved_(std::move(moved)) {}
  void next(ChunkFn fn) override {
    moved_();
    inner_->next(std::move(fn));
  }
  std::optional<std::uint64_t> length() const override { return inner_->length(); }

 private:
  std::shared_ptr<http::BodySource> inner_;
  std::function<void()> moved_;
};

}  // namespace

Result<std::string> worker_target(std::string_view gateway_target) {
  constexpr int kSegmentsBefore = 8;  // v1 namespaces NS pools POOL workers POD sessions
  std::size_t cut = 0;
  for (int i = 0; i < kSegmentsBefore && cut != std::string_view::npos; ++i) {
    cut = gateway_target.find('/', cut + 1);
  }
  if (cut == std::string_view::npos) {
    return fail(Error::make(ErrorCode::kNotFound, "NotFound", "no session is named in the path"));
  }
  const std::string_view rest = gateway_target.substr(cut + 1);
  std::string_view path = rest.substr(0, rest.find('?'));
  // What a session's own directory is called: nothing follows the slash.
  if (path.ends_with(kOwnDirectory) && path.find('/') == path.size() - kOwnDirectory.size()) {
    path.remove_suffix(1);
  }
  while (true) {
    const std::size_t slash = path.find('/');
    const auto segment = http::percent_decode(path.substr(0, slash));
    if (!segment || segment->empty() || *segment == "." || *segment == ".." ||
        segment->find('/') != std::string::npos) {
      return fail(Error::invalid("path", "has an empty, '.' or '..' segment, or an encoded slash"));
    }
    if (slash == std::string_view::npos) {
      break;
    }
    path.remove_prefix(slash + 1);
  }
  return "/v1/sessions/" + std::string(rest);
}

http::Headers end_to_end(const http::Headers& headers) {
  const std::vector<std::string> named = connection_tokens(headers);
  http::Headers out;
  for (const auto& [name, value] : headers) {
    const std::string key = lower(name);
    if (std::ranges::find(kHopByHop, key) == kHopByHop.end() &&
        std::ranges::find(named, key) == named.end()) {
      out.add(name, value);
    }
  }
  return out;
}

/// One request on its way. Kept alive by the transport until its answer or the end of the call.
class ProxyRoute::Call : public std::enable_shared_from_this<ProxyRoute::Call> {
 public:
  Call(ProxyRoute& route, std::shared_ptr<http::Exchange> exchange)
      : route_(route), exchange_(std::move(exchange)), ends_(ended_by(*exchange_)) {}

  void start(const WorkerPod& worker, std::string target) {
    const http::Request& from = exchange_->request();
    http::Request request;
    request.method = from.method;
    request.target = std::move(target);
    request.headers = end_to_end(from.headers);
    if (from.body_source) {
      request.body_source =
          std::make_shared<ObservedSource>(from.body_source, [weak = weak_from_this()] {
            if (const auto self = weak.lock()) {
              self->watch();
            }
          });
    } else {
      request.body = from.body;
    }
    http::CallOptions options;
    options.deadline = route_.settings_.total;
    options.idle_timeout = route_.settings_.idle_timeout;
    options.stream = !ends_;
    options.max_body = kMaxSessionInfo;
    options.server_name = worker.server_name();
    watch();
    sending_ = route_.transport_.send(
        worker.origin(), std::move(request), options,
        [self = shared_from_this()](Result<http::Response> r) { self->answered(std::move(r)); });
    exchange_->on_client_gone([weak = weak_from_this()] {
      if (const auto self = weak.lock()) {
        self->stop();
      }
    });
  }

 private:
  void watch() {
    if (!over_) {
      idle_ = route_.loop_.call_after(route_.settings_.idle_timeout, [this] {
        const auto self = shared_from_this();
        const auto exchange = exchange_;
        stop();
        exchange->reply(Error::make(ErrorCode::kDeadlineExceeded, "WorkerSilent",
                                    "the worker did not answer in time"));
      });
    }
  }

  void answered(Result<http::Response> result) {
    const auto self = shared_from_this();
    const auto exchange = std::exchange(exchange_, nullptr);
    over_ = true;
    idle_.cancel();
    sending_.release();
    audit(*exchange, result ? *result : http::error_response(result.error()));
    if (!result) {
      exchange->reply(result.error());
      return;
    }
    http::Response response = *std::move(result);
    response.headers = end_to_end(response.headers);
    exchange->reply(std::move(response));
  }

  void audit(const http::Exchange& exchange, const http::Response& answer) const {
    if (!ends_) {
      return;
    }
    const std::string outcome = outcome_of(answer);
    const auto info = parse_json(answer.body);
    const std::string owner = info ? get_string(*info, "owner").value_or("") : "";
    route_.audit_.write({.action = "complete",
                         .owner = owner,
                         .ns = exchange.param("ns"),
                         .pool = exchange.param("pool"),
                         .session = *ends_,
                         .worker = exchange.param("pod"),
                         .outcome = outcome,
                         .source = exchange.peer()});
  }

  void stop() {
    over_ = true;
    idle_.cancel();
    sending_.cancel();
    exchange_.reset();
  }

  ProxyRoute& route_;
  std::shared_ptr<http::Exchange> exchange_;
  const std::optional<std::string> ends_;  ///< The session that the call ends, if it does.
  bool over_ = false;
  Cancel sending_;
  Cancel idle_;
};

Result<const WorkerPod*> ProxyRoute::worker_of(const http::Exchange& exchange) const {
  const WorkerView* view =
      workers_.find(pool_key(exchange.param("ns"), exchange.param("pool")), exchange.param("pod"));
  if (view == nullptr || view->pod.finished) {
    return fail(Error::make(ErrorCode::kGone, "WorkerGone",
                            "pool " + exchange.param("pool") + " has no worker " +
                                exchange.param("pod") + " any more"));
  }
  if (!view->pod.reachable()) {
    return fail(Error::make(ErrorCode::kUnavailable, "WorkerUnreachable",
                            "worker " + exchange.param("pod") + " has no address yet"));
  }
  return &view->pod;
}

void ProxyRoute::handle(const std::shared_ptr<http::Exchange>& exchange) {
  const auto worker = worker_of(*exchange);
  if (!worker) {
    exchange->reply(worker.error());
    return;
  }
  auto target = worker_target(exchange->request().target);
  if (!target) {
    exchange->reply(target.error());
    return;
  }
  std::make_shared<Call>(*this, exchange)->start(**worker, *std::move(target));
}

}  // namespace berth::gateway
