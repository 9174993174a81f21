#include "temporal/creation/creator.h"

#include <gmock/gmock.h>

#include "temporal/session/hosted_session.h"
#include "tests/unit/temporal/fixture.h"

namespace berth::temporal {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

class CreatorTest : public TemporalTest {
 protected:
  void SetUp() override { start({.queue = kRequests}); }
  void start(Creator::Settings settings) {
    creator.reset();
    service.cut_off = 0;
    creator = std::make_unique<Creator>(
        loop, service, pool, answers, random, metrics, std::move(settings),
        Creator::Hooks{.open = [this] { return bound.size(); },
                       .bound =
                           [this](const ActivityTask& task, std::unique_ptr<HeldSession> held) {
                             bound.push_back(task.token + " on " + held->handle().id);
                             kept.push_back(std::move(held));
                           }},
        Log());
    creator->start();
    loop.run_ready();
  }
  void request(const std::string& token) {
    EXPECT_TRUE(service.give(kRequests, task_of(std::string(kCreationActivity), token, "id")));
    loop.run_ready();
  }
  /// The pool is full, and a request has shown it.
  void fill() {
    request("r1");
    loop.advance(seconds(3));
    ASSERT_THAT(kinds(), ElementsAre("failed r1"));
    service.outcomes.clear();
    ASSERT_TRUE(service.give_nothing(kRequests));  // The poll that was on its way.
    loop.run_ready();
    ASSERT_EQ(service.polls(kRequests), 0u);
    ASSERT_EQ(pool.waiting(), 1u);
  }

