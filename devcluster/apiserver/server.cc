#include "devcluster/apiserver/server.h"

#include <map>

#include "devcluster/apiserver/requests.h"
#include "devcluster/apiserver/watch_hub.h"

namespace berth::devcluster {

namespace {

constexpr std::string_view kPrefix = "/k/";
constexpr std::uint64_t kMaxBody = 3u << 20;

/// Takes as long for a wrong token as for the right one.
bool same_token(std::string_view given, std::string_view wanted) {
  unsigned difference = given.size() == wanted.size() ? 0 : 1;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const char c = i < given.size() ? given[i] : '\0';
    difference |= static_cast<unsigned char>(c) ^ static_cast<unsigned char>(wanted[i]);
  }
  return difference == 0;
}

/// The path without the token prefix, or nothing when the caller has not proved himself.
std::optional<std::string_view> authorized_path(const http::Request& request,
                                                const std::string& token) {
  std::string_view path = request.path();
  bool allowed = false;
  if (path.starts_with(kPrefix)) {
    const std::string_view rest = path.substr(kPrefix.size());
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    allowed = same_token(rest.substr(0, slash), token);
    path = rest.substr(slash);
  }
  constexpr std::string_view kBearer = "Bearer ";
  const std::string_view header = request.headers.get("Authorization");
  allowed |= header.starts_with(kBearer) && same_token(header.substr(kBearer.size()), token);
  return allowed ? std::optional(path) : std::nullopt;
}

bool local_host(std::string_view host) {
  host = host.substr(0, host.starts_with('[') ? host.find(']') + 1 : host.find(':'));
  return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

/// A web page must not reach the cluster through its reader's browser.
std::optional<http::Response> refuse_web_pages(const http::Request& request, const std::string&) {
  if (request.headers.has("Origin") || !local_host(request.headers.get("Host"))) {
    return error_answer(ApiError::make(403, "Forbidden",
                                       "only local programs may call the dev cluster: the Host "
                                       "header must be a loopback address and Origin absent"));
  }
  return std::nullopt;
}

}  // namespace

struct ApiServer::Impl : std::enable_shared_from_this<ApiServer::Impl> {
  using ExchangePtr = std::shared_ptr<http::Exchange>;

  Impl(AsioLoop& l, Store& s, Faults& f, Random& r, Log lg, ApiServerOptions o)
      : loop(l),
        store(s),
        faults(f),
        log(std::move(lg)),
        options(std::move(o)),
        watches(l, s, f, r, options.bookmark_interval),
        executor(l.clock(), s, watches) {}

  void handle(const ExchangePtr& exchange) {
    const http::Request& request = exchange->request();
    const auto path = authorized_path(request, options.token);
    if (!path) {
      http::Response answer = error_answer(ApiError::make(401, "Unauthorized", "Unauthorized"));
      answer.headers.set("WWW-Authenticate", "Bearer");
      exchange->reply(std::move(answer));
      return;
    }
    if (*path == "/_faults" && options.faults_endpoint) {
      exchange->reply(set_faults(request));
      return;
    }
    const auto fault = faults.take(request);
    if (!fault) {
      carry_out(exchange, *path);
      return;
    }
    log.debug("fault injected", {{"method", request.method}, {"path", *path}});
    misbehave(exchange, *path, *fault);
  }

  void misbehave(const ExchangePtr& exchange, std::string_view path, const FaultRule& fault) {
    switch (fault.action) {
      case FaultRule::Action::kStatus:
        exchange->reply(injected_error(fault));
        return;
      case FaultRule::Action::kDropBefore:
        exchange->abort();
        return;
      case FaultRule::Action::kDropAfter:
        (void)executor.execute(exchange->request(), path);
        exchange->abort();
        return;
      case FaultRule::Action::kFreeze:
        faults.freeze(exchange);
        return;
      case FaultRule::Action::kDelay: {
        const std::uint64_t id = ++last_delay;
        delays[id] = loop.call_after(fault.delay, [this, id, exchange, at = std::string(path)] {
          delays.at(id).release();
          delays.erase(id);
          carry_out(exchange, at);
        });
        return;
      }
    }
  }

  http::Response injected_error(const FaultRule& fault) {
    const char* reason = fault.status == 409   ? "Conflict"
                         : fault.status == 410 ? "Expired"
                         : fault.status == 429 ? "TooManyRequests"
                         : fault.status == 404 ? "NotFound"
                         : fault.status == 403 ? "Forbidden"
                         : fault.status == 503 ? "ServiceUnavailable"
                                               : "InternalError";
    ApiError error = ApiError::make(fault.status, reason, "injected fault");
    error.retry_after = fault.retry_after;
    return error_answer(error);
  }

  void carry_out(const ExchangePtr& exchange, std::string_view path) {
    const http::Request& request = exchange->request();
    if (request.method == "GET" && path.ends_with("/log") && options.pod_log) {
      if (const auto at = ApiPath::parse(path); at && at->subresource == "log") {
        const auto pod = store.get(*at->type, at->key);
        if (!pod) {
          exchange->reply(error_answer(pod.error()));
        } else {
          options.pod_log(**pod, exchange);
        }
        return;
      }
    }
    if (auto review = access_reviews.answer(request, path)) {
      exchange->reply(*std::move(review));
      return;
    }
    exchange->reply(executor.execute(request, path));
  }

