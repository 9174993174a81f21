#include "cli/keys/key_commands.h"

#include <iostream>
#include <vector>

#include "berth/base/clock.h"
#include "berth/kube/object.h"
#include "cli/settings/kube_session.h"
#include "cli/settings/settings.h"
#include "cli/text/table.h"

namespace berth::cli {
namespace {

// The contract with the operator (operator/keys/README.md).
constexpr const char* kRotateAnnotation = "berth.dev/rotate";
constexpr const char* kStatusAnnotation = "berth.dev/keys-status";
constexpr const char* kConfigMap = "berth-keys";
constexpr const char* kKeys[] = {"operator", "gateway"};

int report_missing(const Error& error, const std::string& what, const std::string& ns) {
  if (error.code != ErrorCode::kNotFound) {
    return report(error);
  }
  return report(Error::make(ErrorCode::kNotFound, "NoKeys",
                            "there is no " + what + " in namespace " + ns +
                                ": no operator keeps its keys there; name its namespace with "
                                "--gateway-namespace"));
}

Result<std::unique_ptr<KubeSession>> open_in_own_namespace(Flags flags) {
  flags.ns = flags.gateway_namespace;
  return KubeSession::open(flags);
}

std::string short_id(const Json& status, const char* member) {
  const std::string id = get_string(status, member).value_or("");
  return id.empty() ? "-" : id.substr(0, 12);
}

void print_table(const Json& status) {
  Table table({"KEY", "PHASE", "SIGNS", "NEXT", "OLD", "OLD UNTIL", "WAITING"});
  for (const char* key : kKeys) {
    const Json* s = find(status, key);
    if (s != nullptr) {
      table.add({key, get_string(*s, "phase").value_or("-"), short_id(*s, "key"),
                 short_id(*s, "next"), short_id(*s, "previous"),
                 get_string(*s, "until").value_or("-"),
                 std::to_string(get_int(*s, "waiting").value_or(0))});
    }
  }
  print(table);
  for (const char* key : kKeys) {
    const Json* list = find_path(status, {key, "waitingFor"});
    for (const Json& who : list != nullptr && list->is_array() ? *list : Json::array()) {
      std::cout << key << " waits for " << (who.is_string() ? who.get<std::string>() : "") << "\n";
    }
  }
}

}  // namespace

int keys_rotate(const Flags& flags, const std::string& which) {
  const std::string& ns = flags.gateway_namespace;
  const auto session = open_in_own_namespace(flags);
  if (!session) {
    return report(session.error());
  }
  const std::string now = format_rfc3339(SystemClock().wall_now());
  for (const std::string key : kKeys) {
    if (which != "all" && which != key) {
      continue;
    }
    const std::string secret = "berth-" + key + "-key";
    const Result<Json> done = (*session)->merge_patch(
        kube::kSecrets, secret, {{"metadata", {{"annotations", {{kRotateAnnotation, now}}}}}});
    if (!done) {
      return report_missing(done.error(), "Secret " + secret, ns);
    }
    std::cout << "asked for a new " << key << " key; follow it with `berth keys status`\n";
  }
  return 0;
}

int keys_status(const Flags& flags, Output output) {
  const std::string& ns = flags.gateway_namespace;
  const auto session = open_in_own_namespace(flags);
  if (!session) {
    return report(session.error());
  }
  const Result<Json> map = (*session)->get(kube::kConfigMaps, kConfigMap);
  if (!map) {
    return report_missing(map.error(), std::string("ConfigMap ") + kConfigMap, ns);
  }
  const Result<Json> status = parse_json(kube::annotation_of(*map, kStatusAnnotation));
  if (!status || !status->is_object()) {
    return report(Error::make(ErrorCode::kUnavailable, "NoStatus",
                              "the operator has not yet told where its keys stand"));
  }
  if (output == Output::kTable) {
    print_table(*status);
  } else {
    std::cout << data_text(output, *status);
  }
  return 0;
}

}  // namespace berth::cli
