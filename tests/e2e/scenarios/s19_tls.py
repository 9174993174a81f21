"""TLS is turned on, seen by a Prometheus, certificates and their authority are exchanged under load: no session notices."""

import base64
import os
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

from scenarios.s17_prometheus import live, programs as metrics_of_one, queries, reference
from stand.discovery import pod_targets
from stand.images import REPOSITORY
from stand.load import Load
from stand.pki import Authority
from stand.process import wait_until
from stand.sessions import Refused, Trust, request
from stand.world import SYSTEM, Pool, name

LIMIT = 4
WORKERS, GATEWAY, BUNDLE = "berth-workers-tls", "berth-gateway-tls", "berth-ca"
SERVICE = f"berth-gateway.{SYSTEM}.svc"
OVERLAY = Path(__file__).resolve().parents[1] / "tls"
CERTIFICATE_READ, BUNDLE_READ = '"certificate loaded"', '"CA bundle loaded"'


def run(world):
    folder = world.cluster.folder / "tls"
    folder.mkdir()
    first, second = Authority(folder / "first", "first"), Authority(folder / "second", "second")
    trust = Trust(folder / "bundle.crt", SERVICE)
    namespace = world.namespace("tls")
    vouch(world, trust, first)
    certify(world, first, namespace)
    with turned_on(world):
        pool = Pool(world, namespace, "pool").create({
            "worker": {"tls": {"secretName": WORKERS}}, "sessions": {"maxPerWorker": LIMIT}, "workers": 2})
        pool.caller.addresses, pool.caller.trust = [f"https://{a}" for a in world.gateways()], trust
        broken = world.pool("no-tls", worker={"tls": {"secretName": WORKERS}}, workers=1)
        pool.wait_ready(2)
        watched(world, pool)
        strangers(world, pool, second)
        said(broken, "FailedMount", f"needs Secret {WORKERS} with tls.crt and tls.key")
        put_secret(world, broken.namespace, WORKERS, second.certificate("wrong", "/CN=workers", "DNS:workers.elsewhere.berth"))
        under_load(world, pool, trust, first, second)
        said(broken, f"is not for workers.{broken.namespace}.berth (it is for workers.elsewhere.berth)")
        pool.remove()
        broken.remove()


def under_load(world, pool, trust, first, second):
    """Both authorities into the bundles, then certificates of the other one, then the first one out. One session lives through it."""
    failures = handshake_failures(world, pool)
    held = pool.open()
    with Load(pool, callers=5, limit=LIMIT, length=(0.0, 1.0), pause=(0.0, 0.2)) as load:
        for step, line, change in (
                ("both authorities are trusted", BUNDLE_READ, lambda: vouch(world, trust, first, second)),
                ("certificates of the second are shown", CERTIFICATE_READ, lambda: certify(world, second, pool.namespace)),
                ("the first is trusted no more", BUNDLE_READ, lambda: vouch(world, trust, second))):
            before = times_read(world, pool, line)
            change()
            wait_until(step, lambda: nudge(world, pool) and all(n > before[p] for p, n in times_read(world, pool, line).items()),
                       60, 1, pool.describe)
            served = load.done
            wait_until("sessions go on", lambda: load.done >= served + 10, 30, 0.1, pool.describe)
            print(f"   {step}; {load.done} sessions done, {len(load.troubles)} troubles", flush=True)
    load.check(at_least=30)
    assert held.lost is None and held.run("echo", "held").strip() == "held"
    held.complete()
    assert handshake_failures(world, pool) == failures, "somebody was refused, and has asked again"
    ended = lambda **reason: sum(world.metrics_of(w).sum("berth_worker_sessions_ended_total", **reason) for w in pool.workers())
    wait_until("all sessions have ended", lambda: ended() == load.done + 1, 10, 0.2, lambda: f"{ended()} of {load.done + 1}")
    assert ended(reason="Completed") == load.done + 1, "some were not ended by their owner"


def watched(world, pool):
    """The panel and the alerts about certificates have the series that they ask for, and nobody is alarmed."""
    prometheus = live.Prometheus(world.cluster.folder / "prometheus", "1s", (REPOSITORY / "dashboards/prometheus.yaml").read_text())
    try:
        prometheus.set_targets(pod_targets(programs(world) + pool.workers()))
        panel = next(p for d in queries.dashboards() for p in queries.drawn(d) if p["title"] == "Certificates: time left")
        left = lambda: {s["metric"]["job"]: float(s["value"][1])
                        for s in prometheus.api("query", query=queries.filled(panel["targets"][0]["expr"], 60))["result"]}
        wait_until("gateways and workers show when their certificates expire", lambda: set(left()) == {"berth-gateway", "berth-workers"},
                   60, 0.5, lambda: str(prometheus.api("targets")))
        assert all(86400 < seconds < 2 * 86400 for seconds in left().values()), f"certificates of two days: {left()}"
        rules = {r["name"]: r for g in prometheus.api("rules")["groups"] for r in g["rules"] if "Certificate" in r["name"]}
        assert set(rules) == {"BerthCertificateExpiring", "BerthCertificateExpired"}, rules
        assert all(r["health"] == "ok" and r["state"] == "inactive" for r in rules.values()), rules
        texts = {program: live.get(f"http://{address}/metrics") for program, address in metrics_of_one(world, pool).items()}
        del texts["operator"]  # It serves no TLS.
        wrong = queries.check_metrics(texts) + reference.with_tls(texts)
        assert not wrong, "\n".join(wrong)
    finally:
        prometheus.stop()


