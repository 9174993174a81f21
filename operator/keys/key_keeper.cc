#include "operator/keys/key_keeper.h"

#include <algorithm>

#include "berth/kube/namespaced_reflector.h"
#include "operator/keys/key_metrics.h"
#include "operator/keys/key_objects.h"
#include "operator/keys/key_writes.h"

namespace berth::op {
namespace {

using Step = KeyAction::Kind;

constexpr Duration kGather = std::chrono::milliseconds(100);
constexpr Duration kStatusEvery = std::chrono::seconds(2);
std::string call_key(const KeyAction& a) {
  return a.kind == Step::kPublish ? "ConfigMap " + a.ns : "Secret " + std::string(to_string(a.key));
}

// The cached object, or the one that our last write answered with if the cache is behind it.
template <class T>
class Newest {
 public:
  void wrote(T object) { written_ = std::move(object); }
  const T* choose(const T* cached, const std::string& cache_version) {
    if (written_ && (kube::newer_version(cache_version, written_->version) ||
                     (cached != nullptr && cached->version == written_->version))) {
      written_.reset();
    }
    return written_ ? &*written_ : cached;
  }

 private:
  std::optional<T> written_;
};

}  // namespace

struct KeyKeeper::Impl {
  using Secrets = kube::Reflector<KeySecret>;
  using Maps = kube::NamespacedReflector<KeyMap>;

  Impl(EventLoop& l, kube::Client& c, Random& r, auth::TokenSigner& sign, EventRecorder& e,
       Settings s, Hooks h, const Log& lg, Metrics& m)
      : loop(l),
        client(c),
        random(r),
        signer(sign),
        events(e),
        settings(std::move(s)),
        hooks(std::move(h)),
        log(lg),
        series(m),
        writes(loop, random, lg,
               {[this] { return hooks.may_write(); }, [this](Duration after) { soon(after); }}),
        maps(loop, client, random, kube::kConfigMaps, map_namespaces(settings),
             kube::ReflectorSettings{.name = settings.config_map}, log, m, &KeyMap::from,
             [this](const auto&, const auto&, const auto&) { soon(); }) {
    for (const KeyKind kind : kKeyKinds) {
      secrets[kind] = std::make_unique<Secrets>(
          loop, client, random, kube::kSecrets,
          kube::ReflectorSettings{.ns = settings.own_namespace, .name = secret_name(kind)}, log, m,
          &KeySecret::from, [this](const auto&, const auto&, const auto&) { soon(); });
    }
  }

  // The gateways' copy is in our own namespace.
  static std::set<std::string> map_namespaces(const Settings& settings) {
    std::set<std::string> out = settings.pool_namespaces;
    if (!out.empty()) {
      out.insert(settings.own_namespace);
    }
    return out;
  }

  bool synced() const {
    return std::all_of(secrets.begin(), secrets.end(),
                       [](const auto& s) { return s.second->synced(); }) &&
           maps.synced(settings.own_namespace);
  }

  // Many changes come at once; one look serves them all. An empty list is no change, and yet news:
  // hence the look at `synced` until the first time.
  void soon(Duration after = Duration::zero()) {
    if (running && (!looking || after == Duration::zero())) {
      looking = true;
      look_timer = loop.call_after(after, [this] {
        looking = false;
        look();
      });
    }
  }

  ObservedKeys observe() {
    ObservedKeys o;
    o.own_namespace = settings.own_namespace;
    o.unread = hooks.unread();
    o.unread.merge(maps.unread());
    for (const std::string& ns : hooks.namespaces()) {
      if (maps.synced(ns)) {
        o.namespaces.insert(ns);
      }
    }
    bool rotating = false;
    for (const auto& [kind, reflector] : secrets) {
      const auto cached = reflector->get(settings.own_namespace + "/" + secret_name(kind));
      if (const KeySecret* s = written_secrets[kind].choose(cached.get(), reflector->version())) {
        o.secrets[kind] = *s;
        rotating = rotating || s->next || s->previous;
      }
    }
    maps.for_each(
        [this](const std::string&, const auto& map) { written_maps.try_emplace(map->ns); });
    for (auto& [ns, newest] : written_maps) {
      const auto cached = maps.get(ns + "/" + settings.config_map);
      if (const KeyMap* m = newest.choose(cached.get(), maps.version(ns))) {
        o.maps[ns] = *m;
      }
    }
    if (rotating) {
      o.holders = hooks.holders();
      o.gateways_known = hooks.gateways_known();
    }
    has_rotation = rotating;
    return o;
  }

