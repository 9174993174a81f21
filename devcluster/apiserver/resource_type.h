#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace berth::devcluster {

/// One kind of object that the API server keeps. Adding a kind is adding a row to the table in
/// resource_type.cc.
struct ResourceType {
  std::string_view group = {};  ///< "" for core.
  std::string_view version;
  std::string_view plural;
  std::string_view singular;
  std::string_view kind;
  std::string_view short_name = {};  ///< "" for none.

  bool namespaced = true;
  bool status =
      false;  ///< Has /status: the main resource ignores .status, /status ignores the rest.
  bool scale = false;       ///< Has /scale, over spec.workers and status.workers.current.
  bool generation = false;  ///< metadata.generation counts changes of the spec.
  bool graceful = false;    ///< DELETE leaves the object until the node confirms (pods).
  bool custom =
      false;  ///< A custom resource: no strategic merge patch, PUT needs a resourceVersion.
  bool needs_version =
      false;  ///< PUT without a resourceVersion is refused (also true for `custom`).

  /// Field selectors besides metadata.name and metadata.namespace, separated by spaces.
  std::string_view field_labels = {};
  /// More objects than this push the oldest out (events). 0: no such limit.
  std::size_t keep_newest = 0;
  /// Another group's name for the same stored objects: core/v1 events are events.k8s.io/v1 events.
  bool view = false;

  /// "pods" or "sessionpools.berth.dev", as error messages name a kind.
  std::string resource_name() const;
  /// "Pod" or "SessionPool.berth.dev".
  std::string kind_name() const;
  /// "v1" or "berth.dev/v1alpha1".
  std::string api_version() const;
};

std::span<const ResourceType> all_types();
/// The row that `/apis/<group>/<version>/<plural>` names, or null.
const ResourceType* find_type(std::string_view group, std::string_view version,
                              std::string_view plural);
/// A row that is known to be in the table; the stored one where there is a view ("events").
const ResourceType& type_of(std::string_view plural);
/// The row whose objects `type` really shows: itself, unless it is a view.
const ResourceType& stored_type(const ResourceType& type);

}  // namespace berth::devcluster
