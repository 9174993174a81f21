#include "cli/kubectl/kubectl.h"

#include <sstream>
#include <string_view>

#include "cli/kubectl/run_process.h"

namespace berth::cli {
namespace {

// Long enough for a person who logs in through an exec plugin.
constexpr Duration kLimit = std::chrono::minutes(2);
constexpr std::size_t kMostText = 2000;

bool has(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

std::string trimmed(std::string text) {
  const auto blank = [](char c) { return c == '\n' || c == ' ' || c == '\r' || c == '\t'; };
  while (!text.empty() && blank(text.back())) {
    text.pop_back();
  }
  std::size_t start = 0;
  while (start < text.size() && blank(text[start])) {
    ++start;
  }
  return text.substr(start);
}

// Without the lines that its libraries log: "E1128 14:02:29.258797 10537 memcache.go:265] ...".
std::string own_words(const std::string& written) {
  const auto logged = [](const std::string& line) {
    return line.size() > 5 && std::string_view("EWIF").find(line[0]) != std::string_view::npos &&
           line.find_first_not_of("0123456789", 1) == 5 && line[5] == ' ';
  };
  std::string out;
  std::istringstream lines(written);
  for (std::string line; std::getline(lines, line);) {
    line = trimmed(line);
    if (!line.empty() && !logged(line)) {
      out += (out.empty() ? "" : "; ") + line;
    }
  }
  return out.empty() ? trimmed(written) : out;
}

std::string way_out(const std::string& text) {
  if (has(text, "serviceaccounts/token")) {
    return "; that needs the verb create on serviceaccounts/token there, or another way in: "
           "--token-file, $BERTH_TOKEN";
  }
  if (has(text, "pods/portforward")) {
    return "; that needs the verb create on pods/portforward there, or another way in: --gateway";
  }
  if (has(text, "NotFound") && has(text, "serviceaccounts")) {
    return "; name one with --as-service-account";
  }
  if (has(text, "NotFound") && has(text, "services ")) {
    return "; is Berth installed there? Else name the gateway's Service with --gateway-namespace "
           "and --gateway-service";
  }
  if (has(text, "the server doesn't have a resource type")) {
    return "; is Berth installed in that cluster?";
  }
  return "";
}

}  // namespace

Error kubectl_error(const std::string& doing, const std::string& written) {
  const std::string text = own_words(written).substr(0, kMostText);
  const ErrorCode code = has(text, "(Forbidden)") || has(text, "is forbidden")
                             ? ErrorCode::kPermissionDenied
                         : has(text, "(NotFound)")     ? ErrorCode::kNotFound
                         : has(text, "(Unauthorized)") ? ErrorCode::kUnauthenticated
                                                       : ErrorCode::kUnavailable;
  return Error::make(
      code, "Kubectl",
      doing + " with kubectl: " + (text.empty() ? "it wrote nothing" : text) + way_out(text));
}

Result<Kubectl> Kubectl::find(const Flags& flags) {
  auto program = find_program("kubectl");
  if (!program) {
    return fail(Error::make(ErrorCode::kNotFound, "KubectlNotFound",
                            program.error().message +
                                "; install it, or give the gateway's address and a token by "
                                "--gateway and --token-file"));
  }
  Kubectl k;
  k.program_ = *std::move(program);
  if (!flags.kubeconfig.empty()) {
    k.global_args_.push_back("--kubeconfig=" + flags.kubeconfig);
  }
  if (!flags.context.empty()) {
    k.global_args_.push_back("--context=" + flags.context);
  }
  return k;
}

Result<std::string> Kubectl::run(const std::vector<std::string>& args,
                                 const std::string& doing) const {
  std::vector<std::string> all = global_args_;
  all.insert(all.end(), args.begin(), args.end());
  auto ran = run_process(program_, all, kLimit);
  if (!ran) {
    return fail(std::move(ran).error().wrap(doing));
  }
  if (ran->status != 0) {
    return fail(kubectl_error(doing, ran->err));
  }
  return std::move(ran->out);
}

Result<std::string> Kubectl::context_namespace() const {
  BERTH_ASSIGN(const std::string ns,
               run({"config", "view", "--minify", "--output=jsonpath={..namespace}"},
                   "reading the kubeconfig"));
  const std::string text = trimmed(ns);
  return text.empty() ? "default" : text;
}

Result<std::string> Kubectl::create_token(const std::string& ns, const std::string& account) const {
  BERTH_ASSIGN(
      const std::string token,
      run({"create", "token", account, "--namespace=" + ns, "--audience=berth", "--duration=1h"},
          "getting a token of the service account " + ns + "/" + account));
  const std::string text = trimmed(token);
  if (text.empty() || text.find_first_of(" \n\t") != std::string::npos) {
    return fail(Error::internal("what `kubectl create token` printed is no token"));
  }
  return text;
}

}  // namespace berth::cli
