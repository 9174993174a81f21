#include "berth/base/open_files.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace berth {
namespace {

TEST(OpenFiles, TheSoftLimitIsRaisedToWhatTheProcessMayHave) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit low = before;
  low.rlim_cur = 100;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  EXPECT_EQ(open_file_limit(), 100u);
  raise_open_file_limit();
  EXPECT_EQ(open_file_limit(), std::min<rlim_t>(before.rlim_max, 1u << 20));
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace berth
