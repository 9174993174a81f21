#include "cli/dev/dev_keys.h"

#include "berth/auth/control_token.h"
#include "berth/auth/session_token.h"
#include "berth/base/file.h"

namespace berth::cli {

Result<DevKeys> DevKeys::make(const std::filesystem::path& dir, Random& random) {
  DevKeys k;
  k.token_file = dir / "token";
  k.gateway_key = dir / "gateway.jwk";
  k.operator_key = dir / "operator.jwk";
  k.jwks_file = dir / "jwks.json";
  k.cluster_token = auth::make_session_token(random);
  BERTH_ASSIGN(const auth::SigningKey gateway,
               auth::SigningKey::generate(auth::Scope::kCreate, random));
  BERTH_ASSIGN(const auth::SigningKey op,
               auth::SigningKey::generate(auth::Scope::kOperate, random));
  k.jwks = auth::make_jwks({&gateway, &op});
  k.token = auth::make_session_token(random);
  BERTH_TRY(write_file_atomic(k.token_file, k.token + "\n", 0600));
  BERTH_TRY(write_file_atomic(k.gateway_key, gateway.private_jwk(), 0600));
  BERTH_TRY(write_file_atomic(k.operator_key, op.private_jwk(), 0600));
  BERTH_TRY(write_file_atomic(k.jwks_file, k.jwks, 0600));
  return k;
}

}  // namespace berth::cli
