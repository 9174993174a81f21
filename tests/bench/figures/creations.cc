#include <cstdio>
#include <map>
#include <set>

#include "tests/bench/figures/figures.h"
#include "tests/bench/load/generator.h"

namespace berth::bench {
namespace {

constexpr int kWorkers = 100;
constexpr int kSlots = 40;
constexpr int kCallers = 40;
constexpr int kEach = kWorkers * kSlots / kCallers;

// How often each session is held, as the workers themselves tell.
Result<std::map<std::string, int>> held(const Stack& stack, const std::vector<Stack::Pod>& pods) {
  std::map<std::string, int> out;
  for (const Stack::Pod& pod : pods) {
    BERTH_ASSIGN(const auto ids, stack.sessions_of(pod));
    if (ids.size() > static_cast<std::size_t>(kSlots)) {
      return fail(Error::internal(pod.name + " holds more sessions than it has slots"));
    }
    for (const std::string& id : ids) {
      ++out[id];
    }
  }
  return out;
}

Status complete_all(const Stack& stack, const std::vector<Stack::Pod>& pods,
                    const std::vector<Created>& created) {
  std::map<std::string, Target> workers;
  for (const Stack::Pod& pod : pods) {
    workers[pod.name] = stack.worker(pod);
  }
  for (const Created& session : created) {
    const auto name = text_member(session.answer, "name", session.answer.find(R"("worker":)"));
    const auto worker = workers.find(std::string(name));
    if (worker == workers.end()) {
      return fail(Error::internal("no worker has the name that an answer gives"));
    }
    BERTH_TRY(
        ask(worker->second, complete_request(worker->second, session.id, session.answer), 200));
  }
  return {};
}

}  // namespace

Status measure_creations(const Places& places, Report& report) {
  BERTH_ASSIGN(const auto stack,
               Stack::start({places.bin, places.dir / "creations", kWorkers, kSlots}));
  const std::vector<Stack::Pod> pods = stack->pods();
  BERTH_ASSIGN(const LoadResult load, create_all(stack->gateway(), kCallers, kEach));
  if (load.failed > 0) {
    report.note("first failure: " + load.first_failure);
  }
  BERTH_ASSIGN(auto on_workers, held(*stack, pods));
  int doubled = 0;
  for (const auto& [id, times] : on_workers) {
    doubled += times > 1 ? 1 : 0;
  }
  // Lost: a caller did not get one, or got one that no worker holds. Stranded: a slot is held for
  // a session that no caller has, or is still held when all are completed.
  std::set<std::string> got;
  std::size_t without_worker = 0;
  for (const Created& session : load.created) {
    got.insert(session.id);
    without_worker += on_workers.contains(session.id) ? 0 : 1;
  }
  const std::size_t lost = static_cast<std::size_t>(kCallers * kEach) - got.size() + without_worker;
  std::size_t stranded = 0;
  for (const auto& [id, times] : on_workers) {
    stranded += got.contains(id) ? 0 : 1;
  }
  BERTH_TRY(complete_all(*stack, pods, load.created));
  BERTH_ASSIGN(const auto left, held(*stack, pods));
  stranded += left.size();

  char text[160];
  std::snprintf(text, sizeof text, "%zu created, create p50 %.2f ms, p99 %.2f ms",
                load.created.size(), load.create_percentile(0.5), load.create_percentile(0.99));
  report.note(text);
  using Wanted = Figure::Wanted;
  BERTH_TRY(report.add(
      {"4,000 creations, 40 callers, 100 workers", load.seconds, "s", Wanted::kAtMost, 0.5}));
  BERTH_TRY(report.add(
      {"4,000 creations: lost", static_cast<double>(lost), "sessions", Wanted::kAtMost, 0}));
  BERTH_TRY(report.add(
      {"4,000 creations: doubled", static_cast<double>(doubled), "sessions", Wanted::kAtMost, 0}));
  return report.add(
      {"4,000 creations: stranded", static_cast<double>(stranded), "slots", Wanted::kAtMost, 0});
}

}  // namespace berth::bench
