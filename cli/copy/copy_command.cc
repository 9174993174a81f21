#include "cli/copy/copy_command.h"

#include "berth/api/ids.h"
#include "cli/session/handles.h"

namespace berth::cli {

CopyEnd parse_copy_end(const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos || colon == 0 || text.find('/') < colon ||
      !api::check_id(text.substr(0, colon), "session")) {
    return {"", text};
  }
  return {text.substr(0, colon), text.substr(colon + 1)};
}

int copy_file(const Flags& flags, const std::string& from, const std::string& to) {
  const CopyEnd source = parse_copy_end(from);
  CopyEnd target = parse_copy_end(to);
  if (source.session.empty() == target.session.empty()) {
    return report(Error::invalid(
        "FROM TO",
        "exactly one of them must be SESSION:path; a local name with a colon is written ./a:b"));
  }
  const bool upload = source.session.empty();
  const Result<SavedSession> saved = load_session(upload ? target.session : source.session);
  const Result<Connection> connection = connect(flags);
  if (!saved || !connection) {
    return report(!saved ? saved.error() : connection.error());
  }
  const std::string name = std::filesystem::path(source.path).filename().string();
  if (target.path.empty() || target.path.back() == '/') {
    target.path += name;
  } else if (!upload && std::filesystem::is_directory(target.path)) {
    target.path += "/" + name;
  }
  client::Client client(client_options(*connection, saved->handle.pool));
  const client::Context session = client::attach_session(client.context(), saved->handle, true);
  auto done = upload ? client::put_file(session, target.path, source.path).get()
                     : client::get_file(session, source.path, target.path).get();
  if (done) {
    return 0;
  }
  if (done.error().error.field == "local") {
    done.error().error.field = upload ? "FROM" : "TO";
  }
  return report(done.error());
}

}  // namespace berth::cli
