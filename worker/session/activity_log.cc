#include "worker/session/activity_log.h"

#include <algorithm>

namespace berth::worker {
namespace {

std::size_t size_of(const ActivityFinishedRecord& r) {
  return r.result.size() + r.stdout_base64.size() + r.stderr_tail.size() + r.failure_message.size();
}

void apply(api::ActivityInfo& info, const ActivityFinishedRecord& r) {
  info.state = r.state;
  info.result = nullptr;
  if (!r.result.empty()) {
    if (auto parsed = parse_json(r.result)) {
      info.result = std::move(*parsed);
    }
  }
  info.failure.reset();
  if (!r.failure_type.empty()) {
    info.failure = api::ActivityFailure{r.failure_type, r.failure_message, r.failure_retryable};
  }
  info.exit_status = r.exit_status;
  info.stdout_base64 = r.stdout_base64;
  if (!r.stderr_tail.empty()) {
    info.stderr_tail = r.stderr_tail;
  }
  info.runtime = r.runtime;
  ++info.version;
}

}  // namespace

const Activity* ActivityLog::find(const api::ActivityId& id) const {
  const auto it = by_id_.find(id);
  return it == by_id_.end() ? nullptr : &it->second;
}

Activity* ActivityLog::find(const api::ActivityId& id) {
  const auto it = by_id_.find(id);
  return it == by_id_.end() ? nullptr : &it->second;
}

std::vector<api::ActivityId> ActivityLog::running_ids() const {
  std::vector<api::ActivityId> out;
  if (running_ == 0) {
    return out;
  }
  for (const auto& [id, activity] : by_id_) {
    if (!api::is_final(activity.info.state)) {
      out.push_back(id);
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

Activity& ActivityLog::add(api::ActivityId id, std::string type, TimePoint now) {
  Activity& activity = by_id_[id];
  activity.info.activity_id = std::move(id);
  activity.info.type = std::move(type);
  activity.info.version = 1;
  activity.started_at = now;
  ++running_;
  return activity;
}

void ActivityLog::remove(const api::ActivityId& id) {
  const auto it = by_id_.find(id);
  if (it != by_id_.end() && !api::is_final(it->second.info.state)) {
    by_id_.erase(it);
    --running_;
  }
}

void ActivityLog::finish(const ActivityFinishedRecord& outcome) {
  Activity* activity = find(outcome.activity);
  if (activity == nullptr || api::is_final(activity->info.state)) {
    return;
  }
  apply(activity->info, outcome);
  --running_;
  finished_.emplace_back(outcome.activity, size_of(outcome));
  finished_bytes_ += finished_.back().second;
  trim();
}

void ActivityLog::trim() {
  while (finished_.size() > 1 &&
         (finished_.size() > limits_.max_results || finished_bytes_ > limits_.max_result_bytes)) {
    finished_bytes_ -= finished_.front().second;
    by_id_.erase(finished_.front().first);
    forgotten_.insert(std::move(finished_.front().first));
    finished_.pop_front();
  }
}

void ActivityLog::snapshot(const api::SessionId& session, std::vector<Record>& out) const {
  for (const api::ActivityId& id : forgotten_) {
    out.emplace_back(ActivityForgottenRecord{session, id});
  }
  for (const auto& [id, bytes] : finished_) {
    const Activity& activity = by_id_.at(id);
    out.emplace_back(ActivityAcceptedRecord{session, id, activity.info.type});
    out.emplace_back(finished_record(session, activity.info));
  }
  for (const api::ActivityId& id : running_ids()) {
    const Activity& activity = by_id_.at(id);
    out.emplace_back(ActivityAcceptedRecord{session, id, activity.info.type});
    if (activity.process_group != 0) {
      out.emplace_back(ActivityGroupRecord{session, id, activity.process_group});
    }
  }
}

ActivityFinishedRecord finished_record(const api::SessionId& session,
                                       const api::ActivityInfo& info) {
  ActivityFinishedRecord r;
  r.session = session;
  r.activity = info.activity_id;
  r.state = info.state;
  r.result = info.result.is_null() ? std::string() : dump_json(info.result);
  if (info.failure) {
    r.failure_type = info.failure->type;
    r.failure_message = info.failure->message;
    r.failure_retryable = info.failure->retryable;
  }
  r.exit_status = info.exit_status;
  r.stdout_base64 = info.stdout_base64;
  r.stderr_tail = info.stderr_tail;
  r.runtime = info.runtime;
  return r;
}

}  // namespace berth::worker
