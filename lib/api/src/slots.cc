#include <algorithm>
#include <utility>
#include <vector>

#include "berth/api/session.h"
#include "lib/api/src/fields.h"

namespace berth::api {
namespace {

// The slot itself and the pool's typed resources.
constexpr std::size_t kMaxResources = 17;
constexpr std::size_t kMaxWaiting = 10'000;
constexpr std::size_t kMaxKeyId = 128;

constexpr Named<WorkerState> kWorkerStates[] = {
    {WorkerState::kActive, "Active"},
    {WorkerState::kCordoned, "Cordoned"},
    {WorkerState::kDraining, "Draining"},
    {WorkerState::kRetired, "Retired"},
};

Status read_owners(const Json& owners, Slots& out) {
  if (owners.size() > kMaxOwnersTold) {
    return fail(
        Error::invalid("owners", "has more than " + std::to_string(kMaxOwnersTold) + " owners"));
  }
  FieldReader r(owners, "owners");
  for (const auto& [key, _] : owners.items()) {
    r.required(key, out.owners[key.substr(0, 64)], 0, kMaxCount);
  }
  return r.finish();
}

// A worker may hold sessions of more owners than it tells of.
Json told_owners(const std::map<std::string, std::int64_t>& owners) {
  if (owners.size() <= kMaxOwnersTold) {
    return owners;
  }
  std::vector<std::pair<std::int64_t, std::string>> by_count;
  by_count.reserve(owners.size());
  for (const auto& [key, count] : owners) {
    by_count.emplace_back(-count, key);
  }
  std::ranges::nth_element(by_count, by_count.begin() + kMaxOwnersTold);
  Json out = Json::object();
  for (std::size_t i = 0; i < kMaxOwnersTold; ++i) {
    out[by_count[i].second] = -by_count[i].first;
  }
  return out;
}

Status read_amounts(const Json& resources, Slots& out) {
  if (resources.size() > kMaxResources) {
    return fail(Error::invalid("resources",
                               "has more than " + std::to_string(kMaxResources) + " resources"));
  }
  for (const auto& [name, amounts] : resources.items()) {
    FieldReader r(amounts, "resources." + name.substr(0, 64));
    r.allow_unknown();
    r.required("capacity", out.capacity[name], 0, kMaxCount);
    r.required("used", out.used[name], 0, kMaxCount);
    BERTH_TRY(r.finish());
  }
  return {};
}

Result<std::vector<std::string>> read_key_ids(const Json& list) {
  if (list.size() > kMaxKeysTold) {
    return fail(
        Error::invalid("keys", "has more than " + std::to_string(kMaxKeysTold) + " elements"));
  }
  std::vector<std::string> ids;
  for (const Json& id : list) {
    if (!id.is_string() || id.get_ref<const std::string&>().size() > kMaxKeyId) {
      return fail(Error::invalid("keys", "must be texts of at most 128 bytes"));
    }
    ids.push_back(id.get<std::string>());
  }
  return ids;
}

Result<Waiting> parse_waiting(const Json& body, const std::string& path) {
  Waiting w;
  FieldReader r(body, path);
  r.allow_unknown();
  required_id(r, "id", w.id);
  seconds(r, "ageSeconds", w.age);
  const Json* resources = r.object("resources");
  BERTH_TRY(r.finish());
  if (resources != nullptr) {
    BERTH_ASSIGN(w.resources, parse_resources(*resources, r.path_of("resources")));
  }
  return w;
}

}  // namespace

std::string_view to_string(WorkerState state) {
  return name_of(kWorkerStates, state);
}
std::optional<WorkerState> parse_worker_state(std::string_view text) {
  return value_of(kWorkerStates, text);
}

Result<Slots> Slots::parse(const Json& body) {
  Slots s;
  FieldReader r(body, "");
  r.allow_unknown();
  required_id(r, "incarnation", s.incarnation);
  r.required("version", s.version, 0, kMaxCount);
  if (r.take("state") == nullptr) {
    r.error("state", "is required");
  }
  one_of(r, "state", kWorkerStates, s.state);
  const Json* owners = r.object("owners");
  const Json* resources = r.object("resources");
  if (resources == nullptr) {
    r.error("resources", "is required");
  }
  r.required("sessions", s.sessions, 0, kMaxCount);
  r.optional("activities", s.activities, 0, kMaxCount);
  r.optional("epoch", s.epoch, 0, kMaxCount);
  const Json* keys = r.array("keys");
  BERTH_TRY(r.finish());
  if (owners != nullptr) {
    BERTH_TRY(read_owners(*owners, s));
  }
  BERTH_TRY(read_amounts(*resources, s));
  if (keys != nullptr) {
    BERTH_ASSIGN(s.keys, read_key_ids(*keys));
  }
  return s;
}

Json to_json(const Slots& s) {
  Json resources = Json::object();
  for (const auto& [name, amount] : s.capacity) {
    resources[name] = {{"capacity", amount}, {"used", 0}};
  }
  for (const auto& [name, amount] : s.used) {
    if (!resources.contains(name)) {
      resources[name]["capacity"] = 0;
    }
    resources[name]["used"] = amount;
  }
  Json out = {{"incarnation", s.incarnation.str()},
              {"version", s.version},
              {"state", to_string(s.state)},
              {"resources", std::move(resources)},
              {"sessions", s.sessions},
              {"activities", s.activities},
              {"epoch", s.epoch}};
  if (s.keys) {
    out["keys"] = *s.keys;
  }
  if (!s.owners.empty()) {
    out["owners"] = told_owners(s.owners);
  }
  return out;
}

Result<Demand> Demand::parse(const Json& body) {
  Demand d;
  FieldReader r(body, "");
  r.allow_unknown();
  r.required("replica", d.replica);
  r.required("version", d.version, 0, kMaxCount);
  r.required("namespace", d.ns);
  r.required("pool", d.pool);
  const Json* waiting = r.array("waiting");
  r.required("waitingTotal", d.waiting_total, 0, kMaxCount);
  BERTH_TRY(r.finish());
  if (waiting == nullptr) {
    return d;
  }
  if (waiting->size() > kMaxWaiting) {
    return fail(
        Error::invalid("waiting", "has more than " + std::to_string(kMaxWaiting) + " elements"));
  }
  d.waiting.reserve(waiting->size());
  for (const Json& element : *waiting) {
    BERTH_ASSIGN(Waiting w,
                 parse_waiting(element, "waiting[" + std::to_string(d.waiting.size()) + "]"));
    d.waiting.push_back(std::move(w));
  }
  return d;
}

Json to_json(const Demand& d) {
  Json waiting = Json::array();
  for (const Waiting& w : d.waiting) {
    waiting.push_back({{"id", w.id.str()},
                       {"resources", to_json(w.resources)},
                       {"ageSeconds", wire_seconds(w.age)}});
  }
  return {
      {"replica", d.replica}, {"version", d.version},          {"namespace", d.ns},
      {"pool", d.pool},       {"waiting", std::move(waiting)}, {"waitingTotal", d.waiting_total}};
}

Result<GatewayKeys> GatewayKeys::parse(const Json& body) {
  GatewayKeys k;
  FieldReader r(body, "");
  r.allow_unknown();
  r.required("replica", k.replica);
  r.required("version", k.version, 0, kMaxCount);
  const Json* keys = r.array("keys");
  r.optional("signing", k.signing);
  BERTH_TRY(r.finish());
  if (keys != nullptr) {
    BERTH_ASSIGN(k.keys, read_key_ids(*keys));
  }
  return k;
}

Json to_json(const GatewayKeys& k) {
  return {{"replica", k.replica}, {"version", k.version}, {"keys", k.keys}, {"signing", k.signing}};
}

}  // namespace berth::api