  std::unique_ptr<Creator> creator;
  std::vector<std::string> bound;
  std::vector<std::unique_ptr<HeldSession>> kept;
};

TEST_F(CreatorTest, ARequestGetsAFreeSlotAtOnce) {
  pool.free = 1;
  request("r1");
  EXPECT_THAT(bound, ElementsAre("r1 on s1"));
  EXPECT_THAT(kinds(), IsEmpty());
  EXPECT_EQ(service.polls(kRequests), 1u) << "the next request may come";
}

TEST_F(CreatorTest, WithoutRequestsNoSlotIsTaken) {
  loop.advance(minutes(5));
  EXPECT_EQ(pool.waiting(), 0u);
  EXPECT_EQ(pool.sessions(), 0u);
  EXPECT_EQ(service.counted_queue, kRequests);
}

TEST_F(CreatorTest, ASlotThatComesSoonIsWaitedFor) {
  request("r1");
  loop.advance(seconds(2));
  pool.give_slot();
  loop.run_ready();
  EXPECT_THAT(bound, ElementsAre("r1 on s1"));
  loop.advance(seconds(10));
  EXPECT_THAT(kinds(), IsEmpty());
}

TEST_F(CreatorTest, ARequestWithoutASlotGoesBackAndKeepsItsPlaceInLine) {
  request("r1");
  loop.advance(seconds(3));
  ASSERT_THAT(kinds(), ElementsAre("failed r1"));
  EXPECT_EQ(service.outcomes[0].failure.type, "NoFreeSlot");
  EXPECT_FALSE(service.outcomes[0].failure.non_retryable);
  EXPECT_EQ(service.outcomes[0].failure.next_retry, Duration(seconds(1)));
  EXPECT_EQ(pool.waiting(), 1u);
}

TEST_F(CreatorTest, AShortHeartbeatTimeoutShortensTheWait) {
  ActivityTask task = task_of(std::string(kCreationActivity), "r1", "id");
  task.heartbeat_timeout = seconds(2);
  service.give(kRequests, task);
  loop.advance(seconds(1));
  EXPECT_THAT(kinds(), ElementsAre("failed r1"));
}

TEST_F(CreatorTest, WhileThePoolIsFullRequestsAreTakenOnlyForSlotsThatAreThere) {
  fill();
  loop.advance(seconds(5));
  EXPECT_EQ(service.polls(kRequests), 0u);
  pool.give_slot();
  loop.run_ready();
  EXPECT_EQ(service.polls(kRequests), 1u + 1u) << "one for it, and requests come first again";
  request("r1-again");
  EXPECT_THAT(bound, ElementsAre("r1-again on s1"));
  EXPECT_THAT(kinds(), IsEmpty());
}

TEST_F(CreatorTest, ARequestOnAPollFromBeforeGoesBackAtOnce) {
  request("r1");
  EXPECT_EQ(service.polls(kRequests), 1u);
  loop.advance(seconds(3));
  ASSERT_THAT(kinds(), ElementsAre("failed r1"));
  request("r1-again");
  EXPECT_THAT(kinds(), ElementsAre("failed r1", "failed r1-again"));
  EXPECT_EQ(service.polls(kRequests), 0u) << "now it can time out";
  EXPECT_EQ(pool.waiting(), 1u);
}

TEST_F(CreatorTest, ASlotThatOpensGoesToTheRequestThatWaitsLongest) {
  request("r1");
  request("r2");
  EXPECT_EQ(pool.waiting(), 2u);
  pool.give_slot();
  loop.run_ready();
  EXPECT_THAT(bound, ElementsAre("r1 on s1"));
}

TEST_F(CreatorTest, AsManyPlacesInLineAsRequestsWait) {
  fill();
  service.count = 5;
  loop.advance(seconds(1));
  EXPECT_EQ(pool.waiting(), 5u);
  service.count = 2;
  loop.advance(seconds(1));
  EXPECT_EQ(pool.waiting(), 2u);
  service.count = 0;
  loop.advance(seconds(1));
  EXPECT_EQ(pool.waiting(), 1u) << "the one that was handed back is known to come again";
  loop.advance(seconds(9));
  EXPECT_EQ(pool.waiting(), 0u);
  EXPECT_EQ(service.polls(kRequests), 1u);
}

TEST_F(CreatorTest, NoMoreThanTheMostSessions) {
  start({.queue = kRequests, .max_sessions = 3});
  fill();
  service.count = 50;
  loop.advance(seconds(1));
  EXPECT_EQ(pool.waiting(), 3u);
}

TEST_F(CreatorTest, ASlotForWhichNobodyComesIsGivenBackAndTheCountDoubted) {
  fill();
  service.count = 1;
  loop.advance(seconds(1));
  const auto slot = pool.give_slot();
  loop.advance(seconds(10));
  EXPECT_THAT(slot->completed, IsEmpty());
  loop.advance(seconds(1));
  EXPECT_THAT(slot->completed, ElementsAre(Duration(0)));
  EXPECT_FALSE(slot->alive);
  loop.advance(seconds(30));
  EXPECT_EQ(pool.waiting(), 0u) << "the count still says 1";
  loop.advance(seconds(40));
  EXPECT_EQ(pool.waiting(), 1u);
}

TEST_F(CreatorTest, AFailedPollIsRepeatedAndTheSlotKept) {
  fill();
  const auto slot = pool.give_slot();
  loop.run_ready();
  while (service.fail_poll(kRequests, Error::make(ErrorCode::kUnavailable, "", "refused"))) {
    loop.run_ready();
  }
  EXPECT_THAT(slot->completed, IsEmpty());
  loop.advance(seconds(1));
  request("r1-again");
  EXPECT_THAT(bound, ElementsAre("r1-again on s1"));
}

TEST_F(CreatorTest, ASlotLostMeanwhileIsAskedForAgain) {
  fill();
  const auto slot = pool.give_slot();
  loop.run_ready();
  slot->lost(Error::make(ErrorCode::kUnavailable, "LeaseExpired", "gone"));
  EXPECT_FALSE(slot->alive);
  EXPECT_EQ(pool.waiting(), 1u);
  pool.give_slot();
  loop.run_ready();
  request("r1-again");
  EXPECT_THAT(bound, ElementsAre("r1-again on s2"));
}

TEST_F(CreatorTest, APoolThatRefusesIsAskedAgainWithPauses) {
  request("r1");
  pool.refuse(Error::make(ErrorCode::kNotFound, "PoolNotFound", "no pool files"));
  loop.advance(Duration(seconds(1)) / 2);
  EXPECT_EQ(pool.waiting(), 0u);
  EXPECT_THAT(kinds(), IsEmpty()) << "somebody may make the pool yet";
  loop.advance(seconds(3));
  EXPECT_EQ(pool.waiting(), 1u);
  EXPECT_THAT(kinds(), ElementsAre("failed r1"));
}

TEST_F(CreatorTest, ALineThatWasWaitedInForVeryLongIsJoinedAnew) {
  fill();
  service.count = 1;
  loop.advance(seconds(1));
  pool.refuse(Error::make(ErrorCode::kDeadlineExceeded, "CreationTimeout", "no slot in 10m"));
  loop.advance(seconds(6));
  EXPECT_EQ(pool.waiting(), 1u);
}

TEST_F(CreatorTest, OtherActivitiesOfThatQueueAreRefused) {
  service.give(kRequests, task_of("somebody-elses", "x"));
  loop.run_ready();
  ASSERT_THAT(kinds(), ElementsAre("failed x"));
  EXPECT_TRUE(service.outcomes[0].failure.non_retryable);
  EXPECT_EQ(pool.waiting(), 0u);
}

TEST_F(CreatorTest, StoppingTakesPlacesBackAndLetsPollsEnd) {
  fill();
  service.count = 3;
  loop.advance(seconds(1));
  pool.give_slot();
  loop.run_ready();
  creator->stop();
  EXPECT_EQ(pool.waiting(), 0u);
  EXPECT_EQ(pool.session(0)->completed.size(), 1u);
  EXPECT_FALSE(creator->idle());
  EXPECT_EQ(service.cut_off, 0);
  request("late");
  EXPECT_THAT(bound, IsEmpty());
  EXPECT_THAT(kinds(), ElementsAre("failed late"));
  EXPECT_FALSE(service.outcomes[0].failure.non_retryable) << "another process is to serve it";
  while (service.give_nothing(kRequests)) {
    loop.run_ready();
  }
  EXPECT_TRUE(creator->idle());
}

TEST_F(CreatorTest, AfterStoppingItIsStillSeenWhetherTemporalAnswers) {
  service.count = fail(Error::make(ErrorCode::kUnavailable, "", "refused"));
  loop.advance(seconds(1));
  creator->stop();
  EXPECT_EQ(metrics.temporal_up.value(), 0);
  service.count = 5;
  loop.advance(seconds(1));
  EXPECT_EQ(metrics.temporal_up.value(), 1);
  EXPECT_EQ(pool.waiting(), 0u);
}

TEST_F(CreatorTest, StoppingHandsBackWhatWaitsForItsSlot) {
  request("r1");
  creator->stop();
  EXPECT_EQ(pool.waiting(), 0u);
  loop.run_ready();
  EXPECT_THAT(kinds(), ElementsAre("failed r1"));
}

TEST_F(CreatorTest, IsConnectedWhileTheQueueCanBeSeen) {
  EXPECT_TRUE(creator->connected());
  service.count = fail(Error::make(ErrorCode::kUnavailable, "", "refused"));
  loop.advance(seconds(1));
  EXPECT_FALSE(creator->connected());
  EXPECT_EQ(metrics.temporal_up.value(), 0);
  service.count = 0;
  loop.advance(seconds(1));
  EXPECT_TRUE(creator->connected());
}

}  // namespace
}  // namespace berth::temporal
