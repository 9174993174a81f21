#include "cli/session/handles.h"

#include <sys/stat.h>

#include "tests/unit/cli/cli_fixture.h"

namespace berth::cli {
namespace {

class HandlesTest : public CliTest {
 protected:
  static SavedSession session() {
    SavedSession s;
    s.handle = {"team", "files", "files-0", "10.0.0.1:80", "s1", "secret", 20s};
    s.recreate_token = "again";
    return s;
  }
};

TEST_F(HandlesTest, AreReadAsTheyWereSavedAndOnlyByTheirUser) {
  ASSERT_TRUE(save_session(session()));
  const auto loaded = load_session("s1");
  ASSERT_TRUE(loaded) << loaded.error().text();
  EXPECT_EQ(loaded->handle.ns, "team");
  EXPECT_EQ(loaded->handle.pool, "files");
  EXPECT_EQ(loaded->handle.worker, "files-0");
  EXPECT_EQ(loaded->handle.address, "10.0.0.1:80");
  EXPECT_EQ(loaded->handle.token, "secret");
  EXPECT_EQ(loaded->handle.heartbeat_timeout, 20s);
  EXPECT_EQ(loaded->recreate_token, "again");
  struct stat info {};
  ASSERT_EQ(::stat((dir_ / "state/berth/sessions/s1.json").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST_F(HandlesTest, AForgottenOrUnknownOneIsAnErrorThatSaysWhereItLooked) {
  ASSERT_TRUE(save_session(session()));
  forget_session("s1");
  const auto loaded = load_session("s1");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().reason, "SessionNotFound");
  EXPECT_THAT(loaded.error().message, HasSubstr((dir_ / "state").string()));
}

TEST_F(HandlesTest, AnIdThatIsAPathIsRefused) {
  EXPECT_EQ(load_session("../../x").error().field, "session");
}

TEST_F(HandlesTest, FilesOlderThanAWeekAreSwept) {
  ASSERT_TRUE(save_session(session()));
  const auto old = dir_ / "state/berth/sessions/s1.json";
  std::filesystem::last_write_time(
      old, std::filesystem::file_time_type::clock::now() - std::chrono::hours(24 * 8));
  SavedSession other = session();
  other.handle.id = "s2";
  ASSERT_TRUE(save_session(other));
  EXPECT_FALSE(std::filesystem::exists(old));
  EXPECT_TRUE(load_session("s2"));
}

}  // namespace
}  // namespace berth::cli
