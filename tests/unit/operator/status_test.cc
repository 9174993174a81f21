#include "operator/status/status.h"

#include <gtest/gtest.h>

#include "tests/unit/operator/pool_builder.h"

namespace berth::op {
namespace {

using namespace std::chrono_literals;

TEST(PoolCounts, ACurrentWorkerIsUpdatedWhenItsRevisionIsThePools) {
  PoolBuilder b;
  b.o.revision = "new";
  b.add(1).revision = "new";
  b.add(2).revision = "old";
  const PoolCounts n = count(b.o, b.plan(), b.now);
  EXPECT_EQ(n.current, 2);
  EXPECT_EQ(n.updated, 1);
  EXPECT_EQ(n.slots_used, 3);
  EXPECT_EQ(n.slots_free, 5);
}

TEST(Status, KeysThatCannotBePublishedDegradeThePool) {
  PoolBuilder b;
  b.o.keys_trouble = "ConfigMap default/berth-keys is not Berth's";
  const Plan p = b.plan();
  const Json status = make_status(b.o, p, count(b.o, p, b.now), {}, nullptr, WallTime(1s));
  EXPECT_NE(dump_json(status).find("KeysNotPublished"), std::string::npos);
}

TEST(Status, CarriesTheCountsItWasGiven) {
  PoolBuilder b;
  b.add(1);
  const Plan p = b.plan();
  const Json status = make_status(b.o, p, count(b.o, p, b.now), {}, nullptr, WallTime(1s));
  EXPECT_EQ(status.at("workers").at("current"), 1);
  EXPECT_EQ(status.at("slots").at("used"), 1);
}

TEST(Status, SaysWhatTheDecisionCameFrom) {
  PoolBuilder b;
  b.add(3);
  b.wait(2);
  const Plan p = b.plan();
  const Json status = make_status(b.o, p, count(b.o, p, b.now), {}, nullptr, WallTime(1s));
  EXPECT_EQ(status.at("scaling"), (Json{{"used", 3},
                                        {"waiting", 2},
                                        {"keptFree", p.scaling.load.buffer},
                                        {"wanted", p.scaling.want},
                                        {"missing", p.scaling.short_by},
                                        {"limit", std::string(to_string(p.scaling.limit))}}));
  EXPECT_GT(p.scaling.short_by, 0);
}

Json condition(const Json& status, const std::string& type) {
  for (const Json& c : status.at("conditions")) {
    if (c.at("type") == type) {
      return c;
    }
  }
  return nullptr;
}

TEST(Status, APoolThatIsBeingDeletedSaysWhatItWaitsFor) {
  PoolBuilder b;
  b.add(2);
  b.pool->deleting = true;
  const Plan p = b.plan();
  const Json status = make_status(b.o, p, count(b.o, p, b.now), {}, nullptr, WallTime(1s));
  const Json progressing = condition(status, "Progressing");
  EXPECT_EQ(progressing.at("reason"), "Deleting");
  EXPECT_EQ(progressing.at("message"), p.deletion->waits_for);
  EXPECT_EQ(condition(status, "Ready").at("status"), "False");
}

TEST(Status, WhatTheOperatorMayNotSeeOfDisruptionIsACondition) {
  PoolBuilder b;
  b.add(1);
  const Plan p = b.plan();
  const auto aware = [&](const Surroundings& s) {
    const Json status = make_status(b.o, p, count(b.o, p, b.now), s, nullptr, WallTime(1s));
    return condition(status, "DisruptionAware").at("reason");
  };
  EXPECT_EQ(aware({}), "Watching");
  EXPECT_EQ(aware({true, ""}), "NodesForbidden");
  EXPECT_EQ(aware({false, "no budget"}), "NoDisruptionBudget");
}

TEST(Status, ABrokenNewRevisionIsDegradedAndNamed) {
  PoolBuilder b;
  b.o.known_revisions = {"old"};
  b.add(1).revision = "old";
  b.o.revision = "new";
  Worker& tried = b.add_starting();
  tried.revision = "new";
  tried.trouble = "ImagePullBackOff";
  const Plan p = b.plan();
  const Json status = make_status(b.o, p, count(b.o, p, b.now), {}, nullptr, WallTime(1s));
  EXPECT_EQ(condition(status, "Progressing").at("reason"), "NewRevisionFailing");
  EXPECT_EQ(condition(status, "Degraded").at("status"), "True");
  EXPECT_EQ(status.at("workers").at("updated"), 1);
}

TEST(Status, APodThatTheServerRefusesIsAConditionAlsoWithoutAWorker) {
  PoolBuilder b;
  b.o.refusal = "spec.containers[0].image: Required value";
  const auto status = [&] {
    const Plan p = b.plan();
    return make_status(b.o, p, count(b.o, p, b.now), {}, nullptr, WallTime(1s));
  };
  const Json at_zero = status();
  EXPECT_EQ(condition(at_zero, "Degraded").at("reason"), "PodRefused");
  EXPECT_EQ(condition(at_zero, "Degraded").at("message"), b.o.refusal);
  EXPECT_EQ(condition(at_zero, "Ready").at("status"), "False");
  EXPECT_EQ(condition(at_zero, "Ready").at("reason"), "PodRefused") << "the column STATUS";

  b.o.known_revisions = {"old"};
  b.o.revision = "new";
  b.add(1).revision = "old";
  const Json serving = status();
  EXPECT_EQ(condition(serving, "Ready").at("reason"), "SlotsFree");
  EXPECT_EQ(condition(serving, "Degraded").at("reason"), "PodRefused");
  EXPECT_EQ(condition(serving, "Progressing").at("reason"), "NewRevisionFailing");
}

TEST(Status, AGatewayThatHasNotAnsweredYetIsNoTroubleButASilentOneIs) {
  PoolBuilder b;
  b.add(1);
  b.o.demand.readable = false;
  const auto degraded = [&] {
    const Plan p = b.plan();
    const Json status = make_status(b.o, p, count(b.o, p, b.now), {}, nullptr, WallTime(1s));
    return condition(status, "Degraded").at("reason");
  };
  EXPECT_EQ(degraded(), "AllWell");
  b.o.demand.silent = true;
  EXPECT_EQ(degraded(), "GatewayUnreadable");
}

Json degraded(bool value, const std::string& reason) {
  return {{"conditions",
           {{{"type", "Degraded"},
             {"status", value ? "True" : "False"},
             {"reason", reason},
             {"message", reason + " it is"}}}}};
}

TEST(TroubleNotice, TellsOfTroubleOnceAndOfItsEnd) {
  const Json well = degraded(false, "AllWell");
  const Json refused = degraded(true, "PodRefused");
  const auto first = trouble_notice(nullptr, refused);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->reason, "PodRefused");
  EXPECT_EQ(first->message, "PodRefused it is");
  EXPECT_TRUE(first->warning);
  EXPECT_FALSE(trouble_notice(refused, refused));
  EXPECT_EQ(trouble_notice(refused, degraded(true, "FailingPods"))->reason, "FailingPods");
  const auto end = trouble_notice(refused, well);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->reason, "Recovered");
  EXPECT_FALSE(end->warning);
  EXPECT_FALSE(trouble_notice(nullptr, well));
  EXPECT_FALSE(trouble_notice(well, well));
}

