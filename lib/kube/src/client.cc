#include "berth/kube/client.h"

#include <map>

#include "berth/kube/object.h"
#include "lib/kube/src/error_body.h"
#include "lib/kube/src/paths.h"
#include "lib/kube/src/token_source.h"

namespace berth::kube {
namespace {

using namespace std::chrono_literals;
constexpr Duration kDeadline = 10s;
// A list in one piece may be the whole of a large collection.
constexpr Duration kWholeListDeadline = 60s;
constexpr std::uint64_t kLargestObject = 16u << 20;
constexpr std::uint64_t kLargestList = 256u << 20;
constexpr Duration kWatchGrace = 5s;

constexpr const char* kJson = "application/json";
constexpr const char* kMergePatch = "application/merge-patch+json";

struct Query {
  std::string text;
  void add(std::string_view name, std::string_view value) {
    text += (text.empty() ? "?" : "&") + std::string(name) + "=" + http::percent_encode(value);
  }
  void add_if(std::string_view name, std::string_view value) {
    if (!value.empty()) {
      add(name, value);
    }
  }
};

// "https://host:port/base" into what Transport wants and what goes before each path.
struct Server {
  std::string origin;
  std::string prefix;

  static Server of(const std::string& url) {
    const Result<http::Url> parsed = http::Url::parse(url);
    if (!parsed) {
      return {url, ""};
    }
    std::string prefix = parsed->path;
    while (!prefix.empty() && prefix.back() == '/') {
      prefix.pop_back();
    }
    return {parsed->origin(), prefix};
  }
};

}  // namespace

// Shared: answers that arrive while the client is being torn down still find their state.
struct Client::Impl : std::enable_shared_from_this<Impl> {
  using ResponseFn = std::function<void(Result<http::Response>)>;

  // One call under way, held by whoever will answer it; the caller's handle only ends it.
  struct Call {
    ResponseFn fn;
    Cancel sending;
    Cancel reading;

    void answer(Result<http::Response> result) {
      if (const auto once = std::exchange(fn, nullptr)) {
        once(std::move(result));
      }
    }
    static Cancel handle(const std::shared_ptr<Call>& call) {
      return Cancel([weak = std::weak_ptr(call)] {
        if (const auto self = weak.lock()) {
          const auto dropped = std::exchange(self->fn, nullptr);
          self->sending.cancel();
          self->reading.cancel();
        }
      });
    }
  };

  Impl(EventLoop& l, http::Transport& t, Config c, const Log& log, Metrics& m)
      : loop(l),
        transport(t),
        config(std::move(c)),
        server(Server::of(config.server)),
        tokens(loop.clock(), config, log),
        metrics(m) {}

  void count(const std::string& method, const std::string& code) {
    const auto [it, fresh] = requests.try_emplace({method, code});
    if (fresh) {
      it->second = metrics.counter("rest_client_requests_total",
                                   "Requests to the API server by status code and method",
                                   {{"code", code}, {"method", method}});
    }
    it->second.inc();
  }

  Cancel answer_later(ResponseFn fn, Error error) {
    auto call = std::make_shared<Call>();
    call->fn = std::move(fn);
    loop.post([call, error = std::move(error)] { call->answer(berth::fail(error)); });
    return Call::handle(call);
  }

  // Any answer but 2xx becomes an error.
  Cancel send(http::Request request, const http::CallOptions& options, ResponseFn fn) {
    const Result<std::string> token = tokens.get();
    if (!token) {
      return answer_later(std::move(fn), token.error());
    }
    request.target = server.prefix + request.target;
    request.headers.set("Accept", kJson);
    if (!token->empty()) {
      request.headers.set("Authorization", "Bearer " + *token);
    }
    auto call = std::make_shared<Call>();
    call->fn = std::move(fn);
    std::string method = request.method;
    call->sending = transport.send(
        server.origin, std::move(request), options,
        [self = shared_from_this(), call, method = std::move(method)](
            Result<http::Response> response) { self->take(method, std::move(response), call); });
    return Call::handle(call);
  }

