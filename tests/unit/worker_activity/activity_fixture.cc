#include "tests/unit/worker_activity/activity_fixture.h"

#include <stdlib.h>

#include <fstream>

#include "worker/activity/command_executor.h"
#include "worker/activity/process/process_table.h"

namespace berth::worker {
using namespace std::chrono_literals;

TemporaryFolder::TemporaryFolder() {
  std::string name = ::testing::TempDir() + "berth-activity-XXXXXX";
  path_ = ::mkdtemp(name.data());
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

ActivityTask ActivityTest::task(Json input, std::string activity_id) {
  ActivityTask t;
  t.session_id = api::SessionId("s1");
  t.activity_id = api::ActivityId(std::move(activity_id));
  t.type = "test";
  t.input = std::move(input);
  t.directory = folder_.path();
  return t;
}

api::ActivitySpec ActivityTest::shell(const std::string& script) {
  api::ActivitySpec spec;
  spec.name = "test";
  spec.command = {"sh", "-c", script};
  spec.kill_grace = 200ms;
  return spec;
}

ActivityTest::Seen& ActivityTest::start(Executor& executor, ActivityTask task) {
  Seen& seen = *seen_.emplace_back(std::make_unique<Seen>());
  ActivityEvents events;
  events.progress = [this, &seen](Json value) {
    seen.progress.push_back(std::move(value));
    look();
  };
  events.stderr_tail = [this, &seen](std::string tail) {
    seen.stderr_tail = std::move(tail);
    look();
  };
  events.process_group = [this, &seen](int group) {
    seen.process_group = group;
    look();
  };
  events.output_grew = [this] { look(); };
  events.done = [this, &seen](ActivityOutcome outcome) {
    seen.outcome = std::move(outcome);
    ++seen.done_calls;
    seen.run.reset();
    look();
  };
  auto run = executor.start(std::move(task), std::move(events));
  EXPECT_TRUE(run.has_value()) << (run ? "" : run.error().text());
  if (run) {
    seen.run = std::move(*run);
  }
  return seen;
}

void ActivityTest::look() {
  if (condition_ && condition_()) {
    loop_.stop();
  }
}

void ActivityTest::run_until(const std::function<bool()>& condition) {
  condition_ = condition;
  bool hangs = false;
  Cancel guard = loop_.call_after(60s, [&] {
    hangs = true;
    loop_.stop();
  });
  Cancel ticker;
  std::function<void()> tick = [&] {
    look();
    ticker = loop_.call_after(10ms, tick);
  };
  tick();
  if (!condition()) {
    loop_.run();
  }
  condition_ = nullptr;
  ASSERT_FALSE(hangs) << "waited for a minute";
}

ActivityOutcome ActivityTest::outcome_of(const std::string& script, Json input) {
  return outcome_of(shell(script), std::move(input));
}

ActivityOutcome ActivityTest::outcome_of(api::ActivitySpec spec, Json input) {
  executors_.push_back(std::make_shared<CommandExecutor>(supervisor_, std::move(spec), kPath));
  Seen& seen = start(*executors_.back(), task(std::move(input)));
  run_until_done(seen);
  return seen.outcome.value_or(ActivityOutcome{});
}

bool ActivityTest::exists(int pid) {
  const auto process = find_process(pid);
  return process && !process->dead;
}

int ActivityTest::number_in(const std::string& file) {
  std::ifstream in(folder_.path() / file);
  int number = -1;
  in >> number;
  return number;
}

}  // namespace berth::worker
