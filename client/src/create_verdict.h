#pragma once

#include "berth/client/error.h"
#include "berth/http/message.h"

namespace berth::client {

/// What an answer to a create means for the caller, who has time left.
struct CreateVerdict {
  enum class Next {
    kOpened,
    kSameGateway,  ///< At once: our place in line is kept there.
    kNextGateway,  ///< This one cannot, another may.
    kLater,        ///< Answered, but not now: busy, line full.
    kNewId,        ///< The session that this id named is over already; one of our own making.
    kGiveUp,
  };
  Next next = Next::kGiveUp;
  ClientError error;  ///< For kGiveUp the answer; else what to say if time runs out.
};

struct CreateFacts {
  bool recreate = false;    ///< With a recreate token: that worker and no other.
  bool id_is_ours = false;  ///< Random, so another is as good.
};
CreateVerdict judge_create(const Result<http::Response>& result, const CreateFacts& facts);

}  // namespace berth::client
