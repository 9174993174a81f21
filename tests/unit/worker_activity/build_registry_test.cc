#include "worker/activity/build_registry.h"

#include <gtest/gtest.h>

#include "tests/unit/worker_activity/activity_fixture.h"
#include "tests/unit/worker_activity/scripted_transport.h"

namespace berth::worker {
namespace {

class BuildRegistryTest : public ActivityTest {
 protected:
  ScriptedTransport transport_{loop_};
  ThreadPool pool_{1, 1};
  ExecutorParts parts_{loop_, supervisor_, transport_, pool_, log_, ""};
  api::WorkerConfig config_;
  static Result<Json> nothing(ActivityContext&, const Json&) { return Json(); }
};

TEST_F(BuildRegistryTest, OffersWhatTheConfigurationAndTheProgramName) {
  config_.activities = {shell("true")};
  api::ActivitySpec app;
  app.name = "app";
  app.http_url = "http://127.0.0.1:1/";
  config_.activities.push_back(app);
  config_.exec = true;
  const auto registry = build_registry(parts_, config_, {{"own", nothing}});
  ASSERT_TRUE(registry) << registry.error().text();
  EXPECT_EQ(registry->types(), (std::vector<std::string>{"test", "app", "exec", "own"}));
  EXPECT_NE(registry->find("own"), nullptr);
  EXPECT_EQ(registry->find("other"), nullptr);
}

TEST_F(BuildRegistryTest, ExecIsThereOnlyWhereItIsAllowed) {
  const auto registry = build_registry(parts_, config_);
  ASSERT_TRUE(registry);
  EXPECT_EQ(registry->find("exec"), nullptr);
}

TEST_F(BuildRegistryTest, ANameTakenTwiceIsNamed) {
  config_.activities = {shell("true")};
  const auto registry = build_registry(parts_, config_, {{"test", nothing}});
  ASSERT_FALSE(registry);
  EXPECT_NE(registry.error().message.find("test"), std::string::npos);
}

}  // namespace
}  // namespace berth::worker
