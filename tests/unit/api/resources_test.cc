#include "berth/api/resources.h"

#include <gtest/gtest.h>

namespace berth::api {
namespace {

std::string resources_error(const Json& j) {
  const auto r = parse_resources(j, "resources");
  return r ? "" : r.error().text();
}

TEST(ParseResources, ReadsBackWhatWasWritten) {
  const Resources r = {{"gpu", 2}, {"nvidia.com-a100", 0}};
  EXPECT_EQ(parse_resources(to_json(r), "resources"), r);
  EXPECT_EQ(to_json(Resources{}), Json::object());
}

TEST(ParseResources, NamesTheWrongAmount) {
  EXPECT_EQ(resources_error({{"gpu", -1}}),
            "InvalidArgument: resources.gpu: must be between 0 and 1000000, is -1");
  EXPECT_EQ(resources_error({{"gpu", 1'000'001}}),
            "InvalidArgument: resources.gpu: must be between 0 and 1000000, is 1000001");
  EXPECT_EQ(resources_error({{"gpu", 1.5}}), "InvalidArgument: resources.gpu: must be an integer");
  EXPECT_EQ(resources_error({{"gpu", nullptr}}), "InvalidArgument: resources.gpu: is required");
}

TEST(ParseResources, RefusesNamesThatCannotBeLabels) {
  for (const char* bad : {"", "GPU", ".gpu", "-gpu", "a/b", "a b"}) {
    EXPECT_NE(resources_error({{bad, 1}}).find("is no resource name"), std::string::npos) << bad;
  }
  EXPECT_EQ(resources_error({{std::string(63, 'a'), 1}}), "");
  EXPECT_NE(resources_error({{std::string(64, 'a'), 1}}), "");
}

TEST(ParseResources, RefusesMoreThanSixteen) {
  Json j = Json::object();
  for (int i = 0; i < 16; ++i) {
    j["r" + std::to_string(i)] = 1;
  }
  EXPECT_EQ(resources_error(j), "");
  j["r16"] = 1;
  EXPECT_EQ(resources_error(j),
            "InvalidArgument: resources: must have at most 16 resources, has 17");
}

TEST(ParseResources, RefusesAList) {
  EXPECT_EQ(resources_error(Json::array()), "InvalidArgument: resources: must be an object");
}

TEST(ShortOf, TellsTheFirstResourceThatDoesNotFit) {
  const Resources capacity = {{"gpu", 2}, {kSlot, 4}};
  EXPECT_EQ(short_of(capacity, {{kSlot, 3}}, {{kSlot, 1}, {"gpu", 2}}), "");
  EXPECT_EQ(short_of(capacity, {{"gpu", 1}}, {{kSlot, 1}, {"gpu", 2}}), "gpu");
  EXPECT_EQ(short_of(capacity, {{kSlot, 4}}, {{kSlot, 1}}), "session");
}

TEST(ShortOf, TakesAMissingCapacityForZero) {
  EXPECT_EQ(short_of({{kSlot, 1}}, {}, {{"fpga", 1}}), "fpga");
  EXPECT_TRUE(fits({{kSlot, 1}}, {}, {{"fpga", 0}}));
}

TEST(AddTo, IsUndoneBySubtractFrom) {
  Resources total = {{kSlot, 1}};
  add_to(total, {{kSlot, 1}, {"gpu", 2}});
  EXPECT_EQ(total, (Resources{{kSlot, 2}, {"gpu", 2}}));
  subtract_from(total, {{kSlot, 1}, {"gpu", 2}});
  EXPECT_EQ(total, (Resources{{kSlot, 1}, {"gpu", 0}}));
}

}  // namespace
}  // namespace berth::api
