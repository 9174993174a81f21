#include "berth/base/memory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

namespace berth {
namespace {

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // They bring their own malloc.

double resident_megabytes() {
  double size = 0;
  double resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1e6;
}

TEST(Memory, APeakIsGivenBackThoughSomethingMadeDuringItLivesOn) {
  constexpr std::size_t kBlocks = 100'000;
  std::vector<std::string> peak;
  peak.reserve(kBlocks);
  for (std::size_t i = 0; i < kBlocks; ++i) {
    peak.emplace_back(500, 'x');
  }
  const auto lives_on = std::make_unique<std::string>(500, 'y');
  const double at_peak = resident_megabytes();
  peak = {};
  release_free_memory();
  EXPECT_LT(resident_megabytes(), at_peak - 40);
  EXPECT_EQ(lives_on->front(), 'y');
}

#endif

TEST(Memory, MayBeReleasedAtAnyTime) {
  release_free_memory();
  release_free_memory();
}

}  // namespace
}  // namespace berth
