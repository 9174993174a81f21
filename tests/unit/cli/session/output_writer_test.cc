#include "cli/session/output_writer.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <future>

#include "tests/unit/cli/cli_fixture.h"

namespace berth::cli {
namespace {

class OutputWriterTest : public CliTest {
 protected:
  OutputWriterTest() {
    EXPECT_EQ(::pipe(out_.data()), 0);
    EXPECT_EQ(::pipe(err_.data()), 0);
    ::signal(SIGPIPE, SIG_IGN);
    writer_.emplace(out_[1], err_[1], [this](int reason) { failed_.set_value(reason); });
  }
  ~OutputWriterTest() override {
    writer_.reset();
    for (const int fd : {out_[0], out_[1], err_[0], err_[1]}) {
      ::close(fd);
    }
  }
  std::future<void> write(std::vector<api::ActivityOutput::Chunk> chunks) {
    auto done = std::make_shared<std::promise<void>>();
    writer_->write(std::move(chunks), [done] { done->set_value(); });
    return done->get_future();
  }
  static std::string read_some(int fd) {
    std::array<char, 65536> buffer;
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    return {buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(n, 0))};
  }

  std::array<int, 2> out_{};
  std::array<int, 2> err_{};
  std::promise<int> failed_;
  std::optional<OutputWriter> writer_;
};

TEST_F(OutputWriterTest, EachStreamGoesToItsDescriptor) {
  write({{false, std::string("o\0ut", 4)}, {true, "err"}}).get();
  EXPECT_EQ(read_some(out_[0]), std::string("o\0ut", 4));
  EXPECT_EQ(read_some(err_[0]), "err");
}

TEST_F(OutputWriterTest, ASlowReaderIsWaitedForAndGetsEverything) {
  const std::string much(1U << 20, 'x');
  auto done = write({{false, much}});
  std::string got = read_some(out_[0]);
  EXPECT_EQ(done.wait_for(0s), std::future_status::timeout) << "a pipe holds less";
  while (got.size() < much.size()) {
    got += read_some(out_[0]);
  }
  done.get();
  EXPECT_TRUE(got == much);
}

TEST_F(OutputWriterTest, AReaderThatHasGoneIsToldOnceAndTheRestDropped) {
  ::close(out_[0]);
  write({{false, "x"}, {true, "y"}}).get();
  EXPECT_EQ(failed_.get_future().get(), EPIPE);
  write({{false, "x"}}).get();
  out_[0] = ::dup(err_[0]);
}

TEST_F(OutputWriterTest, AWriteThatWaitsEndsWhenItIsAbandoned) {
  auto done = write({{false, std::string(1U << 20, 'x')}});
  read_some(out_[0]);
  writer_->abandon();
  done.get();
}

}  // namespace
}  // namespace berth::cli
