#include "client/src/create_verdict.h"

#include <gtest/gtest.h>

#include "tests/unit/client/core_fixture.h"

namespace berth::client {
namespace {

using Next = CreateVerdict::Next;

struct Case {
  int status;
  const char* code;
  Next next;
  ErrorKind kind;
};

void expect(const Case& c, CreateFacts facts) {
  const auto verdict = judge_create(error_answer(c.status, c.code, "words"), facts);
  EXPECT_EQ(verdict.next, c.next) << c.status << " " << c.code;
  EXPECT_EQ(verdict.error.kind, c.kind) << c.status << " " << c.code;
}

TEST(CreateVerdict, OpensOnFirstAnswerAndRepeat) {
  EXPECT_EQ(judge_create(created_answer("s"), {}).next, Next::kOpened);
  EXPECT_EQ(judge_create(http::Response::json(200, "{}"), {}).next, Next::kOpened);
}

TEST(CreateVerdict, AnswersOfAGateway) {
  constexpr auto kTimeout = ErrorKind::kCreationTimeout;
  for (const Case& c : {
           Case{503, "StillWaiting", Next::kSameGateway, kTimeout},
           Case{503, "ShuttingDown", Next::kNextGateway, kTimeout},
           Case{502, "Unavailable", Next::kNextGateway, kTimeout},
           Case{500, "Internal", Next::kNextGateway, kTimeout},
           Case{429, "LineFull", Next::kLater, kTimeout},
           Case{409, "Superseded", Next::kLater, kTimeout},
           Case{504, "CreationTimeout", Next::kGiveUp, kTimeout},
           Case{404, "PoolNotFound", Next::kGiveUp, ErrorKind::kPoolNotFound},
           Case{409, "PoolDeleting", Next::kGiveUp, ErrorKind::kPoolNotFound},
           Case{400, "InvalidArgument", Next::kGiveUp, ErrorKind::kInvalidArgument},
           Case{409, "SessionIdTaken", Next::kGiveUp, ErrorKind::kInvalidArgument},
           Case{409, "IdInUse", Next::kGiveUp, ErrorKind::kInvalidArgument},
           Case{410, "SessionEnded", Next::kGiveUp, ErrorKind::kInvalidArgument},
           Case{401, "Unauthenticated", Next::kGiveUp, ErrorKind::kUnauthenticated},
           Case{403, "PermissionDenied", Next::kGiveUp, ErrorKind::kPermissionDenied},
       }) {
    expect(c, {});
  }
}

TEST(CreateVerdict, AnEndedIdOfOurOwnMakingIsReplaced) {
  expect({410, "SessionEnded", Next::kNewId, ErrorKind::kCreationTimeout},
         {.recreate = false, .id_is_ours = true});
}

TEST(CreateVerdict, ARecreateEndsAtOnceWhenItsWorkerTakesNoMore) {
  const CreateFacts recreate{.recreate = true, .id_is_ours = true};
  for (const char* code : {"Cordoned", "Draining", "Retired"}) {
    expect({503, code, Next::kGiveUp, ErrorKind::kWorkerGone}, recreate);
    expect({503, code, Next::kNextGateway, ErrorKind::kCreationTimeout}, {});
  }
  expect({410, "WorkerGone", Next::kGiveUp, ErrorKind::kWorkerGone}, recreate);
  expect({409, "WrongWorker", Next::kGiveUp, ErrorKind::kWorkerGone}, recreate);
  expect({429, "NoFreeSlot", Next::kLater, ErrorKind::kCreationTimeout}, recreate);
}

TEST(CreateVerdict, SilenceMeansTheNextGateway) {
  for (const ErrorCode code : {ErrorCode::kUnavailable, ErrorCode::kDeadlineExceeded}) {
    const Result<http::Response> none = berth::fail(Error::make(code, "", "no answer"));
    EXPECT_EQ(judge_create(none, {}).next, Next::kNextGateway);
  }
}

}  // namespace
}  // namespace berth::client
