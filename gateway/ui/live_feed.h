#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "berth/base/event_loop.h"
#include "berth/http/message.h"
#include "gateway/ui/event_stream.h"
#include "gateway/ui/picture.h"

namespace berth::gateway::ui {

/// Everything that open pages hear. An event stream begins with a `snapshot` and goes on with
///
///     change   what differs since, at most every `interval`
///     sample   one more point of each pool's history, every `sample_every`: also the heartbeat
///
/// A stream ends cleanly after `max_age`, so that its caller is asked again who it is. While nobody
/// looks, the picture is looked at only once a sample. Loop thread only; all must outlive it, and
/// streams may outlive it.
class LiveFeed {
 public:
  struct Settings {
    std::size_t max_streams = 32;
    std::size_t max_pending = 256u << 10;  ///< Bytes that wait for one slow reader.
    Duration interval = std::chrono::milliseconds(250);
    Duration sample_every = std::chrono::seconds(5);
    Duration max_age = std::chrono::minutes(5);
    Picture::Limits picture;
  };
  LiveFeed(EventLoop& loop, Picture::Sources sources, std::string replica, Settings settings);

  /// Something about this pool may have changed.
  void changed(const std::string& pool_key);

  /// A stream about the pools of one namespace, or of all when it is empty. kResourceExhausted
  /// "TooManyStreams".
  Result<std::shared_ptr<http::BodySource>> open(const std::string& ns);
  std::size_t streams();

  /// Ends all streams; none is opened any more.
  void close();

 private:
  struct Viewer {
    std::string ns;
    TimePoint opened;
    std::weak_ptr<EventStream> stream;
  };
  std::string snapshot(const std::string& ns) const;
  std::string event(std::string_view name, const std::vector<Picture::Piece>& pieces,
                    const std::string& ns) const;
  void send(std::string_view name, const std::vector<Picture::Piece>& pieces);
  void arm();
  void look();
  void sample();

  EventLoop& loop_;
  const std::string replica_;
  Settings settings_;
  Picture picture_;
  std::list<Viewer> viewers_;
  bool closed_ = false;
  TimePoint looked_{};
  bool armed_ = false;
  Cancel look_timer_;
  Cancel sample_timer_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // streams look at it
};

}  // namespace berth::gateway::ui
