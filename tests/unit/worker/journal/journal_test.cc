#include "worker/journal/journal.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "worker/journal/frames.h"
#include "worker/journal/record_codec.h"

namespace berth::worker {
namespace {

namespace fs = std::filesystem;

class JournalTest : public ::testing::Test {
 protected:
  JournalTest() {
    std::string name = (fs::temp_directory_path() / "berth-journal-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
    settings_.directory = directory_ / "state";
    settings_.boot_id = "boot-1";
  }
  ~JournalTest() override { fs::remove_all(directory_); }

  Journal::Opened open() {
    auto opened = Journal::open(settings_, Log());
    if (!opened) {
      throw std::runtime_error(opened.error().text());
    }
    return std::move(*opened);
  }
  fs::path file() const { return settings_.directory / "journal"; }
  static Record ended(const std::string& id) {
    return SessionEndedRecord{api::SessionId(id), api::EndReason::kCompleted, TimePoint{},
                              std::nullopt};
  }
  static Record opened_record(const std::string& id) {
    return SessionOpenedRecord{
        api::SessionId(id), "hash", "", {{"session", 1}}, Duration(1), {}, {}, {}, {}};
  }
  void patch(std::uint64_t at, char c) const {
    std::fstream f(file(), std::ios::in | std::ios::out | std::ios::binary);
    f.seekp(static_cast<std::streamoff>(at));
    f.put(c);
  }
  static std::string text_of(const fs::path& path) { return *read_file(path); }

  fs::path directory_;
  Journal::Settings settings_;
};

/// Lowers the largest file size of this process while it lives: writes beyond it fail, as on a full
/// disk.
class SmallDisk {
 public:
  explicit SmallDisk(std::uint64_t bytes) {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit now = before_;
    now.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &now);
  }
  ~SmallDisk() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(JournalTest, RecordsComeBackInOrderAfterTheProcessDied) {
  const std::vector<Record> records = {opened_record("s1"), ended("s1"),
                                       CordonRecord{3, true, std::nullopt}};
  {
    auto first = open();
    EXPECT_TRUE(first.records.empty());
    for (const Record& r : records) {
      ASSERT_TRUE(first.journal->write(r));
    }
  }
  const auto second = open();
  EXPECT_EQ(second.records, records);
  EXPECT_TRUE(second.same_boot);
  EXPECT_FALSE(second.kept_aside);
}

TEST_F(JournalTest, ASecondWorkerOnTheSameDirectoryIsRefused) {
  const auto first = open();
  const auto second = Journal::open(settings_, Log());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason, "StateDirectoryInUse");
}

TEST_F(JournalTest, TellsThatTheMachineWasRebooted) {
  ASSERT_TRUE(open().journal->write(opened_record("s1")));
  settings_.boot_id = "boot-2";
  EXPECT_FALSE(open().same_boot);
  EXPECT_TRUE(open().same_boot);
}

TEST_F(JournalTest, ATornLastRecordIsDroppedWhereverItWasCut) {
  ASSERT_TRUE(open().journal->write(opened_record("s1")));
  const std::string good = text_of(file());
  const std::string next = frame(encode_record(ended("s1")));
  for (std::size_t n = 1; n < next.size(); ++n) {
    std::ofstream(file(), std::ios::binary) << good << next.substr(0, n);
    const auto again = open();
    ASSERT_FALSE(again.kept_aside) << n;
    ASSERT_EQ(again.records, std::vector{opened_record("s1")}) << n;
  }
}

TEST_F(JournalTest, WhatIsWrittenAfterATornTailIsReadable) {
  ASSERT_TRUE(open().journal->write(opened_record("s1")));
  std::ofstream(file(), std::ios::binary | std::ios::app) << "\x05";
  ASSERT_TRUE(open().journal->write(ended("s1")));
  EXPECT_EQ(open().records, (std::vector{opened_record("s1"), ended("s1")}));
}

TEST_F(JournalTest, TrailingZerosAreSpaceThatWasNeverWritten) {
  ASSERT_TRUE(open().journal->write(opened_record("s1")));
  std::ofstream(file(), std::ios::binary | std::ios::app) << std::string(4096, '\0');
  EXPECT_EQ(open().records.size(), 1u);
}

TEST_F(JournalTest, ADamagedByteAnywhereMeansKeptAsideAndRetired) {
  {
    auto j = open();
    ASSERT_TRUE(j.journal->write(opened_record("s1")));
    ASSERT_TRUE(j.journal->write(opened_record("s2")));
  }
  const std::string good = text_of(file());
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::ofstream(file(), std::ios::binary) << good;
    patch(at, static_cast<char>(good[at] ^ 0x10));
    const std::string damaged = text_of(file());
    const auto again = open();
    ASSERT_TRUE(again.kept_aside) << "byte " << at;
    EXPECT_EQ(text_of(*again.kept_aside), damaged);
    ASSERT_EQ(again.records, std::vector<Record>{RetiredRecord{}}) << "byte " << at;
    fs::remove(*again.kept_aside);
  }
}

TEST_F(JournalTest, AWorkerRetiredByADamagedJournalStaysRetired) {
  fs::create_directories(settings_.directory);
  std::ofstream(file()) << "not a journal";
  EXPECT_TRUE(open().kept_aside);
  const auto again = open();
  EXPECT_FALSE(again.kept_aside);
  EXPECT_EQ(again.records, std::vector<Record>{RetiredRecord{}});
}

TEST_F(JournalTest, AnEmptyFileIsNoFreshJournal) {
  fs::create_directories(settings_.directory);
  std::ofstream(file()).close();
  EXPECT_TRUE(open().kept_aside);
}

TEST_F(JournalTest, AJournalOfANewerVersionIsKeptAside) {
  std::string newer = text_of([&] {
    open();
    return file();
  }());
  newer[8] = 2;
  const auto crc = [](std::string_view bytes) {  // CRC-32, bit by bit.
    std::uint32_t c = 0xffffffff;
    for (const char b : bytes) {
      c ^= static_cast<std::uint8_t>(b);
      for (int i = 0; i < 8; ++i) {
        c = (c >> 1) ^ (0xedb88320u & (0u - (c & 1)));
      }
    }
    return ~c;
  }(std::string_view(newer).substr(0, 12));
  for (std::size_t i = 0; i < 4; ++i) {
    newer[12 + i] = static_cast<char>(crc >> (8 * i));
  }
  std::ofstream(file(), std::ios::binary) << newer;
  const auto parsed = parse_journal(newer);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().reason, "NewerJournal");
  EXPECT_TRUE(open().kept_aside);
}

