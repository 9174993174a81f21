#pragma once

#include <functional>
#include <string>

#include "berth/base/backoff.h"
#include "berth/base/event_loop.h"
#include "berth/kube/client.h"
#include "berth/observe/log.h"
#include "operator/controller/pool_object.h"

namespace berth::op {

/// The finalizer berth.dev/drain of one pool: there before its first worker is made, gone when its
/// last one has gone. Loop thread only.
class PoolGuard {
 public:
  struct Hooks {
    std::function<bool()> may_write;
    std::function<void()> changed;
  };
  PoolGuard(EventLoop& loop, kube::Client& client, Random& random, Log log, Hooks hooks);

  /// Whether the finalizer is known to be on this object; asks for it if not. Without it no worker
  /// may be made.
  bool hold(const PoolObject& pool);
  /// Takes it off.
  void release(const PoolObject& pool);

 private:
  void patch(const PoolObject& pool, std::vector<std::string> finalizers);
  void failed(const Error& error);

  EventLoop& loop_;
  kube::Client& client_;
  const Log log_;
  const Hooks hooks_;
  std::string held_uid_;  ///< The pool that has it, though the cache may not show it yet.
  Backoff backoff_;
  Cancel call_;
  Cancel retry_;
  bool busy_ = false;  ///< Writing, or waiting to write again.
};

}  // namespace berth::op
