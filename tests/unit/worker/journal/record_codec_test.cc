#include "worker/journal/record_codec.h"

#include <gtest/gtest.h>

namespace berth::worker {
namespace {

std::vector<Record> one_of_each() {
  const api::SessionId s("s-1");
  const api::ActivityId a("a-1");
  const TimePoint t(Duration(123456789));
  ActivityFinishedRecord finished;
  finished.session = s;
  finished.activity = a;
  finished.state = api::ActivityState::kTimedOut;
  finished.result = R"({"x":[1,2]})";
  finished.failure_type = "Timeout";
  finished.failure_message = std::string("nul \0 inside", 12);
  finished.failure_retryable = true;
  finished.exit_status = 137;
  finished.stdout_base64 = "aGk=";
  finished.stderr_tail = "oops";
  finished.runtime = Duration(5);
  return {SessionOpenedRecord{s,
                              "hash",
                              "owner",
                              {{"gpu", 2}, {"session", 1}},
                              Duration(7),
                              t,
                              WallTime(Duration(-3)),
                              t,
                              api::SessionId("held")},
          SessionEndingRecord{s, api::EndReason::kIdleTimeout, Duration(60)},
          SessionEndedRecord{s, api::EndReason::kDrainDeadline, t, t},
          EndedSession{s,
                       "hash",
                       "owner",
                       {{"session", 1}},
                       api::EndReason::kHostRestarted,
                       t,
                       WallTime{},
                       t,
                       std::nullopt},
          CordonRecord{42, true, t},
          RetiredRecord{},
          ActivityAcceptedRecord{s, a, "type"},
          ActivityGroupRecord{s, a, 4711},
          ActivityRejectedRecord{s, a},
          finished,
          ActivityForgottenRecord{s, a}};
}

TEST(RecordCodec, EveryKindOfRecordComesBackAsItWas) {
  const auto records = one_of_each();
  ASSERT_EQ(records.size(), std::variant_size_v<Record>);
  for (const Record& record : records) {
    const auto back = decode_record(encode_record(record));
    ASSERT_TRUE(back) << record.index() << ": " << back.error().text();
    EXPECT_EQ(*back, record) << record.index();
  }
}

TEST(RecordCodec, ACutOrLengthenedRecordIsAnErrorNotACrash) {
  for (const Record& record : one_of_each()) {
    const std::string bytes = encode_record(record);
    for (std::size_t n = 0; n < bytes.size(); ++n) {
      EXPECT_FALSE(decode_record(std::string_view(bytes).substr(0, n)))
          << record.index() << " cut at " << n;
    }
    EXPECT_FALSE(decode_record(bytes + "x"));
  }
}

TEST(RecordCodec, AnUnknownKindIsAnError) {
  EXPECT_FALSE(decode_record(std::string(1, '\x7f')));
  EXPECT_FALSE(decode_record(std::string(1, '\xff')));
}

TEST(RecordCodec, ALengthThatPretendsToBeHugeIsAnError) {
  std::string bytes =
      encode_record(ActivityRejectedRecord{api::SessionId("s"), api::ActivityId("a")});
  for (std::size_t i = 1; i < 9; ++i) {
    bytes[i] = '\xff';
  }
  EXPECT_FALSE(decode_record(bytes));
}

// The table would count the first amount and the client have been promised the second.
TEST(RecordCodec, AResourceNamedTwiceOrOutOfOrderIsAnError) {
  SessionOpenedRecord record;
  record.id = api::SessionId("s");
  record.resources = {{"gpu", 1}, {"tpu", 1}};
  const std::string bytes = encode_record(record);
  for (const std::string name : {"gpu", "abc"}) {
    EXPECT_FALSE(decode_record(std::string(bytes).replace(bytes.find("tpu"), 3, name))) << name;
  }
}

TEST(RecordCodec, ANegativeNumberOfResourcesIsAnError) {
  EndedSession record;
  record.id = api::SessionId("s");
  std::string bytes = encode_record(record);
  // Kind, three texts' lengths with the id's one byte, then the count.
  bytes.replace(1 + 8 + 1 + 8 + 8, 8, 8, '\xff');
  EXPECT_FALSE(decode_record(bytes));
}

}  // namespace
}  // namespace berth::worker