TEST_F(JournalTest, EachUnreadableJournalIsKeptUnderANameOfItsOwn) {
  fs::create_directories(settings_.directory);
  std::ofstream(file()) << "one";
  const auto first = *open().kept_aside;
  std::ofstream(file()) << "two";
  const auto second = *open().kept_aside;
  EXPECT_EQ(text_of(first), "one");
  EXPECT_EQ(text_of(second), "two");
}

TEST_F(JournalTest, GrowsOnlyUntilItIsRewrittenFromTheTable) {
  settings_.compact_after = 4096;
  auto j = open();
  int snapshots = 0;
  j.journal->set_snapshot_source([&](std::uint64_t, std::size_t) {
    ++snapshots;
    return SnapshotPage{{opened_record("live")}, std::nullopt};
  });
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(j.journal->write(ended("s" + std::to_string(i))));
    ASSERT_LT(fs::file_size(file()), 6000u);
  }
  EXPECT_GT(snapshots, 5);
  j.journal.reset();
  EXPECT_EQ(open().records.front(), opened_record("live"));
}

TEST_F(JournalTest, AWriteNeverWaitsForMoreThanOnePageOfACompaction) {
  settings_.compact_after = 4096;
  auto j = open();
  std::vector<std::uint64_t> asked;
  j.journal->set_snapshot_source([&](std::uint64_t from, std::size_t most) {
    EXPECT_LE(most, 64u);
    asked.push_back(from);
    SnapshotPage page{{ended("page-" + std::to_string(from))}, from + 1};
    if (from == 9) {
      page.next.reset();
    }
    return page;
  });
  int writes = 0;
  for (; asked.empty(); ++writes) {
    ASSERT_TRUE(j.journal->write(ended("s" + std::to_string(writes))));
  }
  for (std::size_t i = 2; i <= 10; ++i) {
    ASSERT_TRUE(j.journal->write(ended("meanwhile")));
    ASSERT_EQ(asked.size(), i);
  }
  EXPECT_EQ(asked, (std::vector<std::uint64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  j.journal.reset();
  const auto records = open().records;
  ASSERT_EQ(records.size(), 11u) << "ten pages and what was written with the last one";
  EXPECT_EQ(records.front(), ended("page-0"));
  EXPECT_EQ(records.back(), ended("meanwhile"));
}

TEST_F(JournalTest, AWorkerKilledWithinACompactionHasLostNothing) {
  settings_.compact_after = 4096;
  auto j = open();
  int pages = 0;
  j.journal->set_snapshot_source([&](std::uint64_t from, std::size_t) {
    ++pages;
    return SnapshotPage{{ended("page")}, from + 1};
  });
  std::vector<Record> written;
  while (pages < 3) {
    written.push_back(opened_record("s" + std::to_string(written.size())));
    ASSERT_TRUE(j.journal->write(written.back()));
  }
  j.journal.reset();
  EXPECT_EQ(open().records, written);
  EXPECT_FALSE(fs::exists(file().string() + ".new"));
}

TEST_F(JournalTest, ARewriteReplacesACompactionUnderWay) {
  settings_.compact_after = 4096;
  auto j = open();
  int pages = 0;
  j.journal->set_snapshot_source([&](std::uint64_t from, std::size_t most) {
    ++pages;
    return most == SIZE_MAX ? SnapshotPage{{opened_record("whole")}, std::nullopt}
                            : SnapshotPage{{ended("page")}, from + 1};
  });
  while (pages < 3) {
    ASSERT_TRUE(j.journal->write(ended("s")));
  }
  ASSERT_TRUE(j.journal->rewrite(false));
  ASSERT_TRUE(j.journal->write(ended("after")));
  j.journal.reset();
  EXPECT_EQ(open().records, (std::vector{opened_record("whole"), ended("after")}));
}

TEST_F(JournalTest, OnAFullDiskACreateIsRefusedAndLeavesNothingBehind) {
  auto j = open();
  ASSERT_TRUE(j.journal->write(opened_record("s1")));
  const auto size = fs::file_size(file());
  {
    const SmallDisk disk(size + 10);
    const auto r = j.journal->write(opened_record("s2"));
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().reason, "JournalUnavailable");
    EXPECT_EQ(r.error().code, ErrorCode::kUnavailable);
    EXPECT_EQ(fs::file_size(file()), size);
  }
  EXPECT_TRUE(j.journal->write(opened_record("s2")));
  j.journal.reset();
  EXPECT_EQ(open().records, (std::vector{opened_record("s1"), opened_record("s2")}));
}

TEST_F(JournalTest, AnEndThatCouldNotBeWrittenIsMadeUpForBeforeAnythingIsAccepted) {
  auto j = open();
  ASSERT_TRUE(j.journal->write(opened_record("s1")));
  j.journal->set_snapshot_source([](std::uint64_t, std::size_t) {
    return SnapshotPage{{ended("s1")}, std::nullopt};
  });
  {
    const SmallDisk disk(fs::file_size(file()) + 10);
    EXPECT_FALSE(j.journal->write(ended("s1")));
    EXPECT_FALSE(j.journal->healthy());
  }
  EXPECT_TRUE(j.journal->write(opened_record("s2")));
  EXPECT_TRUE(j.journal->healthy());
  j.journal.reset();
  EXPECT_EQ(open().records, (std::vector{ended("s1"), opened_record("s2")}));
}

TEST_F(JournalTest, TheReserveIsForEndsAndRetireOnly) {
  settings_.reserve_bytes = 1000;
  settings_.max_bytes = 2000;
  auto j = open();
  int opened = 0;
  while (j.journal->write(opened_record("s" + std::to_string(opened)))) {
    ASSERT_LT(++opened, 100);
  }
  ASSERT_GT(opened, 3);
  int cordons = 0;
  while (j.journal->write(CordonRecord{1, true, std::nullopt})) {
    ASSERT_LT(
        ++cordons,
        5);  // Smaller than a create, so a few may still fit; they stop short of the reserve too.
  }
  EXPECT_TRUE(j.journal->healthy());
  for (int i = 0; i < opened; ++i) {
    EXPECT_TRUE(j.journal->write(ended("s" + std::to_string(i))));
  }
  EXPECT_TRUE(j.journal->write(RetiredRecord{}));
}

TEST_F(JournalTest, ALargeResultDoesNotEatTheReserve) {
  settings_.reserve_bytes = 1000;
  settings_.max_bytes = 3000;
  auto j = open();
  ActivityFinishedRecord large;
  large.session = api::SessionId("s1");
  large.activity = api::ActivityId("a");
  large.result = '"' + std::string(2500, 'x') + '"';
  EXPECT_FALSE(j.journal->write(large));
  large.result.clear();
  EXPECT_TRUE(j.journal->write(large));
}

TEST_F(JournalTest, ADirectoryThatCannotBeMadeIsAClearError) {
  std::ofstream(directory_ / "plain") << "x";
  settings_.directory = directory_ / "plain" / "state";
  const auto r = Journal::open(settings_, Log());
  ASSERT_FALSE(r);
  EXPECT_NE(r.error().message.find("plain/state"), std::string::npos) << r.error().text();
}

TEST_F(JournalTest, OnADiskWithoutAnySpaceTheWorkerDoesNotStart) {
  fs::create_directories(settings_.directory);
  const SmallDisk disk(4);
  const auto r = Journal::open(settings_, Log());
  ASSERT_FALSE(r);
  EXPECT_NE(r.error().message.find("journal.new"), std::string::npos) << r.error().text();
  EXPECT_FALSE(fs::exists(file()));
}

TEST_F(JournalTest, OnAFullDiskARestartStillFindsItsSessions) {
  ASSERT_TRUE(open().journal->write(opened_record("s1")));
  const auto size = fs::file_size(file());
  std::ofstream(file(), std::ios::binary | std::ios::app) << "torn";
  {
    const SmallDisk disk(size - 1);
    auto j = open();
    EXPECT_EQ(j.records, std::vector{opened_record("s1")});
    EXPECT_EQ(fs::file_size(file()), size);
    EXPECT_FALSE(j.journal->write(opened_record("s2")));
  }
  auto j = open();
  EXPECT_EQ(j.records, std::vector{opened_record("s1")});
  EXPECT_TRUE(j.journal->write(opened_record("s2")));
}

TEST(BootId, IsReadWithoutItsNewline) {
  const auto id = read_boot_id();
  ASSERT_TRUE(id);
  EXPECT_EQ(id->size(), 36u);
}

}  // namespace
}  // namespace berth::worker
