#include "worker/api/file_routes.h"

#include <charconv>

#include "worker/api/touching_source.h"

namespace berth::worker {
namespace {

// A transfer in progress: lives in its own callbacks until it is answered or the client has gone.
struct Transfer {
  explicit Transfer(SessionCall c) : call(std::move(c)) {}
  SessionCall call;
  Cancel running;
};

std::optional<std::uint64_t> announced_length(const http::Request& request) {
  const std::string_view text = request.headers.get("Content-Length");
  std::uint64_t length = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), length);
  return !text.empty() && ec == std::errc() && end == text.data() + text.size()
             ? std::optional(length)
             : std::nullopt;
}

// Ties the transfer to its exchange: a client that goes away aborts it.
std::shared_ptr<Transfer> begin(const SessionCall& call) {
  auto transfer = std::make_shared<Transfer>(call);
  call.shared()->on_client_gone([transfer] { transfer->running.cancel(); });
  return transfer;
}

void put(WorkerService& service, FileStore& store, const SessionCall& call) {
  if (const auto directory = service.directory(call.id()); !directory) {
    call.reply(directory.error());
    return;
  }
  service.touched(call.id());
  const http::Request& request = call.exchange().request();
  const auto transfer = begin(call);
  transfer->running =
      store.put(call.id(), call.exchange().param("path"),
                std::make_shared<TouchingSource>(request.body_source, service, call.id()),
                announced_length(request), [&service, call](Result<FileStore::Written> written) {
                  service.touched(call.id());
                  if (written) {
                    call.reply(written->created ? 201 : 200, {{"bytes", written->bytes}});
                  } else {
                    call.reply(written.error());
                  }
                });
}

void get(WorkerService& service, FileStore& store, const SessionCall& call) {
  if (const auto directory = service.directory(call.id()); !directory) {
    call.reply(directory.error());
    return;
  }
  service.touched(call.id());
  const auto transfer = begin(call);
  transfer->running = store.get(
      call.id(), call.exchange().param("path"), [&service, call](Result<FileStore::Opened> opened) {
        if (!opened) {
          call.reply(opened.error());
        } else if (opened->file == nullptr) {
          call.reply(200, opened->listing);
        } else {
          http::Response response;
          response.headers.set("Content-Type", "application/octet-stream");
          response.body_source =
              std::make_shared<TouchingSource>(std::move(opened->file), service, call.id());
          call.reply(std::move(response));
        }
      });
}

}  // namespace

void add_file_routes(http::Router& router, WorkerService& service, FileStore& store,
                     std::int64_t max_file_bytes) {
  const auto owned = [&service, &store](auto handler) -> http::Handler {
    return [&service, &store, handler](const ExchangePtr& exchange) {
      if (const auto call = SessionCall::open(service, exchange)) {
        handler(service, store, *call);
      }
    };
  };
  const char* pattern = "/v1/sessions/{id}/files/{path...}";
  router.add("PUT", pattern, owned(put),
             {.max_bytes = static_cast<std::uint64_t>(max_file_bytes), .stream = true});
  router.add("GET", pattern, owned(get));
}

}  // namespace berth::worker
