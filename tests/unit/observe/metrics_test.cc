#include "berth/observe/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace berth {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// The value of the sample line that starts with `series`, or -1.
double sample(const std::string& text, const std::string& series) {
  const auto at = ("\n" + text).find("\n" + series + " ");
  return at == std::string::npos ? -1 : std::strtod(text.c_str() + at + series.size() + 1, nullptr);
}

TEST(Metrics, RendersCountersGaugesAndHistograms) {
  Metrics m;
  m.counter("berth_requests_total", "Requests.", {{"outcome", "ok"}}).inc(2);
  m.gauge("berth_slots", "Slots.").set(4);
  const Histogram h = m.histogram("berth_wait_seconds", "Wait.", {0.1, 1});
  h.observe(0.05);
  h.observe(5);
  const std::string text = m.text();
  EXPECT_THAT(text, HasSubstr("# HELP berth_requests_total Requests.\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE berth_requests_total counter\n"));
  EXPECT_EQ(sample(text, "berth_requests_total{outcome=\"ok\"}"), 2);
  EXPECT_EQ(sample(text, "berth_slots"), 4);
  EXPECT_EQ(sample(text, "berth_wait_seconds_bucket{le=\"0.1\"}"), 1);
  EXPECT_EQ(sample(text, "berth_wait_seconds_bucket{le=\"+Inf\"}"), 2);
  EXPECT_EQ(sample(text, "berth_wait_seconds_count"), 2);
}

TEST(Metrics, AskingTwiceGivesTheSameSeries) {
  Metrics m;
  m.gauge("g", "G.", {{"a", "x"}}).add(1);
  m.gauge("g", "G.", {{"a", "x"}}).add(2);
  m.gauge("g", "G.", {{"a", "y"}}).add(5);
  EXPECT_EQ(m.gauge("g", "G.", {{"a", "x"}}).value(), 3);
  m.counter("c_total", "C.").inc();
  m.counter("c_total", "C.").inc();
  EXPECT_EQ(sample(m.text(), "c_total"), 2);
  m.histogram("h", "H.", {1}).observe(1);
  m.histogram("h", "H.", {1}).observe(1);
  EXPECT_EQ(sample(m.text(), "h_count"), 2);
}

TEST(Metrics, LabelValuesAreEscaped) {
  Metrics m;
  m.gauge("g", "G.", {{"a", "x\"\n\\"}}).set(1);
  EXPECT_THAT(m.text(), HasSubstr("g{a=\"x\\\"\\n\\\\\"} 1\n"));
}

TEST(Metrics, ARemovedGaugeIsNotShownAndCanComeBack) {
  Metrics m;
  m.gauge("pool", "P.", {{"name", "a"}}).set(7);
  m.gauge("pool", "P.", {{"name", "b"}}).set(8);
  m.remove_gauge("pool", {{"name", "a"}});
  m.remove_gauge("pool", {{"name", "never"}});
  m.remove_gauge("never", {});
  EXPECT_THAT(m.text(), Not(HasSubstr("name=\"a\"")));
  EXPECT_THAT(m.text(), Not(HasSubstr("never")));
  EXPECT_EQ(sample(m.text(), "pool{name=\"b\"}"), 8);
  EXPECT_EQ(m.gauge("pool", "P.", {{"name", "a"}}).value(), 0);
}

TEST(Metrics, EmptyHandlesDoNothing) {
  Counter().inc();
  Gauge().set(1);
  Gauge().add(1);
  Histogram().observe(1);
  EXPECT_EQ(Gauge().value(), 0);
}

TEST(Metrics, ProcessMetricsAreReadAtEachScrape) {
  Metrics m;
  m.add_process_metrics("berth-worker");
  const std::string first = m.text();
  EXPECT_THAT(first, HasSubstr("berth_worker_build_info{version=\""));
  EXPECT_GT(sample(first, "process_resident_memory_bytes"), 1e6);
  EXPECT_GE(sample(first, "process_threads"), 1);
  EXPECT_GE(sample(first, "process_open_fds"), 3);
  const auto now = static_cast<double>(std::time(nullptr));
  EXPECT_GT(sample(first, "process_start_time_seconds"), now - 3600);
  EXPECT_LE(sample(first, "process_start_time_seconds"), now + 2);
  EXPECT_THAT(first, HasSubstr("# TYPE process_cpu_seconds_total counter"));

  // Burns CPU until the kernel's own count has moved by some ticks.
  const std::clock_t until = std::clock() + CLOCKS_PER_SEC / 20;
  while (std::clock() < until) {
  }
  EXPECT_GT(sample(m.text(), "process_cpu_seconds_total"),
            sample(first, "process_cpu_seconds_total"));
}

TEST(Metrics, WhatIsAsOldAsTheQuestionIsReadAtEachScrape) {
  Metrics m;
  const Gauge age = m.gauge("test_age_seconds", "Age.");
  double now = 1;
  Cancel refresh = m.on_scrape([&] { age.set(now); });
  EXPECT_THAT(m.text(), HasSubstr("test_age_seconds 1\n"));
  now = 7;
  EXPECT_THAT(m.text(), HasSubstr("test_age_seconds 7\n"));
  refresh.cancel();
  now = 9;
  EXPECT_THAT(m.text(), HasSubstr("test_age_seconds 7\n"));
}

TEST(Metrics, BucketsRiseAndSpanWhatTheySay) {
  EXPECT_EQ(Metrics::latency_buckets().front(), 0.001);
  EXPECT_EQ(Metrics::latency_buckets().back(), 60);
  EXPECT_EQ(Metrics::lifetime_buckets().front(), 1);
  EXPECT_EQ(Metrics::lifetime_buckets().back(), 86'400);
}

TEST(MetricsDeathTest, ProgrammerErrorsEndTheProcessWithTheName) {
  Metrics m;
  m.counter("used_total", "U.").inc();
  m.histogram("h", "H.", {1, 2}).observe(1);
  EXPECT_DEATH(m.counter("no-dash", "N."), "no-dash.*not a valid metric name");
  EXPECT_DEATH(m.counter("9lives", "N."), "9lives");
  EXPECT_DEATH(m.counter("ok", "N.", {{"bad-label", "x"}}), "bad-label");
  EXPECT_DEATH(m.histogram("hh", "N.", {1}, {{"le", "x"}}), "le");
  EXPECT_DEATH(m.gauge("used_total", "U."), "used_total.*another type");
  EXPECT_DEATH(m.histogram("h", "H.", {1, 3}), "other buckets");
  EXPECT_DEATH(m.histogram("i", "I.", {2, 1}), "rising order");
}

}  // namespace
}  // namespace berth