  http::Response set_faults(const http::Request& request) {
    const auto body = parse_json(request.body);
    if (request.method != "POST" || !body) {
      return error_answer(ApiError::bad_request("POST a JSON object here"));
    }
    if (const auto set = apply_faults(*body); !set) {
      return error_answer(ApiError::bad_request(set.error().message));
    }
    return http::Response::json(200,
                                dump_json({{"hits", faults.hits()}, {"frozen", faults.frozen()}}));
  }

  Status apply_faults(const Json& body) {
    FieldReader r(body, "");
    bool clear = false;
    bool expire = false;
    bool withhold = faults.bookmarks_withheld();
    std::string close;
    auto frame_bytes = static_cast<std::int64_t>(faults.frame_bytes());
    r.optional("clear", clear);
    r.optional("expireHistory", expire);
    r.optional("withholdBookmarks", withhold);
    r.optional("closeWatches", close);
    r.optional("frameBytes", frame_bytes, 0, 1 << 20);
    const Json* rules = r.array("rules");
    if (!close.empty() && close != "clean" && close != "abrupt") {
      r.error("closeWatches", "must be clean or abrupt");
    }
    BERTH_TRY(r.finish());
    std::vector<FaultRule> parsed;
    for (std::size_t i = 0; rules != nullptr && i < rules->size(); ++i) {
      BERTH_ASSIGN(auto rule, FaultRule::parse((*rules)[i], "rules[" + std::to_string(i) + "]"));
      parsed.push_back(std::move(rule));
    }
    if (clear) {
      faults.clear();
    } else {
      faults.split_frames(static_cast<std::size_t>(frame_bytes));
      faults.withhold_bookmarks(withhold);
    }
    for (FaultRule& rule : parsed) {
      faults.add(std::move(rule));
    }
    if (expire) {
      store.expire_history();
    }
    if (!close.empty()) {
      watches.close_all(close == "abrupt");
    }
    return {};
  }

  AsioLoop& loop;
  Store& store;
  Faults& faults;
  Log log;
  const ApiServerOptions options;
  WatchHub watches;
  RequestExecutor executor;
  AccessReviews access_reviews;
  std::map<std::uint64_t, Cancel> delays;
  std::uint64_t last_delay = 0;
  http::Router router;
  std::unique_ptr<http::Server> server;  // Last: its connections call into the rest.
};

ApiServer::ApiServer(AsioLoop& loop, Store& store, Faults& faults, Random& random, Log log,
                     ApiServerOptions options)
    : impl_(std::make_shared<Impl>(loop, store, faults, random, std::move(log),
                                   std::move(options))) {}

ApiServer::~ApiServer() = default;

Status ApiServer::start() {
  if (impl_->options.token.size() < 16) {
    return fail(Error::invalid("token", "must be at least 16 characters"));
  }
  const auto handler = [impl = impl_.get()](const std::shared_ptr<http::Exchange>& exchange) {
    impl->handle(exchange);
  };
  for (const char* method : {"GET", "POST", "PUT", "PATCH", "DELETE"}) {
    impl_->router.add(method, "/{path...}", handler, {.max_bytes = kMaxBody});
  }
  http::ServerOptions options;
  options.address = impl_->options.address;
  options.filter = refuse_web_pages;
  BERTH_ASSIGN(impl_->server, http::serve(impl_->loop, impl_->router, std::move(options)));
  return {};
}

const std::string& ApiServer::address() const {
  return impl_->server->address();
}

std::string ApiServer::kubeconfig() const {
  const std::string& token = impl_->options.token;
  return "apiVersion: v1\n"
         "kind: Config\n"
         "clusters:\n"
         "- name: berth-dev\n"
         "  cluster:\n"
         "    server: http://" +
         address() + std::string(kPrefix) + token + "\n" +
         "users:\n"
         "- name: berth-dev\n"
         "  user:\n"
         "    token: " +
         token + "\n" +
         "contexts:\n"
         "- name: berth-dev\n"
         "  context:\n"
         "    cluster: berth-dev\n"
         "    user: berth-dev\n"
         "    namespace: default\n"
         "current-context: berth-dev\n";
}

AccessReviews& ApiServer::access_reviews() {
  return impl_->access_reviews;
}

void ApiServer::close_watches(bool abruptly) {
  impl_->watches.close_all(abruptly);
}

std::size_t ApiServer::watches() const {
  return impl_->watches.size();
}

void ApiServer::stop(std::function<void()> done) {
  impl_->faults.clear();
  impl_->watches.close_all(false);
  if (!impl_->server) {
    impl_->loop.post(std::move(done));
    return;
  }
  impl_->server->drain(std::chrono::seconds(2), std::move(done));
}

}  // namespace berth::devcluster
