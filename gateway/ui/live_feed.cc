#include "gateway/ui/live_feed.h"

#include <algorithm>
#include <map>
#include <utility>

namespace berth::gateway::ui {
namespace {

std::string event_text(std::string_view name, std::string_view json) {
  std::string out;
  out.reserve(name.size() + json.size() + 16);
  return out.append("event: ").append(name).append("\ndata: ").append(json).append("\n\n");
}

}  // namespace

LiveFeed::LiveFeed(EventLoop& loop, Picture::Sources sources, std::string replica,
                   Settings settings)
    : loop_(loop),
      replica_(std::move(replica)),
      settings_(settings),
      picture_(std::move(sources), settings.picture) {
  sample_timer_ = loop_.call_after(settings_.sample_every, [this] { sample(); });
}

void LiveFeed::changed(const std::string& pool_key) {
  picture_.touch(pool_key);
  arm();
}

std::size_t LiveFeed::streams() {
  viewers_.remove_if([](const Viewer& v) { return v.stream.expired(); });
  return viewers_.size();
}

Result<std::shared_ptr<http::BodySource>> LiveFeed::open(const std::string& ns) {
  if (closed_) {
    return fail(Error::make(ErrorCode::kUnavailable, "ShuttingDown", "this gateway is stopping"));
  }
  if (streams() >= settings_.max_streams) {
    Error error = Error::make(ErrorCode::kResourceExhausted, "TooManyStreams",
                              "this gateway serves " + std::to_string(settings_.max_streams) +
                                  " live pages already; close one, or try again later");
    error.retry_after = std::chrono::seconds(5);
    return fail(std::move(error));
  }
  look();
  const auto stream = std::make_shared<EventStream>(
      loop_, settings_.max_pending, [this, ns, alive = std::weak_ptr<bool>(alive_)] {
        return alive.expired() ? std::string() : snapshot(ns);
      });
  viewers_.push_back({ns, loop_.clock().now(), stream});
  arm();
  return stream;
}

void LiveFeed::close() {
  closed_ = true;
  for (const Viewer& viewer : std::exchange(viewers_, {})) {
    if (const auto stream = viewer.stream.lock()) {
      stream->end();
    }
  }
}

std::string LiveFeed::snapshot(const std::string& ns) const {
  Json body = picture_.snapshot(ns);
  body["now"] = millis(loop_.clock().now());
  body["replica"] = replica_;
  body["namespace"] = ns;
  body["sampleMillis"] =
      std::chrono::duration_cast<std::chrono::milliseconds>(settings_.sample_every).count();
  body["maxSamples"] = Chronicle::kMaxSamples;
  body["maxNews"] = Chronicle::kMaxNews;
  body["maxDecisions"] = Chronicle::kMaxDecisions;
  return event_text("snapshot", dump_json(body));
}

std::string LiveFeed::event(std::string_view name, const std::vector<Picture::Piece>& pieces,
                            const std::string& ns) const {
  std::string pools;
  for (const Picture::Piece& piece : pieces) {
    if (ns.empty() || piece.ns == ns) {
      pools.append(pools.empty() ? "" : ",").append(piece.text);
    }
  }
  return event_text(name, "{\"now\":" + std::to_string(millis(loop_.clock().now())) +
                              ",\"pools\":{" + pools + "}}");
}

void LiveFeed::send(std::string_view name, const std::vector<Picture::Piece>& pieces) {
  std::map<std::string, std::string> by_namespace;
  for (const Viewer& viewer : viewers_) {
    if (const auto stream = viewer.stream.lock()) {
      auto it = by_namespace.find(viewer.ns);
      if (it == by_namespace.end()) {
        it = by_namespace.emplace(viewer.ns, event(name, pieces, viewer.ns)).first;
      }
      stream->send(it->second);
    }
  }
}

void LiveFeed::arm() {
  if (armed_ || !picture_.touched() || streams() == 0) {
    return;
  }
  armed_ = true;
  look_timer_ = loop_.call_at(std::max(loop_.clock().now(), looked_ + settings_.interval), [this] {
    armed_ = false;
    look();
  });
}

void LiveFeed::look() {
  looked_ = loop_.clock().now();
  if (const auto pieces = picture_.look(); !pieces.empty()) {
    send("change", pieces);
  }
  arm();
}

void LiveFeed::sample() {
  sample_timer_ = loop_.call_after(settings_.sample_every, [this] { sample(); });
  look();
  send("sample", picture_.sample());
  const TimePoint oldest = loop_.clock().now() - settings_.max_age;
  viewers_.remove_if([oldest](const Viewer& viewer) {
    const auto stream = viewer.stream.lock();
    if (stream && viewer.opened <= oldest) {
      stream->end();
      return true;
    }
    return stream == nullptr;
  });
}

}  // namespace berth::gateway::ui
