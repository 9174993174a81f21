#include "worker/activity/http_answer.h"

#include <utility>

#include "berth/base/json.h"
#include "worker/activity/outcome.h"
#include "worker/activity/process/output_tail.h"

namespace berth::worker {
namespace {

constexpr std::size_t kQuoted = 200;

bool is_success(int status) {
  return status >= 200 && status < 300;
}

ActivityOutcome judge(int status, const std::string& body) {
  auto answer = parse_answer(body);
  if (is_success(status)) {
    if (answer) {
      return succeeded(std::move(*answer));
    }
    return failed("InvalidOutput",
                  "the application's answer must be JSON: " + answer.error().message +
                      "; it begins with " + quote_start(body),
                  false);
  }
  if (const auto own = answer ? application_failure(*answer) : std::nullopt) {
    return failed(own->type, own->message, own->retryable);
  }
  const bool may_pass = status >= 500 || status == 408 || status == 429;
  return failed("HttpStatus",
                "the application answered " + std::to_string(status) +
                    (body.empty() ? "" : ": " + quote_start(body, kQuoted)),
                may_pass);
}

}  // namespace

HttpAnswer::HttpAnswer(EventLoop& loop, http::Response response, std::int64_t max_bytes,
                       Callbacks callbacks)
    : response_(std::move(response)),
      max_bytes_(static_cast<std::size_t>(max_bytes)),
      callbacks_(std::move(callbacks)) {
  stream_ = is_success(response_.status) &&
            response_.headers.get("content-type").starts_with("application/x-ndjson");
  loop.post([this, weak = std::weak_ptr(alive_)] {
    if (weak.expired()) {
      return;
    }
    if (response_.body_source) {
      read();
    } else {
      on_chunk(std::exchange(response_.body, {}));
    }
  });
}

void HttpAnswer::read() {
  response_.body_source->next([this, weak = std::weak_ptr(alive_)](Result<std::string> chunk) {
    if (!weak.expired()) {
      on_chunk(std::move(chunk));
    }
  });
}

void HttpAnswer::on_chunk(Result<std::string> chunk) {
  const std::weak_ptr<bool> weak = alive_;
  if (!chunk) {
    callbacks_.lost(chunk.error());
    return;
  }
  const bool more = response_.body_source != nullptr && !chunk->empty();
  buffer_ += *chunk;
  if (stream_) {
    take_lines();
  }
  if (weak.expired() || ended_) {
    return;
  }
  if (buffer_.size() > max_bytes_) {
    end(failed("OutputTooLarge",
               "the application's answer is larger than " + std::to_string(max_bytes_) + " bytes",
               false));
  } else if (more) {
    read();
  } else {
    on_end();
  }
}

void HttpAnswer::on_end() {
  if (!stream_) {
    end(judge(response_.status, buffer_));
    return;
  }
  take_line(std::exchange(buffer_, {}));
  end(last_ ? std::move(*last_)
            : failed("InvalidOutput", "the application's stream ended without a result", false));
}

void HttpAnswer::take_lines() {
  const std::weak_ptr<bool> weak = alive_;
  const std::string text = std::exchange(buffer_, {});
  std::size_t begin = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    take_line(std::string_view(text).substr(begin, end - begin));
    if (weak.expired()) {
      return;
    }
    begin = end + 1;
  }
  buffer_ = text.substr(begin);
}

void HttpAnswer::take_line(std::string_view line) {
  if (is_blank(line) || last_) {
    return;
  }
  const auto value = parse_json(line);
  if (!value) {
    last_ = failed("InvalidOutput",
                   "a line of the application's stream must be JSON: " + value.error().message +
                       "; it begins with " + quote_start(line),
                   false);
  } else if (const auto own = application_failure(*value)) {
    last_ = failed(own->type, own->message, own->retryable);
  } else if (value->is_object() && value->contains("result")) {
    last_ = succeeded((*value)["result"]);
  } else if (const Json* progress = find(*value, "progress")) {
    callbacks_.progress(*progress);
  }
}

void HttpAnswer::end(ActivityOutcome outcome) {
  ended_ = true;
  callbacks_.done(std::move(outcome));
}

}  // namespace berth::worker
