#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "berth/http/message.h"
#include "worker/activity/executor.h"

namespace berth::worker {

/// Reads an app's answer to an activity to its end and judges it (the rules are in
/// http_executor.h). Loop thread only.
class HttpAnswer {
 public:
  struct Callbacks {
    std::function<void(Json)> progress;
    std::function<void(ActivityOutcome)> done;  ///< The answer is complete. Once.
    std::function<void(Error)> lost;            ///< It broke off. Once, instead of done.
  };

  /// Calls back later, never from here. `max_bytes` bounds the body; in a stream, each line.
  HttpAnswer(EventLoop& loop, http::Response response, std::int64_t max_bytes, Callbacks callbacks);

 private:
  void read();
  void on_chunk(Result<std::string> chunk);
  void on_end();
  void take_lines();
  void take_line(std::string_view line);
  void end(ActivityOutcome outcome);

  http::Response response_;
  std::size_t max_bytes_;
  Callbacks callbacks_;
  bool stream_ = false;
  bool ended_ = false;
  std::string buffer_;
  std::optional<ActivityOutcome> last_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace berth::worker
