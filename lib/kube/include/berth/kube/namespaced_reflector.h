#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "berth/kube/reflector.h"

namespace berth::kube {

/// One copy of a collection from several namespaces: a Reflector for each of them, or a single one
/// for all when none or the empty one is named. Its parts list and watch on their own, so that
/// rights in those namespaces suffice; versions compare only within one. Loop thread only.
template <class T>
class NamespacedReflector {
 public:
  using Part = Reflector<T>;
  using Ptr = typename Part::Ptr;

  /// `settings.ns` is not read.
  NamespacedReflector(EventLoop& loop, Client& client, Random& random, ResourceType type,
                      std::set<std::string> namespaces, ReflectorSettings settings, const Log& log,
                      Metrics& metrics, const typename Part::Convert& convert,
                      const typename Part::OnChange& on_change) {
    if (namespaces.empty() || namespaces.contains("")) {
      namespaces = {""};
    }
    for (const std::string& ns : namespaces) {
      settings.ns = ns;
      parts_.emplace(ns, std::make_unique<Part>(loop, client, random, type, settings, log, metrics,
                                                convert, on_change));
    }
  }

  void start() {
    for (const auto& [ns, part] : parts_) {
      part->start();
    }
  }
  void stop() {
    for (const auto& [ns, part] : parts_) {
      part->stop();
    }
  }
  /// What is in `ns` was read whole at least once, or is not watched.
  bool synced(const std::string& ns) const {
    const Part* part = part_of(ns);
    return part == nullptr || part->synced();
  }
  /// Each was read whole at least once, but for those that we may not read, which must not hold up
  /// the others; at least one was.
  bool settled() const {
    bool any = false;
    for (const auto& [ns, part] : parts_) {
      if (!part->synced() && !part->forbidden()) {
        return false;
      }
      any = any || part->synced();
    }
    return any;
  }
  /// Those that were not read yet.
  std::set<std::string> unread() const {
    std::set<std::string> out;
    for (const auto& [ns, part] : parts_) {
      if (!part->synced()) {
        out.insert(ns);
      }
    }
    return out;
  }

  /// By "namespace/name".
  Ptr get(const std::string& key) const {
    const Part* part = part_of(key.substr(0, key.find('/')));
    return part ? part->get(key) : nullptr;
  }
  /// The newest version seen of what is in `ns`; empty when it is not watched.
  std::string version(const std::string& ns) const {
    const Part* part = part_of(ns);
    return part ? part->version() : std::string();
  }
  /// Calls `fn(key, value)` for each, namespace by namespace. It must not change the copy.
  template <class Fn>
  void for_each(const Fn& fn) const {
    for (const auto& [ns, part] : parts_) {
      for (const auto& [key, value] : part->all()) {
        fn(key, value);
      }
    }
  }

 private:
  const Part* part_of(const std::string& ns) const {
    auto it = parts_.find(ns);
    if (it == parts_.end()) {
      it = parts_.find("");
    }
    return it == parts_.end() ? nullptr : it->second.get();
  }

  std::map<std::string, std::unique_ptr<Part>> parts_;  ///< By namespace; "": all.
};

}  // namespace berth::kube
