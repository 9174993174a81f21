#include <charconv>

#include "devcluster/apiserver/push_stream.h"
#include "devcluster/apiserver/requests.h"
#include "devcluster/node/node.h"

namespace berth::devcluster {

namespace {

constexpr std::size_t kNoLimit = std::string::npos;

std::size_t number(const http::Request& request, std::string_view name) {
  const std::string text = request.query(name).value_or("");
  std::size_t value = 0;
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), value);
  return text.empty() || bad != std::errc() ? kNoLimit : value;
}

/// The last `lines` lines.
std::string tail(std::string text, std::size_t lines) {
  if (lines == kNoLimit) {
    return text;
  }
  std::size_t at = text.size();
  // The newline at the end closes a line, it does not begin one.
  for (std::size_t seen = 0; at > 0; --at) {
    if (text[at - 1] == '\n' && at != text.size() && ++seen == lines) {
      break;
    }
  }
  return lines == 0 ? "" : text.substr(at);
}

}  // namespace

void Node::serve_log(const Json& pod, const std::shared_ptr<http::Exchange>& exchange) {
  const http::Request& request = exchange->request();
  const std::string name = string_at(pod, {"metadata", "name"});
  const auto it = runners_.find(string_at(pod, {"metadata", "uid"}));
  const std::string container = request.query("container").value_or("");
  LogFile* log = it == runners_.end() ? nullptr : it->second->log_of(container);
  if (log == nullptr) {
    exchange->reply(error_answer(ApiError::bad_request(
        it == runners_.end() ? "pod " + name + " is not running on this node"
                             : "container \"" + container + "\" is not valid for pod " + name +
                                   "; name one of its containers")));
    return;
  }
  http::Response response;
  response.headers.set("Content-Type", "text/plain");
  std::string text = tail(log->read(), number(request, "tailLines"));
  if (const std::size_t limit = number(request, "limitBytes"); limit < text.size()) {
    text.resize(limit);
  }
  if (request.query("follow").value_or("") != "true") {
    response.body = std::move(text);
    exchange->reply(std::move(response));
    return;
  }
  const auto stream = std::make_shared<PushStream>(context_.loop, PushStream::Limits());
  stream->push_backlog(std::move(text));
  const std::uint64_t id = log->follow([weak = std::weak_ptr(stream)](std::string_view bytes) {
    if (const auto s = weak.lock()) {
      bytes.empty() ? s->end() : s->push(std::string(bytes));
    }
  });
  // The log may go first, with its pod; it then ends the stream and this handle finds nothing.
  stream->on_gone([weak = log->followers(), id] {
    if (const auto followers = weak.lock()) {
      followers->erase(id);
    }
  });
  response.body_source = stream;
  exchange->reply(std::move(response));
}

}  // namespace berth::devcluster
