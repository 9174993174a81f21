#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "berth/base/event_loop.h"
#include "berth/base/random.h"
#include "berth/kube/client.h"
#include "berth/kube/reflector.h"
#include "operator/disruption/node_view.h"

namespace berth::op {

/// Follows the cluster's nodes, if the operator may read them. Loop thread only.
///
/// It asks once before it watches: a 403 is logged in one line, and asked again, soon at first (an
/// API server that has just started refuses everything) and every ten minutes in the end; until
/// then nothing is known of any node, and the rules that need one are off.
///
/// A node that the cache lacks is not gone yet: pods and nodes are two watches, and a new node's
/// pod may be seen first. It counts as gone once a GET has answered 404, and until the cache shows
/// it.
class NodeWatch {
 public:
  /// `changed(node)`: what a plan would look at has changed.
  NodeWatch(EventLoop& loop, kube::Client& client, Random& random, Log log, Metrics& metrics,
            std::function<void(const std::string& node)> changed);

  void start();
  /// Known: the first list is complete. Forbidden: the operator may not read nodes.
  bool forbidden() const { return forbidden_; }
  /// What is known of a node; asks the API server when that is nothing.
  NodeState state(const std::string& name);

 private:
  struct Question {
    TimePoint asked_at{};
    bool gone = false;
    Cancel call;
  };
  void ask_leave();
  void ask(const std::string& name);
  void note(const std::string& name, const NodeView* now);

  EventLoop& loop_;
  kube::Client& client_;
  const Log log_;
  std::function<void(const std::string& node)> changed_;
  bool forbidden_ = false;
  Duration pause_{};  ///< The last one, before asking again.
  bool allowed_ = false;
  std::map<std::string, Question> questions_;  ///< Of nodes that pods name and the cache lacks.
  std::map<std::string, TimePoint> leaving_since_;
  Cancel call_;
  Cancel retry_;
  kube::Reflector<NodeView> nodes_;
};

}  // namespace berth::op