def strangers(world, pool, other):
    """Who does not trust the authority, asks for another name, or speaks plain HTTP is told so."""
    gateway, worker = pool.caller.addresses[0], pool.ready_workers()[0]
    for told, ca, address, server_name in (
            ("not signed by a certificate authority that is trusted here", other.ca, gateway, SERVICE),
            (f"its certificate is not for other.example (it is for {SERVICE}", pool.caller.trust.bundle, gateway, "other.example"),
            ("https://", pool.caller.trust.bundle, gateway.replace("https", "http"), SERVICE)):
        done = subprocess.run([world.programs / "berth", "session", "list", "--pool", pool.name, "-n", pool.namespace],
                              capture_output=True, text=True, timeout=60, check=False, env={
                                  **os.environ, "BERTH_GATEWAY": address, "BERTH_CA_FILE": str(ca), "BERTH_SERVER_NAME": server_name,
                                  "BERTH_TOKEN": pool.caller.token})
        assert done.returncode != 0 and told in done.stderr, (told, done)
    for plain in (gateway.removeprefix("https://"), f"{worker['status']['podIP']}:7600"):
        try:
            request(plain, "GET", "/v1/sessions", pool.caller.token)
        except Refused as e:
            assert e.status == 400 and e.code == "TlsRequired" and "https://" in str(e), e
        else:
            raise AssertionError(f"{plain} took plain HTTP")


def said(pool, *words):
    """The pool's condition tells what keeps its worker from serving."""
    def told():
        condition = pool.condition("Degraded")
        return condition.get("reason") == "CertificateUnusable" and all(w in condition["message"] for w in words)

    wait_until(f"the pool says {words}", told, 45, 0.3, pool.describe)


# What a person does.

@contextmanager
def turned_on(world):
    try:
        world.install(OVERLAY)
        rolled_out(world)
        yield
    finally:
        world.install()
        rolled_out(world)


def rolled_out(world):
    for deployment in ("berth-operator", "berth-gateway"):
        world.kubectl("rollout", "status", f"deployment/{deployment}", "-n", SYSTEM, "--timeout=120s")
    world.wait_for_berth()


def vouch(world, trust, *authorities):
    """The bundle of clients, gateways and operators holds these."""
    text = "".join(a.ca.read_text() for a in authorities)
    trust.bundle.with_suffix(".new").write_text(text)
    trust.bundle.with_suffix(".new").rename(trust.bundle)
    apply(world, SYSTEM, {"kind": "ConfigMap", "metadata": {"name": BUNDLE}, "data": {"ca.crt": text}})


def certify(world, authority, namespace):
    put_secret(world, namespace, WORKERS, authority.certificate("workers", "/CN=workers", f"DNS:workers.{namespace}.berth"))
    put_secret(world, SYSTEM, GATEWAY, authority.certificate("gateway", "/CN=gateway", f"DNS:{SERVICE}"))


def put_secret(world, namespace, secret, pair):
    data = {key: base64.b64encode(file.read_bytes()).decode() for key, file in zip(("tls.crt", "tls.key"), pair)}
    apply(world, namespace, {"kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": secret}, "data": data})


def apply(world, namespace, thing):
    world.api.call("PATCH", f"/api/v1/namespaces/{namespace}/{thing['kind'].lower()}s/{thing['metadata']['name']}"
                   "?fieldManager=e2e&force=true", {"apiVersion": "v1", **thing}, "application/apply-patch+yaml")


# What is seen of it.

def programs(world):
    return world.system_pods("berth-gateway") + world.system_pods("berth-operator")


def nudge(world, pool):
    """A kubelet brings what has changed into a pod when it next looks at it: within about a minute, or when the pod itself changes."""
    for pod in programs(world) + pool.workers():
        world.api.merge(f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{name(pod)}",
                        {"metadata": {"annotations": {"e2e/nudge": str(time.monotonic())}}})
    return True


def times_read(world, pool, line):
    """How often each program that follows such a file has read a new one."""
    followers = programs(world) if line == BUNDLE_READ else world.system_pods("berth-gateway") + pool.workers()
    return {name(p): world.kubectl("logs", name(p), "-n", p["metadata"]["namespace"]).count(line) for p in followers}


def handshake_failures(world, pool):
    return sum(world.metrics_of(p).sum("berth_tls_handshake_failures_total")
               for p in world.system_pods("berth-gateway") + pool.workers())
