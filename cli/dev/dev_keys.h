#pragma once

#include <filesystem>
#include <string>

#include "berth/base/error.h"
#include "berth/base/random.h"

namespace berth::cli {

/// The secrets of one `berth dev`, made anew at each start, in files that only their user can read.
struct DevKeys {
  std::filesystem::path token_file;    ///< What callers show to the gateway.
  std::filesystem::path gateway_key;   ///< Private JWK, scope create.
  std::filesystem::path operator_key;  ///< Private JWK, scope operate.
  std::filesystem::path jwks_file;     ///< Both public halves.
  std::string token;                   ///< What the token file holds.
  std::string jwks;
  std::string cluster_token;  ///< For the API server.

  static Result<DevKeys> make(const std::filesystem::path& dir, Random& random);
};

}  // namespace berth::cli
