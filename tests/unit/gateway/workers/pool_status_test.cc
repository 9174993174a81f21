#include "gateway/workers/pool_status.h"

#include <gtest/gtest.h>

#include "berth/base/utf8.h"

namespace berth::gateway {
namespace {

TEST(PoolStatus, ReadsWhatTheOperatorWrites) {
  const PoolStatus status = PoolStatus::from_json(Json::parse(R"({
    "workers": {"desired": 3},
    "lastScale": {"time": "2026-01-02T03:04:05Z", "from": 1, "to": 3, "reason": "two more"},
    "conditions": [{"type": "Ready", "status": "True", "reason": "SlotsFree", "message": "m"},
                   {"type": "Degraded", "status": "False", "reason": "AllWell", "message": ""}]})"));
  EXPECT_EQ(status.desired, 3);
  EXPECT_EQ(status.last_scale, (PoolStatus::Scale{"2026-01-02T03:04:05Z", 1, 3, "two more"}));
  ASSERT_EQ(status.conditions.size(), 2U);
  EXPECT_EQ(status.conditions[0], (PoolStatus::Condition{"Ready", true, "SlotsFree", "m"}));
  EXPECT_FALSE(status.conditions[1].is_true);
}

TEST(PoolStatus, WhatIsMissingOrOddIsLeftOut) {
  for (const char* odd :
       {"null", "7", "{}", R"({"conditions": 7, "lastScale": "x", "workers": []})"}) {
    EXPECT_EQ(PoolStatus::from_json(Json::parse(odd)), PoolStatus()) << odd;
  }
  EXPECT_EQ(PoolStatus::from_json(Json::parse(R"({"conditions": [7]})")).conditions.size(), 1U);
}

TEST(PoolStatus, IsBounded) {
  std::string message;
  while (message.size() < 2'000) {
    message += "a\u00e4\u20ac";
  }
  Json status = {{"conditions", Json::array()}};
  for (int i = 0; i < 100; ++i) {
    status["conditions"].push_back({{"type", "T"}, {"message", message}});
  }
  const PoolStatus read = PoolStatus::from_json(status);
  EXPECT_EQ(read.conditions.size(), 16U);
  EXPECT_LE(read.conditions[0].message.size(), 503U);
  EXPECT_TRUE(is_utf8(read.conditions[0].message)) << "not cut inside a character";
}

}  // namespace
}  // namespace berth::gateway
