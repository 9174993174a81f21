#include "berth/api/worker_address.h"

#include <gtest/gtest.h>

namespace berth::api {
namespace {

TEST(WorkerPort, AnotherContainersPortOfTheSameNameIsNotTheWorkers) {
  const Json pod = {
      {"spec",
       {{"containers",
         {{{"name", "app"}, {"ports", {{{"name", "sessions"}, {"containerPort", 80}}}}},
          {{"name", "berth-worker"},
           {"ports", {{{"name", "sessions"}, {"containerPort", 7700}}}}}}}}}};
  EXPECT_EQ(worker_port(pod), 7700);
}

TEST(WorkerPort, IsTheDefaultWhereThePodDoesNotSay) {
  EXPECT_EQ(worker_port(Json::object()), 7600);
  EXPECT_EQ(worker_port({{"spec", {{"containers", "none"}}}}), 7600);
}

TEST(WorkerOrigin, BracketsIpv6AndIsEmptyWithoutAnAddress) {
  EXPECT_EQ(worker_origin("10.1.2.3", 7600), "http://10.1.2.3:7600");
  EXPECT_EQ(worker_origin("fd00::1", 7600), "http://[fd00::1]:7600");
  EXPECT_EQ(worker_origin("", 7600), "");
}

TEST(WorkerOrigin, IsHttpsWhereThePodSaysSo) {
  const auto annotated = [](const char* value) {
    return worker_speaks_tls({{"metadata", {{"annotations", {{"berth.dev/tls", value}}}}}});
  };
  EXPECT_TRUE(annotated("true"));
  EXPECT_FALSE(annotated("false"));
  EXPECT_FALSE(worker_speaks_tls(Json::object()));
  EXPECT_EQ(worker_origin("10.1.2.3", 7600, true), "https://10.1.2.3:7600");
  EXPECT_EQ(worker_origin("10.1.2.3:7600"), "http://10.1.2.3:7600");
  EXPECT_EQ(worker_origin("https://[fd00::1]:7600"), "https://[fd00::1]:7600");
}

TEST(WorkerServerName, IsOnePerNamespaceAndOnlyForHttps) {
  EXPECT_EQ(worker_server_name("team-a"), "workers.team-a.berth");
  EXPECT_EQ(worker_server_name("team-a", false), "");
  EXPECT_EQ(worker_server_name_at("https://10.1.2.3:7600", "team-a"), "workers.team-a.berth");
  EXPECT_EQ(worker_server_name_at("http://10.1.2.3:7600", "team-a"), "");
}

}  // namespace
}  // namespace berth::api
