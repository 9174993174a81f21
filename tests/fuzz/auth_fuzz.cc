// The bytes of strangers that lib/auth reads: a bearer token, and the key set that decides about
// it. The first byte chooses; tokens are tried as they are and with their first two parts properly
// signed, to reach the claims.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "berth/auth/control_token.h"
#include "berth/auth/session_token.h"
#include "tests/fakes/manual_loop.h"
#include "tests/fakes/seeded_random.h"
#include "tests/unit/auth/forge.h"

namespace {

using namespace berth;
using namespace berth::auth;

const std::set<Scope> kBoth = {Scope::kCreate, Scope::kOperate};

struct World {
  fakes::ManualClock clock;
  fakes::SeededRandom random;
  SigningKey key = SigningKey::generate(Scope::kCreate, random).value();
  KeySet keys{"pod-1", clock};
};

void require(bool ok) {
  if (!ok) {
    std::abort();
  }
}

void check_signed(World& world, std::string_view payload) {
  const std::string header = R"({"alg":"EdDSA","kid":")" + world.key.id() + "\"}";
  const auto result = world.keys.verify(forge(world.key, header, std::string(payload)), kBoth);
  // Whatever the claims say, the scope is the key's.
  require(!result || result->scope == Scope::kCreate);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  World world;
  require(world.keys.load_jwks(make_jwks({&world.key})).has_value());
  switch (data[0] % 5) {
    case 0:
      // Nobody finds a valid signature by chance.
      require(!world.keys.verify(text, kBoth));
      break;
    case 1:
      check_signed(world, text);
      break;
    case 2:
      if (const auto loaded = world.keys.load_jwks(text); loaded) {
        require(!world.keys.key_ids().empty());
      } else {
        require(world.keys.key_ids() == std::set<std::string>{world.key.id()});
      }
      break;
    case 3:
      if (const auto key = SigningKey::parse(text); key) {
        require(SigningKey::parse(key->private_jwk()).has_value());
      }
      break;
    default:
      if (const auto bytes = base64url_decode(text); bytes) {
        require(base64url_encode(*bytes) == text);
      }
      bearer_token(text);
  }
  return 0;
}
