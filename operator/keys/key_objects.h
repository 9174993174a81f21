#pragma once

#include <string>

#include "operator/keys/plan_keys.h"

/// What is written: whole objects, and merge patches that fail when the object is not as it was
/// seen.
namespace berth::op {

Json make_key_secret(const std::string& ns, KeyKind kind, const auth::SigningKey& key);
Json next_key_patch(const KeySecret& seen, const auth::SigningKey& next, WallTime now);
Json switch_patch(const KeySecret& seen, WallTime now);
Json drop_previous_patch(const KeySecret& seen);

Json make_key_map(const std::string& ns, const std::string& name, const std::string& jwks);
Json publish_patch(const KeyMap& seen, const std::string& jwks);
Json status_patch(const KeyMap& seen, const std::string& status);

}  // namespace berth::op
