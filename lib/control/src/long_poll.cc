#include "berth/control/long_poll.h"

#include "berth/http/server.h"

namespace berth::control {
namespace {

// A server that answers at once without news must not be asked in a tight loop.
constexpr Duration kWithoutNews = std::chrono::milliseconds(20);
constexpr Duration kDeadlineSlack = std::chrono::seconds(10);

}  // namespace

LongPoll::LongPoll(EventLoop& loop, http::Transport& transport, Random& random, std::string origin,
                   Settings settings, Hooks hooks)
    : loop_(loop),
      transport_(transport),
      origin_(std::move(origin)),
      settings_(std::move(settings)),
      hooks_(std::move(hooks)),
      backoff_(settings_.backoff, random) {}

void LongPoll::start() {
  poll();
  watch_silence();
}

void LongPoll::poll() {
  http::CallOptions options;
  options.deadline = settings_.wait + kDeadlineSlack;
  options.max_body = settings_.max_body;
  options.server_name = settings_.server_name;
  call_ = transport_.send(origin_, hooks_.request(heard_ && !error_), options,
                          [this](Result<http::Response> r) { answered(std::move(r)); });
}

void LongPoll::answered(Result<http::Response> response) {
  call_.release();
  Result<bool> news = accept(std::move(response));
  if (!news) {
    const bool begins = !error_;
    error_ = std::move(news).error();
    retry_ = loop_.call_after(backoff_.next(), [this] { poll(); });
    if (begins) {
      hooks_.changed();
    }
    return;
  }
  backoff_.reset();
  const bool changed = *news || silent_ || error_ || !heard_;
  heard_ = true;
  silent_ = false;
  error_.reset();
  watch_silence();
  if (changed) {
    poll();
    hooks_.changed();
  } else {
    retry_ = loop_.call_after(kWithoutNews, [this] { poll(); });
  }
}

Result<bool> LongPoll::accept(Result<http::Response> response) {
  if (!response) {
    return fail(std::move(response).error());
  }
  if (response->status != 200) {
    return fail(http::error_from_response(*response));
  }
  BERTH_ASSIGN(const Json body, parse_json(response->body));
  return hooks_.accept(body);
}

void LongPoll::watch_silence() {
  silence_ = loop_.call_after(settings_.wait + settings_.patience, [this] {
    silent_ = true;
    hooks_.changed();
  });
}

}  // namespace berth::control
