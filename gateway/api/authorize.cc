#include "gateway/api/authorize.h"

#include <charconv>
#include <string>
#include <utility>

namespace berth::gateway {

AuditEvent event_of(const Access& access, const http::Exchange& exchange) {
  return {.action = access.verb == Access::Verb::kCreate ? "create" : "list",
          .ns = access.ns,
          .pool = access.pool,
          .source = exchange.peer()};
}

void authorize(const Door& door, const std::shared_ptr<http::Exchange>& exchange,
               const Access& access, std::function<void(const Identity&)> then) {
  const auto pending = std::make_shared<Cancel>();
  Cancel check = door.authenticator.check(
      exchange->request(), access,
      [exchange, access, &audit = door.audit, then = std::move(then)](AccessVerdict identity) {
        if (identity) {
          then(*identity);
          return;
        }
        AuditEvent event = event_of(access, *exchange);
        event.owner = identity.error().owner;
        event.outcome = identity.error().reason_or_code();
        audit.write(event);
        exchange->reply(identity.error());
      });
  if (check) {
    *pending = std::move(check);
    // Keeps the check alive until somebody replaces this, which `then` does, or the answer is out.
    exchange->on_client_gone([pending] { pending->cancel(); });
  }
}

Result<std::int64_t> int_query(const http::Request& request, std::string_view name,
                               std::int64_t absent, std::int64_t min, std::int64_t max) {
  const auto text = request.query(name);
  if (!text) {
    return absent;
  }
  std::int64_t value = 0;
  const char* end = text->data() + text->size();
  const auto [stop, ec] = std::from_chars(text->data(), end, value);
  if (ec != std::errc() || stop != end || value < min || value > max) {
    return fail(Error::invalid(
        std::string(name),
        "must be a whole number from " + std::to_string(min) + " to " + std::to_string(max)));
  }
  return value;
}

Result<bool> bool_query(const http::Request& request, std::string_view name) {
  const std::string text = request.query(name).value_or("false");
  if (text != "true" && text != "false") {
    return fail(Error::invalid(std::string(name), "must be true or false"));
  }
  return text == "true";
}

}  // namespace berth::gateway