  void look() {
    if (!running) {
      return;
    }
    if (!synced()) {
      soon(kGather);
      return;
    }
    observed = observe();
    KeysPlan next = plan_keys(observed, loop.clock().wall_now());
    const bool news = next.published != plan.published || next.foreign != plan.foreign;
    plan = std::move(next);
    series.update(plan.status);
    tell_foreign();
    const bool began = use_operator_key();
    for (const KeyAction& action : plan.actions) {
      start_action(action);
    }
    write_status();
    if (plan.wake_at) {
      const Duration wait = std::max<Duration>(*plan.wake_at - loop.clock().wall_now(), kGather);
      wake = loop.call_after(wait, [this] { look(); });
    } else {
      wake.cancel();
    }
    if (news || began) {
      hooks.changed();
    }
  }

  bool use_operator_key() {
    const auto it = observed.secrets.find(KeyKind::kOperator);
    if (it == observed.secrets.end() || it->second.broken ||
        it->second.current.id == signer.key_id()) {
      return false;
    }
    auto key = auth::SigningKey::parse(it->second.private_jwk);
    if (!key) {
      return false;  // Not reached: it was parsed when it was read.
    }
    log.info("signing with the operator's key", {{"key", key->id()}});
    signer.use(std::move(*key));
    return true;
  }

  void tell_foreign() {
    for (const std::string& ns : plan.foreign) {
      if (foreign_told.insert(ns).second) {
        log.warn("a ConfigMap of our name is somebody else's and left alone",
                 {{"configMap", ns + "/" + settings.config_map}});
        events.record({ns, settings.config_map, observed.maps[ns].uid, "ConfigMap", "v1"},
                      "KeysConfigMapForeign",
                      "this ConfigMap has no label app.kubernetes.io/managed-by: berth, so it is "
                      "left alone, and no worker is created in this namespace; delete or rename it",
                      true);
      }
    }
    std::erase_if(foreign_told, [this](const auto& ns) { return !plan.foreign.contains(ns); });
  }

  // Writing.

  void start_action(const KeyAction& a) {
    if (writes.may_start(call_key(a))) {
      a.kind == Step::kPublish ? publish(a) : write_secret(a);
    }
  }

  void publish(const KeyAction& a) {
    const auto it = observed.maps.find(a.ns);
    writes.start(
        call_key(a),
        [&](kube::Client::ObjectFn fn) {
          return it == observed.maps.end()
                     ? client.create(kube::kConfigMaps, a.ns,
                                     make_key_map(a.ns, settings.config_map, plan.jwks),
                                     std::move(fn))
                     : client.merge_patch(kube::kConfigMaps, a.ns, settings.config_map,
                                          publish_patch(it->second, plan.jwks), "", std::move(fn));
        },
        [this, ns = a.ns](const Json& object) {
          log.info("public keys published", {{"namespace", ns}});
          written_maps[ns].wrote(*KeyMap::from(object));
        });
  }

  void write_secret(const KeyAction& a) {
    const std::string name = secret_name(a.key);
    const auto it = observed.secrets.find(a.key);
    const WallTime now = loop.clock().wall_now();
    Json body;
    if (a.kind == Step::kMakeSecret || a.kind == Step::kMakeNext) {
      auto key = auth::SigningKey::generate(scope_of(a.key), random);
      if (!key) {
        log.error("no key could be made", {{"error", key.error()}});
        return;
      }
      body = a.kind == Step::kMakeSecret ? make_key_secret(settings.own_namespace, a.key, *key)
                                         : next_key_patch(it->second, *key, now);
    } else {
      body =
          a.kind == Step::kSwitch ? switch_patch(it->second, now) : drop_previous_patch(it->second);
    }
    writes.start(
        call_key(a),
        [&](kube::Client::ObjectFn fn) {
          return a.kind == Step::kMakeSecret
                     ? client.create(kube::kSecrets, settings.own_namespace, body, std::move(fn))
                     : client.merge_patch(kube::kSecrets, settings.own_namespace, name, body, "",
                                          std::move(fn));
        },
        [this, a](const Json& object) { secret_written(a, *KeySecret::from(object)); });
  }

