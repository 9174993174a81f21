#include "cli/session/list_command.h"

#include <gtest/gtest.h>

namespace berth::cli {
namespace {

Json session(const std::string& id, const std::string& ns, const std::string& pool) {
  return {{"id", id},
          {"namespace", ns},
          {"pool", pool},
          {"state", "Open"},
          {"owner", "anna"},
          {"worker", {{"name", pool + "-0"}, {"address", "10.0.0.2:7600"}}},
          {"activitiesRunning", 1},
          {"leaseSecondsRemaining", 18.4},
          {"executionSecondsRemaining", 3000},
          {"ageSeconds", 65},
          {"diskBytes", 2048},
          {"resources", {{"gpu", 1}}}};
}

TEST(SessionsTable, OfOnePool) {
  EXPECT_EQ(sessions_table(Json::array({session("s1", "team", "p")}), false, false).text(),
            "SESSION  STATE  WORKER  OWNER  ACTIVITIES  LEASE  AGE\n"
            "s1       Open   p-0     anna   1           18s    65s\n");
}

TEST(SessionsTable, OfManyPoolsAndWide) {
  EXPECT_EQ(
      sessions_table({session("s1", "team", "p"), session("s2", "team", "q")}, true, true).text(),
      "SESSION  POOL  STATE  WORKER  OWNER  ACTIVITIES  LEASE  AGE  TIME LEFT  DISK   RESOURCES  "
      "ADDRESS\n"
      "s1       p     Open   p-0     anna   1           18s    65s  50m        2.0Ki  gpu=1      "
      "10.0.0.2:7600\n"
      "s2       q     Open   q-0     anna   1           18s    65s  50m        2.0Ki  gpu=1      "
      "10.0.0.2:7600\n");
}

TEST(SessionsTable, OfManyNamespacesNamesThem) {
  const std::string text =
      sessions_table({session("s1", "a", "p"), session("s2", "b", "p")}, true, false).text();
  EXPECT_NE(text.find("a/p"), std::string::npos);
  EXPECT_NE(text.find("b/p"), std::string::npos);
}

TEST(SessionsTable, WhatIsMissingIsADash) {
  EXPECT_EQ(sessions_table(Json::array({{{"id", "s1"}, {"state", "Open"}}}), false, false).text(),
            "SESSION  STATE  WORKER  OWNER  ACTIVITIES  LEASE  AGE\n"
            "s1       Open           -      -           -      -\n");
}

}  // namespace
}  // namespace berth::cli
