#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "berth/auth/control_token.h"
#include "berth/base/clock.h"
#include "berth/base/json.h"

namespace berth::op {

/// The two control keys of a cluster: whose calls they sign.
enum class KeyKind { kOperator, kGateway };
inline constexpr KeyKind kKeyKinds[] = {KeyKind::kOperator, KeyKind::kGateway};
std::string_view to_string(KeyKind kind);  ///< "operator", "gateway"
auth::Scope scope_of(KeyKind kind);
/// "berth-operator-key", "berth-gateway-key".
std::string secret_name(KeyKind kind);

inline constexpr std::string_view kManagedByLabel = "app.kubernetes.io/managed-by";
inline constexpr std::string_view kManagedBy = "berth";
inline constexpr std::string_view kRotateAnnotation = "berth.dev/rotate";
inline constexpr std::string_view kBegunAnnotation = "berth.dev/rotation-begun";
inline constexpr std::string_view kNextSinceAnnotation = "berth.dev/next-since";
inline constexpr std::string_view kSwitchedAnnotation = "berth.dev/switched-at";
inline constexpr std::string_view kStatusAnnotation = "berth.dev/keys-status";

/// One public half: its id and the JWK as text.
struct PublicKey {
  std::string id;
  std::string jwk;
  bool operator==(const PublicKey&) const = default;
};

/// What is kept of a key's Secret. Private halves stay in the process that signs, or switches.
struct KeySecret {
  std::string uid;
  std::string version;
  std::optional<Error> broken;  ///< `key.json` is no private JWK of the right scope.
  std::string private_jwk;      ///< Of the key that signs.
  std::string next_private_jwk;
  PublicKey current;
  std::optional<PublicKey> next;      ///< Made, and not known to everybody yet.
  std::optional<PublicKey> previous;  ///< Signs no more; tokens of it may still be on their way.
  std::string requested;              ///< The rotation that was asked for last.
  std::string begun;                  ///< The rotation that was begun last.
  std::optional<WallTime> next_since;
  std::optional<WallTime> switched_at;

  static std::optional<KeySecret> from(const Json& secret);
};

/// What is kept of a ConfigMap "berth-keys".
struct KeyMap {
  std::string ns;
  std::string uid;
  std::string version;
  bool ours = false;  ///< Carries our label.
  std::string jwks;
  std::string status;  ///< The annotation with the progress.

  static std::optional<KeyMap> from(const Json& config_map);
};

/// Somebody who must know a key before it signs.
struct KeyHolder {
  enum class Kind { kWorker, kGateway };
  Kind kind = Kind::kWorker;
  std::string name;      ///< "default/files-0", or a gateway's origin.
  bool started = true;   ///< A pod that never started reads its keys when it does.
  bool readable = true;  ///< Has answered, and not too long ago.
  /// What it reports. Nothing: it is older and does not.
  std::optional<std::set<std::string>> keys;
  std::string signing;  ///< A gateway's: the id of the key that signs its calls.
};

struct ObservedKeys {
  std::map<KeyKind, KeySecret> secrets;  ///< Absent: there is none.
  std::map<std::string, KeyMap> maps;    ///< By namespace.
  std::string own_namespace;
  std::set<std::string> namespaces;  ///< That have a pool.
  /// Whose pools, workers or keys could not be read yet: there may be workers that are not in
  /// `holders`.
  std::set<std::string> unread;
  std::vector<KeyHolder> holders;
  bool gateways_known = true;  ///< False: there may be gateways that are not in `holders`.
};

}  // namespace berth::op