  void take(const std::string& method, Result<http::Response> response,
            const std::shared_ptr<Call>& call) {
    call->sending.release();
    count(method, response ? std::to_string(response->status) : "<error>");
    if (!response || (response->status >= 200 && response->status < 300)) {
      call->answer(std::move(response));
      return;
    }
    if (response->status == 401) {
      tokens.rejected();
    }
    if (!response->body_source) {
      call->answer(berth::fail(error_from_status(*response)));
      return;
    }
    call->reading = read_error_body(loop, std::move(*response), [call](const auto& whole) {
      call->answer(berth::fail(error_from_status(whole)));
    });
  }

  Cancel send_json(http::Request request, const http::CallOptions& options, ObjectFn fn) {
    return send(std::move(request), options,
                [fn = std::move(fn)](const Result<http::Response>& response) {
                  if (!response) {
                    fn(berth::fail(response.error()));
                    return;
                  }
                  fn(parse_json(response->body).map_error([](Error e) {
                    e.code = ErrorCode::kInternal;
                    return std::move(e).wrap("the API server's answer");
                  }));
                });
  }

  Cancel refuse(ObjectFn fn, Error error) {
    return answer_later(
        [fn = std::move(fn)](const Result<http::Response>& r) { fn(berth::fail(r.error())); },
        std::move(error));
  }

