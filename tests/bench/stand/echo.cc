#include "tests/bench/stand/echo.h"

#include "berth/base/file.h"
#include "tests/bench/load/generator.h"
#include "tests/bench/stand/usage.h"

namespace berth::bench {

Result<Echo> Echo::like(const Target& subject, const std::filesystem::path& bin,
                        const std::filesystem::path& dir) {
  const std::string id = new_session_id();
  std::string created;
  std::string completed;
  BERTH_ASSIGN(const std::string answer, ask(subject, create_request(subject, id), 201, &created));
  // A worker answers 200 when the session has ended by then, which it has when nothing ran in it.
  BERTH_TRY(ask(subject, complete_request(subject, id, answer), 200, &completed));
  BERTH_TRY(write_file_atomic(dir / "create.http", created));
  BERTH_TRY(write_file_atomic(dir / "complete.http", completed));

  Child::Spec spec{"echo", bin / "bench-echo", {}, dir, server_core()};
  spec.args = {Child::port_file(spec).string(), (dir / "create.http").string(),
               (dir / "complete.http").string()};
  Echo echo;
  BERTH_ASSIGN(echo.child_, Child::start(spec));
  echo.target_ = subject;
  echo.target_.host = "127.0.0.1";
  echo.target_.port = port_of(string_at(echo.child_->ports(), {"listen"}));
  return echo;
}

}  // namespace berth::bench
