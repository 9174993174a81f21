#include "operator/controller/pool_object.h"

#include "berth/kube/object.h"
#include "operator/render/worker_pod.h"

namespace berth::op {
namespace {

std::vector<std::string> finalizers_of(const Json& object) {
  std::vector<std::string> out;
  const Json* list = find_path(object, {"metadata", "finalizers"});
  for (std::size_t i = 0; list != nullptr && list->is_array() && i < list->size(); ++i) {
    if ((*list)[i].is_string()) {
      out.push_back((*list)[i].get<std::string>());
    }
  }
  return out;
}

std::shared_ptr<const api::SessionPool> bare_pool(const PoolObject& p, const Json& object) {
  auto pool = std::make_shared<api::SessionPool>();
  pool->name = p.name;
  pool->ns = p.ns;
  pool->uid = p.uid;
  pool->generation = p.generation;
  pool->deleting = true;
  const std::string force = kube::annotation_of(object, api::kForceDeleteAnnotation);
  pool->force_delete = !force.empty() && force != "false";
  return pool;
}

}  // namespace

std::optional<PoolObject> PoolObject::from(const Json& object) {
  PoolObject p;
  p.name = kube::name_of(object);
  p.ns = kube::namespace_of(object);
  p.uid = kube::uid_of(object);
  p.resource_version = kube::version_of(object);
  p.finalizers = finalizers_of(object);
  if (const Json* g = find_path(object, {"metadata", "generation"});
      g != nullptr && g->is_number_integer()) {
    p.generation = g->get<std::int64_t>();
  }
  if (const Json* s = find(object, "status")) {
    p.status = *s;
  }
  Result<api::SessionPool> pool = api::SessionPool::parse(object);
  if (!pool) {
    p.error = pool.error();
  } else if (!pool->scaling.schedules.empty()) {
    Result<ScheduleBook> book = ScheduleBook::make(pool->scaling.schedules);
    if (book) {
      p.schedules = std::make_shared<const ScheduleBook>(std::move(*book));
    } else {
      p.error = book.error();
    }
  }
  if (!p.error) {
    p.revision = pool_revision(*pool);
    pool->status = nullptr;  // Kept once, in `status`.
    p.pool = std::make_shared<const api::SessionPool>(std::move(*pool));
  } else if (kube::is_deleting(object)) {
    p.pool = bare_pool(p, object);
  }
  return p;
}

}  // namespace berth::op