  EventLoop& loop;
  http::Transport& transport;
  const Config config;
  const Server server;
  TokenSource tokens;
  Metrics& metrics;
  std::map<std::pair<std::string, std::string>, Counter> requests;
};

namespace {

Status check_names(std::string_view ns, std::string_view name, std::string_view subresource) {
  if (!ns.empty()) {
    BERTH_TRY(check_segment(ns, "metadata.namespace"));
  }
  BERTH_TRY(check_segment(name, "metadata.name"));
  return subresource.empty() ? Status() : check_segment(subresource, "subresource");
}

Status check_namespace(std::string_view ns) {
  return ns.empty() ? Status() : check_segment(ns, "metadata.namespace");
}

http::CallOptions call_options(Duration deadline = kDeadline,
                               std::uint64_t max_body = kLargestObject) {
  http::CallOptions options;
  options.deadline = deadline;
  options.max_body = max_body;
  return options;
}

http::Request make_request(std::string method, std::string target) {
  http::Request request;
  request.method = std::move(method);
  request.target = std::move(target);
  return request;
}

http::Request with_body(std::string method, std::string target, const char* type,
                        const Json& body) {
  http::Request request = make_request(std::move(method), std::move(target));
  request.headers.set("Content-Type", type);
  request.body = dump_json(body);
  return request;
}

Json delete_options(const Preconditions& preconditions, std::optional<std::int64_t> grace) {
  Json out = {{"apiVersion", "v1"}, {"kind", "DeleteOptions"}};
  if (!preconditions.uid.empty()) {
    out["preconditions"]["uid"] = preconditions.uid;
  }
  if (!preconditions.resource_version.empty()) {
    out["preconditions"]["resourceVersion"] = preconditions.resource_version;
  }
  if (grace) {
    out["gracePeriodSeconds"] = *grace;
  }
  return out;
}

}  // namespace

Client::Client(EventLoop& loop, http::Transport& transport, Config config, const Log& log,
               Metrics& metrics)
    : impl_(std::make_shared<Impl>(loop, transport, std::move(config), log, metrics)) {}

Client::~Client() = default;

Cancel Client::get(const ResourceType& type, std::string_view ns, std::string_view name,
                   ObjectFn fn) {
  if (Status ok = check_names(ns, name, ""); !ok) {
    return impl_->refuse(std::move(fn), ok.error());
  }
  return impl_->send_json(make_request("GET", object_path(type, ns, name)), call_options(),
                          std::move(fn));
}

Cancel Client::list(const ResourceType& type, std::string_view ns, const ListOptions& options,
                    ObjectFn fn) {
  if (Status ok = check_namespace(ns); !ok) {
    return impl_->refuse(std::move(fn), ok.error());
  }
  Query query;
  query.add_if("labelSelector", options.label_selector);
  query.add_if("fieldSelector", options.field_selector);
  if (options.limit > 0) {
    query.add("limit", std::to_string(options.limit));
  }
  query.add_if("continue", options.continue_token);
  return impl_->send_json(
      make_request("GET", collection_path(type, ns) + query.text),
      call_options(options.limit > 0 ? kDeadline : kWholeListDeadline, kLargestList),
      std::move(fn));
}

Cancel Client::create(const ResourceType& type, std::string_view ns, const Json& object,
                      ObjectFn fn, const CreateOptions& options) {
  if (Status ok = check_namespace(ns); !ok) {
    return impl_->refuse(std::move(fn), ok.error());
  }
  Query query;
  query.add_if("dryRun", options.dry_run ? "All" : "");
  query.add_if("fieldValidation", options.strict ? "Strict" : "");
  return impl_->send_json(with_body("POST", collection_path(type, ns) + query.text, kJson, object),
                          call_options(), std::move(fn));
}

Cancel Client::update(const ResourceType& type, const Json& object, std::string_view subresource,
                      ObjectFn fn) {
  const std::string ns = namespace_of(object);
  const std::string name = name_of(object);
  if (Status ok = check_names(ns, name, subresource); !ok) {
    return impl_->refuse(std::move(fn), ok.error());
  }
  return impl_->send_json(with_body("PUT", object_path(type, ns, name, subresource), kJson, object),
                          call_options(), std::move(fn));
}

Cancel Client::merge_patch(const ResourceType& type, std::string_view ns, std::string_view name,
                           const Json& patch, std::string_view subresource, ObjectFn fn) {
  if (Status ok = check_names(ns, name, subresource); !ok) {
    return impl_->refuse(std::move(fn), ok.error());
  }
  return impl_->send_json(
      with_body("PATCH", object_path(type, ns, name, subresource), kMergePatch, patch),
      call_options(), std::move(fn));
}

Cancel Client::remove(const ResourceType& type, std::string_view ns, std::string_view name,
                      const Preconditions& preconditions, std::optional<std::int64_t> grace_seconds,
                      ObjectFn fn) {
  if (Status ok = check_names(ns, name, ""); !ok) {
    return impl_->refuse(std::move(fn), ok.error());
  }
  return impl_->send_json(with_body("DELETE", object_path(type, ns, name), kJson,
                                    delete_options(preconditions, grace_seconds)),
                          call_options(), std::move(fn));
}

Cancel Client::watch(const ResourceType& type, std::string_view ns, const ListOptions& options,
                     const std::string& resource_version, std::chrono::seconds timeout,
                     std::function<void(Result<http::Response>)> fn) {
  if (Status ok = check_namespace(ns); !ok) {
    return impl_->answer_later(std::move(fn), ok.error());
  }
  Query query;
  query.add("watch", "true");
  query.add("allowWatchBookmarks", "true");
  query.add_if("resourceVersion", resource_version);
  query.add("timeoutSeconds", std::to_string(timeout.count()));
  query.add_if("labelSelector", options.label_selector);
  query.add_if("fieldSelector", options.field_selector);
  http::CallOptions call = call_options();
  call.stream = true;
  call.idle_timeout = timeout + kWatchGrace;
  return impl_->send(make_request("GET", collection_path(type, ns) + query.text), call,
                     [fn = std::move(fn)](Result<http::Response> response) {
                       if (response && !response->body_source) {
                         response->body_source =
                             http::string_source(std::exchange(response->body, {}));
                       }
                       fn(std::move(response));
                     });
}

Cancel Client::get_raw(const std::string& path, std::function<void(Result<http::Response>)> fn) {
  return impl_->send(make_request("GET", path), call_options(), std::move(fn));
}

const Config& Client::config() const {
  return impl_->config;
}

}  // namespace berth::kube
