#include "operator/track/volume_trouble.h"

#include <algorithm>
#include <utility>

namespace berth::op {
namespace {

constexpr std::int64_t kMostEvents = 50;

bool about_volumes(const Json& event) {
  const auto reason = get_string(event, "reason");
  return reason == "FailedMount" || reason == "FailedAttachVolume";
}

// Written by kubelets in the older form, whose times have these names in the newer one.
std::string last_seen(const Json& event) {
  for (const char* key : {"deprecatedLastTimestamp", "eventTime"}) {
    if (const auto time = get_string(event, key); time && !time->empty()) {
      return *time;
    }
  }
  return string_at(event, {"metadata", "creationTimestamp"});
}

std::string latest_note(const Json& events) {
  std::string note;
  std::string when;
  const Json* items = find(events, "items");
  for (std::size_t i = 0; items != nullptr && items->is_array() && i < items->size(); ++i) {
    const Json& event = (*items)[i];
    if (about_volumes(event) && last_seen(event) >= when) {
      when = last_seen(event);
      note = get_string(event, "note").value_or("");
    }
  }
  return note;
}

}  // namespace

VolumeTrouble::VolumeTrouble(EventLoop& loop, kube::Client& client, Log log, std::string ns,
                             std::function<void()> changed)
    : loop_(loop),
      client_(client),
      log_(std::move(log)),
      ns_(std::move(ns)),
      changed_(std::move(changed)) {}

void VolumeTrouble::watch(const std::optional<Waiting>& pod) {
  const std::string uid = pod ? pod->uid : "";
  if (uid == uid_) {
    return;
  }
  uid_ = uid;
  why_.clear();
  call_.cancel();
  timer_.cancel();
  if (pod) {
    const Duration waited = loop_.clock().now() - pod->since;
    timer_ = loop_.call_after(std::max(Duration{0}, kPatience - waited), [this] { look(); });
  }
}

std::string VolumeTrouble::why(const std::string& uid) const {
  return uid == uid_ ? why_ : "";
}

void VolumeTrouble::look() {
  kube::ListOptions options;
  options.field_selector = "regarding.uid=" + uid_ + ",type=Warning";
  options.limit = kMostEvents;
  call_ = client_.list(kube::kEvents, ns_, options, [this](const Result<Json>& r) {
    call_.release();
    looked(r);
  });
}

void VolumeTrouble::looked(const Result<Json>& events) {
  timer_ = loop_.call_after(kLookAgain, [this] { look(); });
  if (!events) {
    if (!std::exchange(complained_, true)) {
      log_.warn("why a pod gets no volumes is not known: its events cannot be listed",
                {{"error", events.error()}});
    }
    return;
  }
  if (std::string note = latest_note(*events); note != why_) {
    why_ = std::move(note);
    changed_();
  }
}

}  // namespace berth::op
