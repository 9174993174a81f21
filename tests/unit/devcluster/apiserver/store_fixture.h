#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "devcluster/apiserver/admission.h"
#include "devcluster/apiserver/patch.h"
#include "devcluster/apiserver/store.h"
#include "tests/fakes/manual_loop.h"
#include "tests/fakes/seeded_random.h"

namespace berth::devcluster {

/// A store with a manual clock, and short ways to fill it.
class StoreTest : public ::testing::Test {
 protected:
  static Json pool_object(const std::string& name) {
    return {{"metadata", {{"name", name}}},
            {"spec",
             {{"worker", {{"image", "berth.local/worker"}}},
              {"sessions", {{"maxPerWorker", 4}}},
              {"scaling", {{"maxWorkers", 6}}}}}};
  }
  static Json pod_object(const std::string& name) {
    return {{"metadata", {{"name", name}}},
            {"spec", {{"containers", {{{"name", "main"}, {"image", "sh"}}}}}}};
  }
  static Json config_object(const std::string& name, const std::string& value = "1") {
    return {{"metadata", {{"name", name}}}, {"data", {{"key", value}}}};
  }

  Json create(const ResourceType& type, Json object, const std::string& ns = "default") {
    const auto made = store.create(type, type.namespaced ? ns : "", std::move(object));
    EXPECT_TRUE(made) << (made ? "" : made.error().message);
    return made ? **made : Json();
  }
  ApiResult<ObjectPtr> merge(const ResourceType& type, const std::string& name, const Json& patch,
                             Part part = Part::kMain) {
    return store.edit(
        type, {"default", name},
        [&](const Json& current) { return apply_patch(type, PatchType::kMerge, current, patch); },
        {.part = part});
  }
  ApiResult<ObjectPtr> put(const ResourceType& type, const Json& object, Part part = Part::kMain) {
    return store.edit(type, key_of(object), [&](const Json&) -> ApiResult<Json> { return object; },
                      {.part = part, .whole = true});
  }
  ApiResult<DeleteOutcome> remove(const ResourceType& type, const std::string& name,
                                  DeleteQuery query = {}) {
    return store.remove(type, {"default", name}, query);
  }
  bool exists(const ResourceType& type, const std::string& name) {
    return store.get(type, {"default", name}).has_value();
  }
  static std::string version(const Json& object) {
    return string_at(object, {"metadata", "resourceVersion"});
  }
  static std::int64_t generation(const Json& object) {
    return get_int(object.at("metadata"), "generation").value_or(-1);
  }
  static Selector everything() { return Selector(); }

  fakes::ManualLoop loop;
  fakes::SeededRandom random;
  Store store{loop.clock(), random, admit};
  const ResourceType& pods = type_of("pods");
  const ResourceType& pools = type_of("sessionpools");
  const ResourceType& configs = type_of("configmaps");
  const ResourceType& leases = type_of("leases");
  const ResourceType& events = type_of("events");
  const ResourceType& namespaces = type_of("namespaces");
};

}  // namespace berth::devcluster