TEST(TroubleNotice, ASpecThatCannotBeReadIsTrouble) {
  const Json status = make_invalid_status(
      nullptr, 2, Error::invalid("spec.scaling.schedules[0].timeZone", "is no zone"), WallTime(1s));
  const auto notice = trouble_notice(degraded(false, "AllWell"), status);
  ASSERT_TRUE(notice);
  EXPECT_EQ(notice->reason, "InvalidSpec");
  EXPECT_NE(notice->message.find("schedules[0].timeZone"), std::string::npos);
}

class CertificateTrouble : public testing::Test {
 protected:
  CertificateTrouble() { b_.pool->worker_tls_secret = "workers-tls"; }
  Json degraded() {
    const Plan p = b_.plan();
    return condition(make_status(b_.o, p, count(b_.o, p, b_.now), {}, nullptr, WallTime(1s)),
                     "Degraded");
  }
  void expect_unusable(const std::string& why) {
    const Json found = degraded();
    EXPECT_EQ(found.at("status"), "True");
    EXPECT_EQ(found.at("reason"), "CertificateUnusable");
    const std::string message = found.at("message");
    EXPECT_NE(message.find("files-0: " + why), std::string::npos) << message;
    EXPECT_NE(message.find("Secret workers-tls with tls.crt and tls.key"), std::string::npos);
    EXPECT_NE(message.find("workers.default.berth"), std::string::npos) << message;
  }
  PoolBuilder b_;
};

TEST_F(CertificateTrouble, ASecretThatIsNotThere) {
  b_.add_starting().trouble =
      "FailedMount: MountVolume.SetUp failed for volume \"berth-tls\" : secret \"workers-tls\" not "
      "found";
  expect_unusable("FailedMount");
}

TEST_F(CertificateTrouble, ASecretThatAWorkerCannotServeWith) {
  b_.add_starting().trouble =
      "CrashLoopBackOff: NotFound: reading /var/run/berth/tls/tls.crt: No such file or directory "
      "(field tlsCertificate)";
  expect_unusable("CrashLoopBackOff");
}

TEST_F(CertificateTrouble, ACertificateThatIsNotTrustedAnyMore) {
  b_.add(1).unheard =
      "ConnectFailed: connecting to 10.0.0.1:7600: TLS: its certificate expired at "
      "2026-03-02T08:00:00Z";
  expect_unusable("ConnectFailed");
}

TEST_F(CertificateTrouble, OtherTroubleIsNotBlamedOnIt) {
  Worker& w = b_.add_starting();
  w.trouble = "FailedMount: MountVolume.SetUp failed for volume \"data\" : secret \"x\" not found";
  EXPECT_EQ(degraded().at("reason"), "FailingPods");
  w.trouble.clear();
  Worker& mute = b_.add(1);
  mute.silent = true;
  mute.unheard = "ConnectFailed: connecting to 10.0.0.1:7600: Connection refused";
  EXPECT_EQ(degraded().at("reason"), "UnreadableWorkers");
  EXPECT_NE(degraded().at("message").get<std::string>().find("files-1: ConnectFailed"),
            std::string::npos);
}

TEST(StatusGate, NumbersOfSessionsAloneWaitThirtySeconds) {
  PoolBuilder b;
  b.add(1);
  const Plan p = b.plan();
  const Json first = make_status(b.o, p, count(b.o, p, b.now), {}, nullptr, WallTime(1s));
  Json later = first;
  later["slots"]["used"] = 2;
  StatusGate gate;
  gate.written(b.now);
  EXPECT_EQ(gate.judge(first, first, b.now), StatusGate::Verdict::kNothing);
  EXPECT_EQ(gate.judge(first, later, b.now + 29s), StatusGate::Verdict::kLater);
  EXPECT_EQ(gate.judge(first, later, b.now + 30s), StatusGate::Verdict::kWrite);
  later["workers"]["ready"] = 7;
  EXPECT_EQ(gate.judge(first, later, b.now), StatusGate::Verdict::kWrite);
}

}  // namespace
}  // namespace berth::op
