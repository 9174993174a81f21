#include <iostream>

#include "berth/client/client.h"

int main() {
  using namespace std::chrono_literals;
  // Nobody listens there: the call must end by itself with the right kind of error.
  berth::client::Client client({.gateway = "http://127.0.0.1:9", .pool = "none"});
  const auto session = create_session(client.context(), {.creation_timeout = 200ms}).get();
  std::cout << session.error().text() << "\n";
  const auto kind = session.error().kind;
  return kind == berth::client::ErrorKind::kUnavailable ||
                 kind == berth::client::ErrorKind::kCreationTimeout
             ? 0
             : 1;
}
