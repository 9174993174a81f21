#include "gateway/api/audit.h"

#include "berth/http/server.h"

namespace berth::gateway {
namespace {

constexpr std::size_t kMaxValue = 256;

}  // namespace

void AuditLog::write(const AuditEvent& event) const {
  const auto cut = [](std::string_view text) { return text.substr(0, kMaxValue); };
  log_.info(cut(event.action), {{"audit", true},
                                {"owner", cut(event.owner)},
                                {"namespace", cut(event.ns)},
                                {"pool", cut(event.pool)},
                                {"session", cut(event.session)},
                                {"worker", cut(event.worker)},
                                {"outcome", cut(event.outcome)},
                                {"source", cut(event.source)}});
}

std::string outcome_of(const http::Response& answer) {
  return answer.status < 400 ? "ok"
                             : std::string(http::error_from_response(answer).reason_or_code());
}

}  // namespace berth::gateway
