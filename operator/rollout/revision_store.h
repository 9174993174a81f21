#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "berth/api/session_pool.h"
#include "berth/base/event_loop.h"
#include "berth/kube/client.h"
#include "berth/observe/log.h"

namespace berth::op {

/// A ControllerRevision that keeps what workers of `revision` are made from.
Json to_controller_revision(const api::SessionPool& pool, const std::string& revision);
/// The pool as it was then, with its revision. Nothing if the object does not hold what its name
/// says (written by an operator with another render version, or by somebody else).
struct KeptRevision {
  std::string revision;
  std::string object_uid;
  std::shared_ptr<const api::SessionPool> pool;
};
std::optional<KeptRevision> from_controller_revision(const Json& object,
                                                     const std::string& pool_uid);

/// One pool at each revision that has workers, so that more of them can be made while a newer one
/// is on trial. In memory, and in ControllerRevisions owned by the pool for the operator that comes
/// after this one: one write when a revision gets its first worker, one when it has lost its last.
/// Where the operator may not do that, one log line says so, and memory has to do. Loop thread
/// only.
class RevisionStore {
 public:
  struct Hooks {
    std::function<bool()> may_write;
    std::function<void()> changed;  ///< More revisions are known.
  };
  RevisionStore(EventLoop& loop, kube::Client& client, Log log, Hooks hooks);

  /// The pool is now at `revision`; `in_use`: what workers have. Call it in each reconcile.
  void keep(const std::shared_ptr<const api::SessionPool>& pool, const std::string& revision,
            const std::set<std::string>& in_use);
  /// Null: not known.
  std::shared_ptr<const api::SessionPool> find(const std::string& revision) const;
  /// Known ones besides the pool's own.
  std::set<std::string> earlier() const;

 private:
  struct Entry {
    std::shared_ptr<const api::SessionPool> pool;
    std::string object_uid;  ///< Empty: not written yet.
    Cancel call;
    bool busy = false;
  };
  void begin(const api::SessionPool& pool);
  void list();
  void listed(const Result<Json>& answer);
  void write(const std::string& revision, Entry& entry);
  void drop_unused(const std::set<std::string>& in_use);
  void complain(const Error& error);

  EventLoop& loop_;
  kube::Client& client_;
  const Log log_;
  const Hooks hooks_;
  std::string ns_;
  std::string pool_name_;
  std::string pool_uid_;
  std::string current_;
  std::map<std::string, Entry> entries_;  ///< By revision.
  std::map<std::string, Cancel> drops_;   ///< By object name.
  bool listed_ = false;
  bool complained_ = false;
  TimePoint not_before_{};
  Cancel list_call_;
  Cancel retry_;
};

}  // namespace berth::op
