#include "gateway/placement/waiting_line.h"

#include <gtest/gtest.h>

namespace berth::gateway {
namespace {

using Taken = WaitingLine::Taken;

class WaitingLineTest : public ::testing::Test {
 protected:
  void join(std::uint64_t number, const api::Resources& shape = kPlain, bool present = true) {
    line_.join({.number = number,
                .id = api::SessionId("s" + std::to_string(number)),
                .shape = shape,
                .arrived = TimePoint(std::chrono::seconds(number)),
                .present = present});
  }
  /// The numbers served while `rule` takes what it takes.
  std::vector<std::uint64_t> serve(const std::function<Taken(const WaitingLine::Place&)>& rule) {
    std::vector<std::uint64_t> served;
    line_.offer([&](const WaitingLine::Place& place) {
      const Taken taken = rule(place);
      if (taken == Taken::kTaken) {
        served.push_back(place.number);
      }
      return taken;
    });
    return served;
  }
  /// Serves while slots are left.
  std::vector<std::uint64_t> serve(int slots) {
    return serve([&](const auto&) { return slots-- > 0 ? Taken::kTaken : Taken::kFitsNowhere; });
  }

  inline static const api::Resources kPlain{{api::kSlot, 1}};
  inline static const api::Resources kGpu{{api::kSlot, 1}, {"gpu", 1}};
  using Numbers = std::vector<std::uint64_t>;

  std::vector<std::size_t> sizes_;
  WaitingLine line_{{.max_per_shape = 3, .max_shapes = 2},
                    [this](std::size_t size) { sizes_.push_back(size); }};
};

TEST_F(WaitingLineTest, ServesInOrderOfArrivalAcrossShapes) {
  join(1);
  join(2, kGpu);
  join(3);
  EXPECT_EQ(serve(3), (Numbers{1, 2, 3}));
  EXPECT_TRUE(line_.empty());
}

TEST_F(WaitingLineTest, AShapeThatFitsNowhereDoesNotHoldUpTheOthers) {
  join(1, kGpu);
  join(2);
  join(3, kGpu);
  join(4);
  EXPECT_EQ(serve([](const auto& place) {
              return place.shape.contains("gpu") ? Taken::kFitsNowhere : Taken::kTaken;
            }),
            (Numbers{2, 4}));
  EXPECT_EQ(line_.size(), 2U);
}

TEST_F(WaitingLineTest, NobodyOvertakesWithinAShape) {
  join(1);
  join(2);
  EXPECT_EQ(serve([](const auto& place) {
              return place.number == 1 ? Taken::kFitsNowhere : Taken::kTaken;
            }),
            Numbers{});
}

TEST_F(WaitingLineTest, OneThatCannotUseWhatThereIsLetsTheNextTry) {
  join(1);
  join(2);
  EXPECT_EQ(
      serve([](const auto& place) { return place.number == 1 ? Taken::kPassOn : Taken::kTaken; }),
      (Numbers{2}));
  EXPECT_EQ(line_.size(), 1U);
}

TEST_F(WaitingLineTest, AnAbsentPlaceIsPassedOverAndKept) {
  join(1);
  join(2);
  line_.set_present(1, false);
  EXPECT_EQ(serve(1), (Numbers{2}));
  join(3);
  line_.set_present(1, true);
  EXPECT_EQ(serve(1), (Numbers{1}));
}

TEST_F(WaitingLineTest, WhoComesBackWithItsNumberStandsWhereItStood) {
  join(1);
  join(2);
  EXPECT_EQ(serve(1), (Numbers{1}));
  join(1);
  EXPECT_EQ(serve(2), (Numbers{1, 2}));
}

TEST_F(WaitingLineTest, IsBoundedPerShapeAndInShapes) {
  join(1);
  join(2);
  join(3);
  ASSERT_FALSE(line_.room_for(kPlain));
  EXPECT_EQ(line_.room_for(kPlain).error().reason, "LineFull");
  EXPECT_TRUE(line_.room_for(kPlain).error().retry_after.has_value());
  EXPECT_TRUE(line_.room_for(kGpu));
  join(4, kGpu);
  EXPECT_FALSE(line_.room_for({{api::kSlot, 1}, {"disk", 1}}));
}

TEST_F(WaitingLineTest, AnAbsentPlaceTakesRoom) {
  join(1, kPlain, false);
  join(2, kPlain, false);
  join(3, kPlain, false);
  EXPECT_FALSE(line_.room_for(kPlain));
  EXPECT_FALSE(line_.anybody_present(kPlain));
}

TEST_F(WaitingLineTest, ListsTheOldestFirstWithTheirAge) {
  join(5);
  join(4, kGpu);
  join(6, kPlain, false);
  const auto list = line_.list(TimePoint(std::chrono::seconds(10)), 2);
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0].id.str(), "s4");
  EXPECT_EQ(list[0].resources, kGpu);
  EXPECT_EQ(list[0].age, std::chrono::seconds(6));
  EXPECT_EQ(list[1].id.str(), "s5");
}

TEST_F(WaitingLineTest, TellsEachChangeOfWhoWaitsOnce) {
  join(1);
  join(1);
  join(2);
  line_.set_present(1, false);
  line_.leave(1);
  line_.leave(1);
  serve(1);
  EXPECT_EQ(sizes_, (std::vector<std::size_t>{1, 2, 1, 0}));
}

}  // namespace
}  // namespace berth::gateway
