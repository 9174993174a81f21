#pragma once

#include <utility>
#include <vector>

#include "berth/kube/object.h"
#include "berth/kube/reflector.h"

/// Bodies of Reflector<T>; included by reflector.h.
namespace berth::kube {

template <class T>
Reflector<T>::Reflector(EventLoop& loop, Client& client, Random& random, ResourceType type,
                        ReflectorSettings settings, const Log& log, Metrics& metrics,
                        Convert convert, OnChange on_change)
    : convert_(std::move(convert)),
      on_change_(std::move(on_change)),
      core_(loop, client, random, type, std::move(settings), log, metrics,
            ReflectorCore::Events{[this](const Json& object) { upsert(object); },
                                  [this](const std::string& key) { remove(key); },
                                  [this] { staged_.emplace(); }, [this] { replace_end(); }}) {}

template <class T>
typename Reflector<T>::Ptr Reflector<T>::get(const std::string& key) const {
  const auto it = items_.find(key);
  return it == items_.end() ? nullptr : it->second;
}

template <class T>
void Reflector<T>::notify(const std::string& key, const Ptr& before, const Ptr& now) {
  if (on_change_ && !core_.stopped()) {
    on_change_(key, before, now);
  }
}

template <class T>
void Reflector<T>::upsert(const Json& object) {
  std::string key = key_of(object);
  std::optional<T> converted = convert_(object);
  if (!converted) {
    if (!staged_) {
      remove(key);
    }
    return;
  }
  Entry entry{std::make_shared<const T>(std::move(*converted)),
              {uid_of(object), version_of(object)}};
  if (staged_) {
    staged_->insert_or_assign(std::move(key), std::move(entry));
    return;
  }
  if (const auto it = identities_.find(key);
      it != identities_.end() && it->second.uid != entry.identity.uid) {
    remove(key);
  }
  const Ptr now = entry.value;
  const Ptr before = std::exchange(items_[key], std::move(entry.value));
  identities_[key] = std::move(entry.identity);
  notify(key, before, now);
}

template <class T>
void Reflector<T>::remove(const std::string& key) {
  const auto node = items_.extract(key);
  identities_.erase(key);
  if (!node.empty()) {
    notify(key, node.mapped(), nullptr);
  }
}

template <class T>
void Reflector<T>::replace_end() {
  std::map<std::string, Entry> fresh = std::move(*staged_);
  staged_.reset();
  struct Change {
    std::string key;
    Ptr before;
    Ptr now;
  };
  // The whole copy is new before anybody is told; what is gone is told first.
  std::vector<Change> changes;
  for (const auto& [key, value] : items_) {
    const auto it = fresh.find(key);
    if (it == fresh.end() || it->second.identity.uid != identities_[key].uid) {
      changes.push_back({key, value, nullptr});
    }
  }
  for (const Change& gone : changes) {
    items_.erase(gone.key);
    identities_.erase(gone.key);
  }
  for (auto& [key, entry] : fresh) {
    Identity& kept = identities_[key];
    if (!kept.version.empty() && kept.version == entry.identity.version) {
      continue;
    }
    Ptr& slot = items_[key];
    changes.push_back({key, slot, entry.value});
    slot = std::move(entry.value);
    kept = std::move(entry.identity);
  }
  for (const Change& change : changes) {
    notify(change.key, change.before, change.now);
  }
}

}  // namespace berth::kube
