#include "cli/kubectl/port_forward.h"

#include <signal.h>

#include <functional>

#include "berth/base/random.h"
#include "cli/kubectl/tunnel.h"
#include "tests/unit/cli/cli_fixture.h"

namespace berth::cli {
namespace {

TEST(ForwardedPort, IsReadFromTheLineOfTheIpv4Address) {
  EXPECT_EQ(forwarded_port("Forwarding from 127.0.0.1:40001 -> 7070"), 40001);
  for (const char* line :
       {"", "Forwarding from [::1]:40001 -> 7070", "Forwarding from 127.0.0.1:0 -> 7070",
        "Forwarding from 127.0.0.1:70000 -> 7070", "Forwarding from 127.0.0.1:x -> 7070",
        "Forwarding from 127.0.0.1:80", "Handling connection for 40001"}) {
    EXPECT_FALSE(forwarded_port(line)) << line;
  }
}

/// A `kubectl port-forward` that writes down its number and arguments, and ends when told.
constexpr const char* kForward = R"(
echo "$@" >> "$TEST_DIR/args"
echo "Forwarding from 127.0.0.1:40001 -> 7070"
echo "Forwarding from [::1]:40001 -> 7070"
echo "Handling connection for 40001"
echo $$ > "$TEST_DIR/pid"
exec sleep 1000
)";

class PortForwardTest : public CliTest {
 protected:
  PortForward::Spec spec() {
    return {dir_ / "bin" / "kubectl", {"--context=prod"}, "berth-system", "berth-gateway", 7070};
  }
  int pid() const { return std::atoi(read("pid").c_str()); }
  bool run_until(const std::function<bool()>& condition) {
    bool late = false;
    const Cancel guard = loop_.call_after(60s, [&] {
      late = true;
      loop_.stop();
    });
    Cancel ticker;
    std::function<void()> tick = [&] {
      condition() ? loop_.stop() : void(ticker = loop_.call_after(5ms, tick));
    };
    loop_.post(tick);
    loop_.run();
    return !late;
  }

  AsioLoop loop_;
  SystemRandom random_;
  std::vector<std::string> trouble_;
};

TEST_F(PortForwardTest, TakesAnyPortAndKeepsItWhenTheForwardingBreaks) {
  install("kubectl", kForward);
  std::optional<Result<int>> port;
  {
    PortForward forward(loop_, random_, spec(),
                        [&](const std::string& why) { trouble_.push_back(why); });
    forward.start([&](Result<int> p) { port = p; });
    ASSERT_TRUE(run_until([&] { return port && pid() > 0; }));
    ASSERT_TRUE(*port) << port->error().text();
    EXPECT_EQ(**port, 40001);
    const int first = pid();
    ASSERT_EQ(::kill(first, SIGKILL), 0);
    ASSERT_TRUE(run_until([&] { return pid() != first && pid() > 0; }));
    EXPECT_EQ(trouble_.size(), 1U);
    EXPECT_EQ(read("args"),
              "--context=prod port-forward --namespace=berth-system --address=127.0.0.1 "
              "service/berth-gateway :7070\n"
              "--context=prod port-forward --namespace=berth-system --address=127.0.0.1 "
              "service/berth-gateway 40001:7070\n");
  }
  EXPECT_EQ(::kill(pid(), 0), -1) << "it ends with its owner";
}

TEST_F(PortForwardTest, AFailureAtTheStartIsTheAnswer) {
  install("kubectl",
          "echo 'Error from server (NotFound): services \"berth-gateway\" not found' >&2; exit 1");
  std::optional<Result<int>> port;
  PortForward forward(loop_, random_, spec(), [](const std::string&) { FAIL(); });
  forward.start([&](Result<int> p) { port = p; });
  ASSERT_TRUE(run_until([&] { return port.has_value(); }));
  ASSERT_FALSE(*port);
  EXPECT_EQ(port->error().code, ErrorCode::kNotFound);
  EXPECT_THAT(port->error().message, HasSubstr("--gateway-namespace"));
}

class TunnelTest : public PortForwardTest {
 protected:
  Tunnel::Spec tunnel(bool forward, bool account) {
    Tunnel::Spec s{*Kubectl::find({}), std::nullopt, std::nullopt};
    if (forward) {
      s.forward = spec();
    }
    if (account) {
      s.account = {"team", "ci"};
    }
    return s;
  }
};

TEST_F(TunnelTest, HasAddressAndTokenAndEndsWhatItStarted) {
  install("kubectl", std::string("case \"$*\" in *create*) echo a-token; exit;; esac") + kForward);
  auto open = Tunnel::open(tunnel(true, true));
  ASSERT_TRUE(open) << open.error().text();
  EXPECT_EQ((*open)->gateway(), "http://127.0.0.1:40001");
  EXPECT_EQ((*open)->token(), "a-token");
  ASSERT_TRUE(run_until([&] { return pid() > 0; }));
  open->reset();
  EXPECT_EQ(::kill(pid(), 0), -1);
}

TEST_F(TunnelTest, WithoutATokenNothingIsForwarded) {
  install("kubectl",
          std::string("case \"$*\" in *create*) echo forbidden >&2; exit 1;; esac") + kForward);
  const auto open = Tunnel::open(tunnel(true, true));
  ASSERT_FALSE(open);
  EXPECT_THAT(open.error().text(), HasSubstr("service account team/ci"));
  EXPECT_EQ(read("args"), "");
}

TEST_F(TunnelTest, ATokenAloneNeedsNoForwarding) {
  install("kubectl", "echo a-token");
  const auto open = Tunnel::open(tunnel(false, true));
  ASSERT_TRUE(open);
  EXPECT_EQ((*open)->gateway(), "");
  EXPECT_EQ((*open)->token(), "a-token");
}

}  // namespace
}  // namespace berth::cli
