#include "worker/service/disk_metrics.h"

#include <gtest/gtest.h>
#include <sys/statvfs.h>

#include <cstdlib>

#include "tests/fakes/manual_loop.h"
#include "tests/fakes/temp_dir.h"

namespace berth::worker {
namespace {
using namespace std::chrono_literals;

double value_of(const Metrics& metrics, const std::string& series) {
  const std::string text = metrics.text();
  const auto at = text.find("\n" + series + " ");
  return at == std::string::npos ? -1 : std::atof(text.c_str() + at + series.size() + 2);
}

TEST(DiskMetrics, ShowsTheRoomOfEachVolume) {
  fakes::ManualLoop loop;
  Metrics metrics;
  const fakes::TempDir folder;
  const DiskMetrics disk(loop, metrics, {{"sessions", folder.path()}, {"state", "/proc"}});
  struct statvfs real {};
  ASSERT_EQ(::statvfs(folder.path().c_str(), &real), 0);
  const double size = static_cast<double>(real.f_blocks) * static_cast<double>(real.f_frsize);
  EXPECT_NEAR(value_of(metrics, "berth_worker_disk_size_bytes{volume=\"sessions\"}"), size,
              size / 1e5);
  const double free = value_of(metrics, "berth_worker_disk_free_bytes{volume=\"sessions\"}");
  EXPECT_GT(free, 0);
  EXPECT_LE(free, size);
  EXPECT_EQ(value_of(metrics, "berth_worker_disk_size_bytes{volume=\"state\"}"), 0);
}

TEST(DiskMetrics, VolumesInOneFolderAreBothShown) {
  fakes::ManualLoop loop;
  Metrics metrics;
  const fakes::TempDir folder;
  const DiskMetrics disk(loop, metrics, {{"sessions", folder.path()}, {"state", folder.path()}});
  EXPECT_GT(value_of(metrics, "berth_worker_disk_size_bytes{volume=\"sessions\"}"), 0);
  EXPECT_GT(value_of(metrics, "berth_worker_disk_size_bytes{volume=\"state\"}"), 0);
}

TEST(DiskMetrics, LooksAgainAndAFolderThatIsGoneKeepsItsLastValues) {
  fakes::ManualLoop loop;
  Metrics metrics;
  const fakes::TempDir above;
  const auto folder = above.path() / "later";
  const DiskMetrics disk(loop, metrics, {{"sessions", folder}});
  const std::string series = "berth_worker_disk_size_bytes{volume=\"sessions\"}";
  EXPECT_EQ(value_of(metrics, series), 0);
  std::filesystem::create_directory(folder);
  loop.advance(14s);
  EXPECT_EQ(value_of(metrics, series), 0);
  loop.advance(1s);
  const double size = value_of(metrics, series);
  EXPECT_GT(size, 0);
  std::filesystem::remove(folder);
  loop.advance(15s);
  EXPECT_EQ(value_of(metrics, series), size);
}

}  // namespace
}  // namespace berth::worker
