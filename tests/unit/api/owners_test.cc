#include <gtest/gtest.h>

#include "berth/api/session.h"
#include "berth/api/worker_config.h"

namespace berth::api {
namespace {

Slots slots_with(std::map<std::string, std::int64_t> owners) {
  Slots out;
  out.incarnation = Incarnation("inc-1");
  out.capacity[kSlot] = 4;
  out.used[kSlot] = 0;
  out.owners = std::move(owners);
  return out;
}

TEST(SlotsOwners, GoThereAndBack) {
  const auto parsed = Slots::parse(to_json(slots_with({{"a1", 2}, {"b2", 1}})));
  ASSERT_TRUE(parsed) << parsed.error().text();
  EXPECT_EQ(parsed->owners, (std::map<std::string, std::int64_t>{{"a1", 2}, {"b2", 1}}));
}

TEST(SlotsOwners, AreLeftOutWhenThereAreNone) {
  EXPECT_FALSE(to_json(slots_with({})).contains("owners"));
  EXPECT_TRUE(Slots::parse(to_json(slots_with({})))->owners.empty());
}

TEST(SlotsOwners, BeyondAThousandOnlyTheLargestAreTold) {
  std::map<std::string, std::int64_t> many = {{"large", 7}, {"larger", 9}};
  for (int i = 0; i < 2'000; ++i) {
    many["small-" + std::to_string(i)] = 1;
  }
  const auto parsed = Slots::parse(to_json(slots_with(many)));
  ASSERT_TRUE(parsed) << parsed.error().text();
  EXPECT_EQ(parsed->owners.size(), kMaxOwnersTold);
  EXPECT_EQ(parsed->owners.at("large"), 7);
  EXPECT_EQ(parsed->owners.at("larger"), 9);
}

TEST(SlotsOwners, OfABrokenWorkerAreRefused) {
  Json body = to_json(slots_with({{"a", 1}}));
  body["owners"]["a"] = "many";
  EXPECT_EQ(Slots::parse(body).error().field, "owners.a");
  for (int i = 0; i < 1'001; ++i) {
    body["owners"][std::to_string(i)] = 1;
  }
  EXPECT_EQ(Slots::parse(body).error().field, "owners");
}

TEST(MaxPerOwner, IsALimitOfThePool) {
  const Json body = {{"maxPerWorker", 4}, {"limits", {{"maxPerOwner", 3}}}};
  const auto spec = parse_sessions_spec(body, "spec.sessions");
  ASSERT_TRUE(spec) << spec.error().text();
  EXPECT_EQ(spec->max_per_owner, 3);
  const auto again = parse_sessions_spec(to_json(*spec), "");
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(*again, *spec);
  const auto bad = parse_sessions_spec({{"maxPerWorker", 4}, {"limits", {{"maxPerOwner", -1}}}},
                                       "spec.sessions");
  EXPECT_EQ(bad.error().field, "spec.sessions.limits.maxPerOwner");
}

TEST(MaxPerOwner, IsNotWrittenUnlessSet) {
  EXPECT_FALSE(to_json(SessionsSpec{})["limits"].contains("maxPerOwner"))
      << "workers of an earlier version would refuse it, and revisions would change";
}

}  // namespace
}  // namespace berth::api
