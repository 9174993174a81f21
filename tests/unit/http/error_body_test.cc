#include <gtest/gtest.h>

#include "berth/base/json.h"
#include "berth/http/server.h"

namespace berth::http {
namespace {
using namespace std::chrono_literals;

TEST(ErrorBody, EveryCodeHasItsStatus) {
  using enum ErrorCode;
  const std::pair<ErrorCode, int> all[] = {{kInvalidArgument, 400},
                                           {kUnauthenticated, 401},
                                           {kPermissionDenied, 403},
                                           {kNotFound, 404},
                                           {kAlreadyExists, 409},
                                           {kConflict, 409},
                                           {kGone, 410},
                                           {kCancelled, 499},
                                           {kUnavailable, 503},
                                           {kResourceExhausted, 429},
                                           {kDeadlineExceeded, 504},
                                           {kUnimplemented, 501},
                                           {kInternal, 500}};
  for (const auto& [code, status] : all) {
    EXPECT_EQ(http_status(code), status) << to_string(code);
  }
}

TEST(ErrorBody, CarriesCodeMessageFieldAndRetryAfter) {
  Error error = Error::make(ErrorCode::kResourceExhausted, "NoFreeSlot", "all 4 slots are used");
  error.field = "gpu";
  error.retry_after = 1500ms;
  const Response response = error_response(error);
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(response.headers.get("Retry-After"), "2");
  EXPECT_EQ(response.headers.get("Content-Type"), "application/json");
  const auto json = parse_json(response.body);
  ASSERT_TRUE(json);
  EXPECT_EQ(get_string(*json, "code"), "NoFreeSlot");
  EXPECT_EQ(get_string(*json, "message"), "all 4 slots are used");
  EXPECT_EQ(get_string(*json, "field"), "gpu");
  EXPECT_EQ((*json)["retryAfterSeconds"], 1.5);
}

TEST(ErrorBody, ABodyThatIsTooLargeIs413) {
  EXPECT_EQ(error_response(Error::make(ErrorCode::kInvalidArgument, "TooLarge", "")).status, 413);
}

TEST(ErrorBody, AnErrorSurvivesTheWayThere) {
  Error full = Error::make(ErrorCode::kUnavailable, "Cordoned", "no");
  full.field = "f";
  full.retry_after = 250ms;
  for (const Error& error :
       {full, Error::invalid("spec.x", "bad"), Error::make(ErrorCode::kAlreadyExists, "", "a"),
        Error::make(ErrorCode::kConflict, "", "c"),
        Error::make(ErrorCode::kDeadlineExceeded, "", "d"),
        Error::make(ErrorCode::kGone, "SessionEnded", "e"), Error::internal("i"),
        Error::make(ErrorCode::kInvalidArgument, "TooLarge", "t")}) {
    EXPECT_EQ(error_from_response(error_response(error)), error) << error.text();
  }
}

TEST(ErrorBody, AForeignBodyGivesStatusAndItsBeginning) {
  const Error error = error_from_response(Response::text(502, std::string(500, 'x')));
  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
  EXPECT_EQ(error.message, "the server answered 502: " + std::string(200, 'x'));
  EXPECT_EQ(error_from_response(Response::text(404, "")).code, ErrorCode::kNotFound);
  EXPECT_EQ(error_from_response(Response::json(500, "[1]")).code, ErrorCode::kInternal);
  EXPECT_EQ(error_from_response(Response::json(400, R"({"code":7})")).code,
            ErrorCode::kInvalidArgument);
}

TEST(ErrorBody, ReadsRetryAfterOfOthers) {
  Response response = Response::text(429, "");
  response.headers.set("Retry-After", "7");
  EXPECT_EQ(error_from_response(response).retry_after, 7s);
  response.headers.set("Retry-After", "Fri, 31 Dec 1999 23:59:59 GMT");
  EXPECT_EQ(error_from_response(response).retry_after, std::nullopt);
  EXPECT_EQ(error_from_response(Response::json(503, R"({"code":"x","retryAfterSeconds":1e300})"))
                .retry_after,
            24h);
  EXPECT_EQ(error_from_response(Response::json(503, R"({"code":"x","retryAfterSeconds":-1})"))
                .retry_after,
            std::nullopt);
}

}  // namespace
}  // namespace berth::http
