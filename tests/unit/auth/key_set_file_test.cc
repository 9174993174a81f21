#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "berth/auth/control_token.h"
#include "berth/base/file.h"
#include "tests/fakes/manual_loop.h"
#include "tests/fakes/seeded_random.h"

namespace berth::auth {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class KeySetFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string dir = ::testing::TempDir() + "berth-keys.XXXXXX";
    ASSERT_NE(::mkdtemp(dir.data()), nullptr);
    dir_ = dir;
    path_ = dir_ / "jwks.json";
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  void write(const SigningKey& key) { ASSERT_TRUE(write_file_atomic(path_, make_jwks({&key}))); }
  std::size_t warnings() const {
    return static_cast<std::size_t>(std::count_if(lines_.begin(), lines_.end(), [](const auto& l) {
      return l.find(R"("level":"warn")") != std::string::npos;
    }));
  }

  std::filesystem::path dir_;
  std::filesystem::path path_;
  fakes::ManualLoop loop_;
  fakes::SeededRandom random_;
  std::vector<std::string> lines_;
  Log log_ = Log::to_function([this](const std::string& line) { lines_.push_back(line); });
  SigningKey first_ = SigningKey::generate(Scope::kCreate, random_).value();
  SigningKey second_ = SigningKey::generate(Scope::kCreate, random_).value();
  KeySet keys_{"pod-1", loop_.clock()};
};

TEST_F(KeySetFileTest, AMissingFileIsAnErrorThatNamesIt) {
  KeySetFile file(loop_, keys_, path_, log_);
  const auto started = file.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(started.error().message, HasSubstr(path_.string()));
  EXPECT_EQ(loop_.timers(), 0u);
}

TEST_F(KeySetFileTest, ABrokenFileIsAnErrorThatNamesIt) {
  ASSERT_TRUE(write_file_atomic(path_, "{}"));
  KeySetFile file(loop_, keys_, path_, log_);
  const auto started = file.start();
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message, HasSubstr(path_.string()));
}

TEST_F(KeySetFileTest, AReplacedFileIsSeenAfterThePeriod) {
  write(first_);
  KeySetFile file(loop_, keys_, path_, log_, 10s);
  ASSERT_TRUE(file.start());
  EXPECT_EQ(keys_.key_ids(), std::set<std::string>{first_.id()});
  write(second_);
  loop_.advance(9s);
  EXPECT_EQ(keys_.key_ids(), std::set<std::string>{first_.id()});
  loop_.advance(1s);
  EXPECT_EQ(keys_.key_ids(), std::set<std::string>{second_.id()});
  write(first_);
  loop_.advance(10s);
  EXPECT_EQ(keys_.key_ids(), std::set<std::string>{first_.id()});
}

TEST_F(KeySetFileTest, TroubleKeepsTheKeysAndIsLoggedOncePerKind) {
  write(first_);
  KeySetFile file(loop_, keys_, path_, log_, 10s);
  ASSERT_TRUE(file.start());
  ASSERT_TRUE(write_file_atomic(path_, "junk"));
  loop_.advance(100s);
  EXPECT_EQ(warnings(), 1u);
  EXPECT_THAT(lines_.back(), HasSubstr(path_.string()));
  std::filesystem::remove(path_);
  loop_.advance(100s);
  EXPECT_EQ(warnings(), 2u);
  EXPECT_EQ(keys_.key_ids(), std::set<std::string>{first_.id()});

  write(second_);
  loop_.advance(10s);
  EXPECT_EQ(keys_.key_ids(), std::set<std::string>{second_.id()});
  std::filesystem::remove(path_);
  loop_.advance(10s);
  EXPECT_EQ(warnings(), 3u);
}

TEST_F(KeySetFileTest, TellsOfEachChangeButNotOfTheFirstLoadNorOfTrouble) {
  write(first_);
  KeySetFile file(loop_, keys_, path_, log_, 10s);
  int changes = 0;
  file.on_change([&] { ++changes; });
  ASSERT_TRUE(file.start());
  loop_.advance(30s);
  EXPECT_EQ(changes, 0);
  write(second_);
  loop_.advance(30s);
  EXPECT_EQ(changes, 1);
  ASSERT_TRUE(write_file_atomic(path_, "junk"));
  loop_.advance(30s);
  EXPECT_EQ(changes, 1);
}

TEST_F(KeySetFileTest, ASigningKeyFileFollowsItsFileAndKeepsTheOldKeyInTrouble) {
  const auto write_key = [&](const SigningKey& key) {
    ASSERT_TRUE(write_file_atomic(path_, key.private_jwk()));
  };
  TokenSigner signer("gateway", loop_.clock());
  SigningKeyFile file(loop_, signer, path_, log_, 10s);
  int changes = 0;
  file.on_change([&] { ++changes; });
  const auto started = file.start();
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message, HasSubstr(path_.string()));
  write_key(first_);
  ASSERT_TRUE(file.start());
  EXPECT_EQ(signer.key_id(), first_.id());
  write_key(second_);
  loop_.advance(10s);
  EXPECT_EQ(signer.key_id(), second_.id());
  EXPECT_EQ(changes, 1);
  ASSERT_TRUE(write_file_atomic(path_, first_.public_jwk()));
  loop_.advance(30s);
  EXPECT_EQ(signer.key_id(), second_.id());
  EXPECT_EQ(changes, 1);
  EXPECT_EQ(warnings(), 1u);
}

TEST_F(KeySetFileTest, AHugeFileIsRefused) {
  ASSERT_TRUE(write_file_atomic(path_, std::string(300 * 1024, ' ')));
  KeySetFile file(loop_, keys_, path_, log_);
  const auto started = file.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, ErrorCode::kResourceExhausted);
}

TEST_F(KeySetFileTest, StopsLookingWhenDestroyed) {
  write(first_);
  {
    KeySetFile file(loop_, keys_, path_, log_);
    ASSERT_TRUE(file.start());
    EXPECT_EQ(loop_.timers(), 1u);
  }
  EXPECT_EQ(loop_.timers(), 0u);
}

}  // namespace
}  // namespace berth::auth
