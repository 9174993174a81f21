#include "gateway/workers/pool_catalog.h"

#include <gtest/gtest.h>

namespace berth::gateway {
namespace {

TEST(PoolCatalog, AnUnknownPoolNamesTenOfItsNamespaceAtMost) {
  PoolCatalog catalog;
  for (int i = 0; i < 12; ++i) {
    catalog.set("a/p" + std::to_string(10 + i), std::make_shared<const PoolInfo>());
  }
  catalog.set("b/q", std::make_shared<const PoolInfo>());
  const std::string message = catalog.unknown("a/x").message;
  EXPECT_NE(message.find("a/p10, a/p11"), std::string::npos) << message;
  EXPECT_NE(message.find("a/p19, ..."), std::string::npos) << message;
  EXPECT_EQ(message.find("a/p20"), std::string::npos) << message;
  EXPECT_EQ(message.find("b/q"), std::string::npos) << message;
}

TEST(PoolCatalog, APoolOfAnotherNamespaceIsNotNamed) {
  PoolCatalog catalog;
  catalog.set("b/q", std::make_shared<const PoolInfo>());
  const std::string message = catalog.unknown("a/x").message;
  EXPECT_NE(message.find("serves none in that namespace"), std::string::npos) << message;
  EXPECT_EQ(message.find("b/q"), std::string::npos) << message;
  catalog.set("b/q", nullptr);
  EXPECT_EQ(catalog.find("b/q"), nullptr);
}

TEST(PoolInfo, IsReadFromTheResource) {
  const auto pool = PoolInfo::from_json(Json::parse(R"({
    "apiVersion": "berth.dev/v1alpha1", "kind": "SessionPool",
    "metadata": {"name": "p", "namespace": "n", "uid": "u"},
    "spec": {"sessions": {"maxPerWorker": 4, "resources": {"gpu": 2}},
             "scaling": {"maxWorkers": 3, "placement": "Spread"}}})"));
  ASSERT_TRUE(pool) << pool.error().text();
  EXPECT_EQ(pool->placement, api::Placement::kSpread);
  EXPECT_EQ(pool->capacity(), (api::Resources{{api::kSlot, 4}, {"gpu", 2}}));
}

TEST(PoolInfo, AnInvalidPoolIsAnError) {
  EXPECT_FALSE(PoolInfo::from_json(Json::parse(R"({"metadata": {"name": "p"}, "spec": {}})")));
}

}  // namespace
}  // namespace berth::gateway
