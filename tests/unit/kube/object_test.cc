#include "berth/kube/object.h"

#include <gtest/gtest.h>

namespace berth::kube {
namespace {

const Json kPod = *parse_json(R"({"metadata": {"name": "a-1", "namespace": "jobs", "uid": "u1",
  "resourceVersion": "42", "labels": {"app.dev/x": "y"}, "annotations": {"n": "1", "odd": 7},
  "deletionTimestamp": "2026-01-01T00:00:00Z",
  "ownerReferences": [{"uid": "o1"}, {"uid": "o2", "controller": true}]},
  "status": {"conditions": [{"type": "Ready", "status": "False"}, "junk"]}})");

TEST(Object, ReadsMetadata) {
  EXPECT_EQ(name_of(kPod), "a-1");
  EXPECT_EQ(namespace_of(kPod), "jobs");
  EXPECT_EQ(uid_of(kPod), "u1");
  EXPECT_EQ(version_of(kPod), "42");
  EXPECT_EQ(key_of(kPod), "jobs/a-1");
  EXPECT_EQ(label_of(kPod, "app.dev/x"), "y");
  EXPECT_EQ(annotation_of(kPod, "n"), "1");
  EXPECT_TRUE(is_deleting(kPod));
  EXPECT_EQ(controller_uid(kPod), "o2");
  EXPECT_EQ(condition_status(kPod, "Ready"), "False");
}

TEST(Object, AClusterScopedKeyIsTheName) {
  EXPECT_EQ(key_of(*parse_json(R"({"metadata": {"name": "node-1"}})")), "node-1");
}

TEST(Object, ASecretsValuesAreDecoded) {
  Json secret = {{"data", {{"a", secret_data("x\n")}, {"bad", "?"}, {"odd", 7}}}};
  EXPECT_EQ(secret_value(secret, "a"), "x\n");
  EXPECT_EQ(secret_value(secret, "bad"), std::nullopt);
  EXPECT_EQ(secret_value(secret, "odd"), std::nullopt);
  EXPECT_EQ(secret_value(secret, "none"), std::nullopt);
  EXPECT_EQ(secret_value(Json(), "a"), std::nullopt);
}

TEST(Object, WhatIsMissingOrOfAnotherTypeIsEmpty) {
  EXPECT_EQ(annotation_of(kPod, "odd"), "");
  EXPECT_EQ(condition_status(kPod, "Nope"), "");
  for (const char* text : {"null", "[]", "7", R"({"metadata": 3, "status": {"conditions": {}}})",
                           R"({"metadata": {"ownerReferences": {}, "deletionTimestamp": null}})"}) {
    const Json odd = *parse_json(text);
    EXPECT_EQ(key_of(odd), "") << text;
    EXPECT_EQ(controller_uid(odd), "") << text;
    EXPECT_EQ(condition_status(odd, "Ready"), "") << text;
    EXPECT_FALSE(is_deleting(odd)) << text;
  }
}

}  // namespace
}  // namespace berth::kube
