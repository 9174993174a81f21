#include "operator/keys/plan_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "berth/kube/object.h"
#include "operator/keys/key_objects.h"
#include "tests/fakes/seeded_random.h"

namespace berth::op {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Step = KeyAction::Kind;

constexpr WallTime kNow{std::chrono::seconds(1'790'000'000)};

/// A cluster with both keys, published everywhere, and one worker and gateway that know them.
class PlanKeysTest : public ::testing::Test {
 protected:
  PlanKeysTest() {
    o_.own_namespace = "berth-system";
    o_.namespaces = {"jobs"};
    for (const KeyKind kind : kKeyKinds) {
      KeySecret s;
      s.uid = "uid";
      s.version = "1";
      s.current = key(std::string(to_string(kind)) + "-1");
      o_.secrets[kind] = s;
    }
    o_.holders = {holder(KeyHolder::Kind::kWorker, "jobs/files-0"),
                  holder(KeyHolder::Kind::kGateway, "http://gw")};
    publish();
  }

  static PublicKey key(const std::string& id) { return {id, "{\"kid\":\"" + id + "\"}"}; }
  KeyHolder holder(KeyHolder::Kind kind, const std::string& name) {
    KeyHolder h;
    h.kind = kind;
    h.name = name;
    h.keys = {"operator-1", "gateway-1"};
    h.signing = "gateway-1";
    return h;
  }
  void publish() {
    const std::string jwks = plan_keys(o_, kNow).jwks;
    for (const std::string ns : {"berth-system", "jobs"}) {
      KeyMap m;
      m.ns = ns;
      m.ours = true;
      m.jwks = jwks;
      o_.maps[ns] = m;
    }
  }
  /// A next key for `kind`, published, known to nobody yet.
  void begin(KeyKind kind) {
    KeySecret& s = o_.secrets[kind];
    s.requested = s.begun = "now";
    s.next = key(std::string(to_string(kind)) + "-2");
    s.next_since = kNow;
    publish();
  }
  void all_know(const std::string& id) {
    for (KeyHolder& h : o_.holders) {
      h.keys->insert(id);
    }
  }
  KeysPlan plan(WallTime now = kNow) const { return plan_keys(o_, now); }
  static KeyAction act(Step kind, KeyKind k) { return {kind, k, ""}; }
  std::vector<std::string> waiting(KeyKind kind, WallTime now = kNow) const {
    return plan(now).status.at(kind).waiting_for;
  }
  KeyHolder& worker() { return o_.holders[0]; }
  KeyHolder& gateway() { return o_.holders[1]; }

  ObservedKeys o_;
};

TEST_F(PlanKeysTest, WithEverythingInPlaceThereIsNothingToDo) {
  const KeysPlan p = plan();
  EXPECT_THAT(p.actions, IsEmpty());
  EXPECT_THAT(p.published, ElementsAre("berth-system", "jobs"));
  EXPECT_EQ(p.status.at(KeyKind::kOperator).phase, KeyPhase::kSteady);
  EXPECT_FALSE(p.wake_at);
}

TEST_F(PlanKeysTest, MissingKeysAreMadeBeforeAnythingIsPublished) {
  o_.secrets.clear();
  o_.maps.clear();
  EXPECT_THAT(plan().actions, ElementsAre(act(Step::kMakeSecret, KeyKind::kOperator),
                                          act(Step::kMakeSecret, KeyKind::kGateway)));
}

TEST_F(PlanKeysTest, PublishesInItsOwnAndEachPoolsNamespace) {
  o_.maps.clear();
  EXPECT_THAT(plan().actions,
              ElementsAre(KeyAction{Step::kPublish, KeyKind::kOperator, "berth-system"},
                          KeyAction{Step::kPublish, KeyKind::kOperator, "jobs"}));
  EXPECT_THAT(plan().published, IsEmpty());
}

TEST_F(PlanKeysTest, AMapThatSomebodyEditedIsPutRightAlsoWithoutAPool) {
  o_.namespaces.clear();
  o_.maps["jobs"].jwks = "edited";
  EXPECT_THAT(plan().actions, ElementsAre(KeyAction{Step::kPublish, KeyKind::kOperator, "jobs"}));
}

TEST_F(PlanKeysTest, AForeignMapIsLeftAloneAndTold) {
  o_.maps["jobs"].ours = false;
  o_.maps["jobs"].jwks = "theirs";
  EXPECT_THAT(plan().actions, IsEmpty());
  EXPECT_THAT(plan().foreign, ElementsAre("jobs"));
  EXPECT_FALSE(plan().published.contains("jobs"));
}

TEST_F(PlanKeysTest, ABrokenSecretTakesNoPublicKeyAway) {
  o_.secrets[KeyKind::kGateway].broken = Error::invalid("data[key.json]", "is no key");
  const KeysPlan p = plan();
  EXPECT_THAT(p.actions, IsEmpty());
  EXPECT_EQ(p.status.at(KeyKind::kGateway).phase, KeyPhase::kBroken);
  EXPECT_THAT(p.status.at(KeyKind::kGateway).waiting_for, ElementsAre(HasSubstr("is no key")));
}

TEST_F(PlanKeysTest, ARequestMakesANextKeyOnce) {
  o_.secrets[KeyKind::kGateway].requested = "2026-01-01";
  EXPECT_THAT(plan().actions, ElementsAre(act(Step::kMakeNext, KeyKind::kGateway)));
  o_.secrets[KeyKind::kGateway].begun = "2026-01-01";
  EXPECT_THAT(plan().actions, IsEmpty());
}

TEST_F(PlanKeysTest, ARequestDuringARotationWaitsForItsEnd) {
  begin(KeyKind::kOperator);
  o_.secrets[KeyKind::kOperator].requested = "again";
  EXPECT_THAT(plan().actions, IsEmpty());
  EXPECT_EQ(plan().status.at(KeyKind::kOperator).phase, KeyPhase::kDistributing);
}

TEST_F(PlanKeysTest, TheNextKeyIsPublishedBeforeItSigns) {
  begin(KeyKind::kOperator);
  all_know("operator-2");
  o_.maps["jobs"].jwks = "old";
  EXPECT_THAT(plan().actions, ElementsAre(KeyAction{Step::kPublish, KeyKind::kOperator, "jobs"}));
  EXPECT_THAT(waiting(KeyKind::kOperator), ElementsAre(HasSubstr("jobs/berth-keys")));
  EXPECT_THAT(plan().jwks, HasSubstr("operator-2"));
}

TEST_F(PlanKeysTest, SwitchesOnceAllWorkersAndGatewaysKnowTheOperatorsKey) {
  begin(KeyKind::kOperator);
  EXPECT_THAT(waiting(KeyKind::kOperator),
              ElementsAre("worker jobs/files-0: has not read the new key yet",
                          "gateway http://gw: has not read the new key yet"));
  worker().keys->insert("operator-2");
  EXPECT_THAT(plan().actions, IsEmpty());
  gateway().keys->insert("operator-2");
  EXPECT_THAT(plan().actions, ElementsAre(act(Step::kSwitch, KeyKind::kOperator)));
}

TEST_F(PlanKeysTest, TheGatewaysKeyWaitsForWorkersOnly) {
  begin(KeyKind::kGateway);
  o_.gateways_known = false;
  gateway().readable = false;
  worker().keys->insert("gateway-2");
  EXPECT_THAT(plan().actions, ElementsAre(act(Step::kSwitch, KeyKind::kGateway)));
}

TEST_F(PlanKeysTest, WhoCannotBeReadHoldsItUpForAsLongAsItTakes) {
  begin(KeyKind::kOperator);
  all_know("operator-2");
  worker().readable = false;
  EXPECT_THAT(plan(kNow + 24h).actions, IsEmpty());
  EXPECT_THAT(waiting(KeyKind::kOperator, kNow + 24h),
              ElementsAre("worker jobs/files-0: cannot be read"));
}

TEST_F(PlanKeysTest, UnknownGatewaysHoldUpTheOperatorsKey) {
  begin(KeyKind::kOperator);
  all_know("operator-2");
  o_.gateways_known = false;
  EXPECT_THAT(plan().actions, IsEmpty());
  EXPECT_THAT(waiting(KeyKind::kOperator), ElementsAre("gateways: cannot be discovered"));
}

TEST_F(PlanKeysTest, ANamespaceThatCannotBeReadHoldsUpBothKeys) {
  const ObservedKeys steady = o_;
  for (const auto& [kind, next] :
       {std::pair(KeyKind::kOperator, "operator-2"), std::pair(KeyKind::kGateway, "gateway-2")}) {
    o_ = steady;
    begin(kind);
    all_know(next);
    o_.unread = {"locked"};
    EXPECT_THAT(plan().actions, IsEmpty());
    EXPECT_THAT(waiting(kind), ElementsAre("namespace locked: cannot be read"));
    EXPECT_TRUE(plan().wake_at) << "nobody tells us when it can be";
    o_.unread.clear();
    EXPECT_THAT(plan().actions, ElementsAre(act(Step::kSwitch, kind)));
  }
}

TEST_F(PlanKeysTest, AnOlderWorkerCountsAfterTenMinutes) {
  begin(KeyKind::kGateway);
  worker().keys.reset();
  EXPECT_THAT(waiting(KeyKind::kGateway), ElementsAre(HasSubstr("too old")));
  EXPECT_EQ(plan().wake_at, kNow + kSilentHolderPatience);
  EXPECT_THAT(plan(kNow + kSilentHolderPatience).actions,
              ElementsAre(act(Step::kSwitch, KeyKind::kGateway)));
}

TEST_F(PlanKeysTest, AnOlderGatewayHoldsUpTheOperatorsKey) {
  begin(KeyKind::kOperator);
  all_know("operator-2");
  gateway().keys.reset();
  EXPECT_THAT(plan(kNow + 24h).actions, IsEmpty());
  EXPECT_THAT(waiting(KeyKind::kOperator), ElementsAre(HasSubstr("too old")));
}

TEST_F(PlanKeysTest, APodThatHasNotStartedHoldsItUpForTwoMinutes) {
  begin(KeyKind::kGateway);
  worker().started = false;
  worker().readable = false;
  EXPECT_THAT(plan().actions, IsEmpty());
  EXPECT_EQ(plan().wake_at, kNow + kUnstartedPatience);
  EXPECT_THAT(plan(kNow + kUnstartedPatience).actions,
              ElementsAre(act(Step::kSwitch, KeyKind::kGateway)));
}

TEST_F(PlanKeysTest, TheOldPublicKeyIsKeptTenMinutes) {
  KeySecret& s = o_.secrets[KeyKind::kOperator];
  s.previous = key("operator-0");
  s.switched_at = kNow;
  EXPECT_THAT(plan().jwks, HasSubstr("operator-0"));
  publish();
  EXPECT_THAT(plan(kNow + kKeepPreviousKey - 1s).actions, IsEmpty());
  EXPECT_EQ(plan().wake_at, kNow + kKeepPreviousKey);
  EXPECT_THAT(plan(kNow + kKeepPreviousKey).actions,
              ElementsAre(act(Step::kDropPrevious, KeyKind::kOperator)));
}

TEST_F(PlanKeysTest, TheGatewaysOldKeyIsKeptUntilEveryGatewaySignsWithTheNew) {
  KeySecret& s = o_.secrets[KeyKind::kGateway];
  s.previous = key("gateway-0");
  s.switched_at = kNow - 24h;
  publish();
  gateway().signing = "gateway-0";
  EXPECT_THAT(plan().actions, IsEmpty());
  EXPECT_THAT(waiting(KeyKind::kGateway), ElementsAre(HasSubstr("does not sign with the new key")));
  gateway().signing = "gateway-1";
  EXPECT_THAT(plan().actions, ElementsAre(act(Step::kDropPrevious, KeyKind::kGateway)));
  gateway().readable = false;
  EXPECT_THAT(plan().actions, IsEmpty());
}

TEST_F(PlanKeysTest, AStatusNamesTwentyAndCountsAll) {
  begin(KeyKind::kGateway);
  for (int i = 1; i < 50; ++i) {
    o_.holders.push_back(holder(KeyHolder::Kind::kWorker, "jobs/files-" + std::to_string(i)));
  }
  const KeyStatus s = plan().status.at(KeyKind::kGateway);
  EXPECT_EQ(s.waiting, 50u);
  EXPECT_THAT(s.waiting_for, SizeIs(kMostNamed));
  EXPECT_EQ(status_json(plan())["gateway"]["waiting"], 50);
}

/// The Secret's own form, through all writes of a rotation.
class KeyObjectsTest : public ::testing::Test {
 protected:
  auth::SigningKey make(auth::Scope scope = auth::Scope::kOperate) {
    return auth::SigningKey::generate(scope, random_).value();
  }
  static Json stored(Json object, const Json& patch = Json::object()) {
    object["metadata"]["uid"] = "u";
    object["metadata"]["resourceVersion"] = "7";
    object.merge_patch(patch);
    return object;
  }
  fakes::SeededRandom random_;
};

TEST_F(KeyObjectsTest, ARotationWritesWhatIsReadBack) {
  const auto first = make();
  const auto second = make();
  Json object = stored(make_key_secret("sys", KeyKind::kOperator, first));
  EXPECT_EQ(kube::label_of(object, kManagedByLabel), kManagedBy);
  auto s = KeySecret::from(object);
  ASSERT_FALSE(s->broken);
  EXPECT_EQ(s->current.id, first.id());
  EXPECT_EQ(s->private_jwk, first.private_jwk());
  EXPECT_FALSE(s->next || s->previous);

  s->requested = "r1";
  object = stored(object, next_key_patch(*s, second, kNow));
  s = KeySecret::from(object);
  EXPECT_EQ(s->current.id, first.id());
  EXPECT_EQ(s->next->id, second.id());
  EXPECT_EQ(s->begun, "r1");
  EXPECT_EQ(s->next_since, kNow);

  object = stored(object, switch_patch(*s, kNow));
  s = KeySecret::from(object);
  EXPECT_EQ(s->current.id, second.id());
  EXPECT_EQ(s->private_jwk, second.private_jwk());
  EXPECT_EQ(s->previous->id, first.id());
  EXPECT_EQ(s->previous->jwk.find("\"d\""), std::string::npos) << "only its public half";
  EXPECT_FALSE(s->next || s->next_since);
  EXPECT_EQ(s->switched_at, kNow);

  object = stored(object, drop_previous_patch(*s));
  s = KeySecret::from(object);
  EXPECT_FALSE(s->previous || s->switched_at);
  EXPECT_EQ(s->current.id, second.id());
}

TEST_F(KeyObjectsTest, EveryPatchIsGuardedByUidAndVersion) {
  const KeySecret s = *KeySecret::from(stored(make_key_secret("sys", KeyKind::kOperator, make())));
  KeyMap m;
  m.uid = "u";
  m.version = "7";
  for (const Json& patch : {next_key_patch(s, make(), kNow), switch_patch(s, kNow),
                            drop_previous_patch(s), publish_patch(m, "x"), status_patch(m, "y")}) {
    EXPECT_EQ(patch["metadata"]["uid"], "u");
    EXPECT_EQ(patch["metadata"]["resourceVersion"], "7");
  }
}

TEST_F(KeyObjectsTest, AKeyOfTheWrongScopeOrNoKeyIsBroken) {
  const auto broken = [](const Json& object) {
    return KeySecret::from(object)->broken.has_value();
  };
  EXPECT_TRUE(
      broken(stored(make_key_secret("sys", KeyKind::kOperator, make(auth::Scope::kCreate)))));
  Json object = stored(make_key_secret("sys", KeyKind::kOperator, make()));
  object["data"]["key.json"] = "!";
  EXPECT_TRUE(broken(object));
  object.erase("data");
  EXPECT_TRUE(broken(object));
}

TEST_F(KeyObjectsTest, APrivateKeyIsNeverPublishedAsThePreviousOne) {
  const auto key = make();
  Json object = stored(make_key_secret("sys", KeyKind::kOperator, key));
  object["data"]["previous.json"] = kube::secret_data(key.private_jwk());
  EXPECT_FALSE(KeySecret::from(object)->previous);
}

}  // namespace
}  // namespace berth::op