  void secret_written(const KeyAction& a, KeySecret secret) {
    static const std::map<Step, std::pair<const char*, const char*>> kTold = {
        {Step::kMakeSecret, {"KeyMade", "made the first control key"}},
        {Step::kMakeNext,
         {"KeyRotationBegun", "made the next control key; it waits until all know it"}},
        {Step::kSwitch, {"KeyRotated", "the new control key signs; the old one is kept a while"}},
        {Step::kDropPrevious,
         {"OldKeyDropped", "the old control key is good for nothing any more"}}};
    const auto& [reason, text] = kTold.at(a.kind);
    const std::string id = secret.next ? secret.next->id : secret.current.id;
    log.info(text, {{"for", to_string(a.key)}, {"key", id}});
    events.record({settings.own_namespace, secret_name(a.key), secret.uid, "Secret", "v1"}, reason,
                  std::string(text) + " (key " + id + ")", false);
    written_secrets[a.key].wrote(std::move(secret));
  }

  // Where it stands, for `berth keys status`; at most every two seconds.
  void write_status() {
    const auto it = observed.maps.find(settings.own_namespace);
    const std::string status = dump_json(status_json(plan));
    if (it == observed.maps.end() || !it->second.ours || it->second.jwks != plan.jwks ||
        it->second.status == status) {
      return;
    }
    const TimePoint now = loop.clock().now();
    if (now < status_after) {
      status_timer = loop.call_at(status_after, [this] { look(); });
      return;
    }
    const std::string key = "ConfigMap " + settings.own_namespace;
    if (!writes.may_start(key)) {
      return;
    }
    status_after = now + kStatusEvery;
    writes.start(
        key,
        [&](kube::Client::ObjectFn fn) {
          return client.merge_patch(kube::kConfigMaps, settings.own_namespace, settings.config_map,
                                    status_patch(it->second, status), "", std::move(fn));
        },
        [this](const Json& object) {
          written_maps[settings.own_namespace].wrote(*KeyMap::from(object));
        });
  }

  EventLoop& loop;
  kube::Client& client;
  Random& random;
  auth::TokenSigner& signer;
  EventRecorder& events;
  const Settings settings;
  const Hooks hooks;
  Log log;
  KeyMetrics series;
  KeyWrites writes;
  bool running = false;
  bool looking = false;
  bool has_rotation = false;
  ObservedKeys observed;
  KeysPlan plan;
  std::map<KeyKind, Newest<KeySecret>> written_secrets;
  std::map<std::string, Newest<KeyMap>> written_maps;
  std::set<std::string> foreign_told;
  TimePoint status_after{};
  Cancel look_timer;
  Cancel wake;
  Cancel status_timer;
  std::map<KeyKind, std::unique_ptr<Secrets>> secrets;
  Maps maps;
};

KeyKeeper::KeyKeeper(EventLoop& loop, kube::Client& client, Random& random,
                     auth::TokenSigner& signer, EventRecorder& events, Settings settings,
                     Hooks hooks, const Log& log, Metrics& metrics)
    : impl_(std::make_unique<Impl>(loop, client, random, signer, events, std::move(settings),
                                   std::move(hooks), log, metrics)) {}
KeyKeeper::~KeyKeeper() = default;

void KeyKeeper::start() {
  impl_->running = true;
  for (const auto& [kind, reflector] : impl_->secrets) {
    reflector->start();
  }
  impl_->maps.start();
  impl_->soon(kGather);
}

void KeyKeeper::stop() {
  impl_->running = false;
  for (const auto& [kind, reflector] : impl_->secrets) {
    reflector->stop();
  }
  impl_->maps.stop();
}

void KeyKeeper::namespaces_changed() {
  impl_->soon();
}
void KeyKeeper::holders_changed() {
  if (impl_->has_rotation) {
    impl_->soon(kGather);
  }
}
bool KeyKeeper::signing() const {
  return !impl_->signer.key_id().empty();
}

bool KeyKeeper::published(const std::string& ns) const {
  return impl_->plan.published.contains(ns);
}

std::string KeyKeeper::trouble(const std::string& ns) const {
  if (impl_->plan.foreign.contains(ns)) {
    return "ConfigMap " + ns + "/" + impl_->settings.config_map +
           " is not Berth's (no label app.kubernetes.io/managed-by: berth), so workers could "
           "not know who may call them; delete or rename it";
  }
  for (const auto& [kind, status] : impl_->plan.status) {
    if (status.phase == KeyPhase::kBroken && !status.waiting_for.empty()) {
      return status.waiting_for.front();
    }
  }
  return "";
}

}  // namespace berth::op
