#include "gateway/ui/chronicle.h"

#include <utility>

namespace berth::gateway::ui {
namespace {

template <class T>
void push_bounded(std::deque<T>& list, T value, std::size_t most) {
  list.push_back(std::move(value));
  if (list.size() > most) {
    list.pop_front();
  }
}

}  // namespace

Chronicle::Chronicle(const PoolView& first) {
  decided(first);
}

bool Chronicle::decided(const PoolView& view) {
  const auto& last = view.info.status.last_scale;
  if (!last || (!decisions_.empty() && decisions_.back() == *last)) {
    return false;
  }
  push_bounded(decisions_, *last, kMaxDecisions);
  return true;
}

Json Chronicle::note(const PoolView& before, const PoolView& after, TimePoint now) {
  Json out = Json::object();
  for (News& one : news(before, after)) {
    push_bounded(news_, {millis(now), std::move(one)}, kMaxNews);
    out["news"].push_back(json_of(news_.back()));
  }
  if (decided(after)) {
    out["decisions"].push_back(json_of(decisions_.back()));
  }
  return out;
}

void Chronicle::add(Sample sample) {
  push_bounded(samples_, sample, kMaxSamples);
}

Json Chronicle::json_of(const Dated& dated) {
  Json out = {{"at", dated.at},
              {"worker", dated.news.worker},
              {"was", dated.news.was},
              {"is", dated.news.is}};
  if (dated.news.restarted) {
    out["restarted"] = true;
  }
  return out;
}

Json Chronicle::json_of(const PoolStatus::Scale& scale) {
  return {{"time", scale.time}, {"from", scale.from}, {"to", scale.to}, {"reason", scale.reason}};
}

Json Chronicle::to_json() const {
  Json out = {{"news", Json::array()}, {"decisions", Json::array()}, {"samples", Json::array()}};
  for (const Dated& dated : news_) {
    out["news"].push_back(json_of(dated));
  }
  for (const auto& scale : decisions_) {
    out["decisions"].push_back(json_of(scale));
  }
  for (const Sample& s : samples_) {
    out["samples"].push_back({s.used, s.capacity, s.waiting});
  }
  return out;
}

}  // namespace berth::gateway::ui
