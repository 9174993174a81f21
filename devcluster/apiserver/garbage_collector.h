#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>

#include "berth/base/event_loop.h"
#include "devcluster/apiserver/store.h"

namespace berth::devcluster {

/// Deletes what has lost its owners, as kube-controller-manager does: objects all of whose owners'
/// uids are gone (or were never there, or live in another namespace), and everything in a namespace
/// that is gone. Finishes deletions that wait for dependents (foregroundDeletion) or for letting
/// them go (orphan). Works a turn of the loop after the change that caused it. Loop and store must
/// outlive it.
class GarbageCollector {
 public:
  GarbageCollector(EventLoop& loop, Store& store);
  GarbageCollector(const GarbageCollector&) = delete;
  GarbageCollector& operator=(const GarbageCollector&) = delete;

 private:
  struct Ref {
    const ResourceType* type = nullptr;
    ObjectKey key;
    std::string uid;
    bool operator<(const Ref& o) const { return uid < o.uid; }
  };
  void note(const WatchEvent& event);
  void enqueue(Ref ref);
  void run();
  void look_at(const Ref& ref);
  bool collect_if_ownerless(const Ref& ref, const Json& object);
  void finish_foreground(const Ref& ref, const Json& object);
  void finish_orphan(const Ref& ref);
  void drop_finalizer(const Ref& ref, const std::string& finalizer);
  bool owner_lives(const Json& owner, const std::string& ns) const;

  EventLoop& loop_;
  Store& store_;
  std::map<std::string, ObjectKey> alive_;             // by uid
  std::map<std::string, std::set<Ref>> dependents_;    // by owner's uid
  std::map<std::string, std::set<Ref>> in_namespace_;  // by namespace
  std::deque<Ref> queue_;
  Cancel wake_;
  Cancel subscription_;
};

}  // namespace berth::devcluster
