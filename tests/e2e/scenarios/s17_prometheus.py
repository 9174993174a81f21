"""A real Prometheus, set up by dashboards/prometheus.yaml, scrapes Berth under load: every panel and every alert has its series."""

import shutil
import sys
import threading
import time

from stand.discovery import pod_targets
from stand.images import REPOSITORY
from stand.load import Load
from stand.process import wait_until
from stand.sessions import Caller, Refused
from stand.world import SYSTEM

sys.path.append(str(REPOSITORY / "dashboards"))

import live  # noqa: E402
import picture  # noqa: E402
import queries  # noqa: E402
import reference  # noqa: E402

LIMIT = 3
SECONDS = 30
FOLDER = REPOSITORY / "build/e2e/prometheus"
# No Temporal here: dashboards/proof.py has these.
WITH_TEMPORAL = {"berth_temporal_server_up", "berth_temporal_reservations_failed_total"}
EMPTY = {"Certificates: time left": "no TLS here: s19_tls"} | {
    title: "no Temporal here" for title in ("Workflows' sessions", "Workflows' sessions ended, by reason", "What keeps workflows from sessions")}


def run(world):
    shutil.rmtree(FOLDER, ignore_errors=True)
    busy = world.pool("scraped", sessions={"maxPerWorker": LIMIT},
                      scaling={"minWorkers": 1, "maxWorkers": 4, "freeSlots": 1,
                               "scaleDown": {"stabilizationWindow": "1s"}})
    tight = world.pool("tight", sessions={"maxPerWorker": 2}, scaling={"minWorkers": 1, "maxWorkers": 1, "freeSlots": 1})
    pools = (busy, tight)
    for pool in pools:
        pool.wait_ready(1)
    prometheus = live.Prometheus(FOLDER, "1s", (REPOSITORY / "dashboards/prometheus.yaml").read_text())
    try:
        # A counter's rise is seen only from a first value.
        wait_until("both operators, both gateways and a worker of each pool are scraped", lambda: scraped(world, prometheus, pools) >= 6,
                   60, 0.5, lambda: str(prometheus.api("targets")))
        start = time.time()
        with Load(busy, callers=8, limit=LIMIT, pause=(0.0, 3.0)) as load, Troubles(world, tight) as troubles:
            while time.time() < start + SECONDS:
                scraped(world, prometheus, pools)
                time.sleep(1)  # Between two looks for new workers.
            texts = {job: live.get(f"http://{address}/metrics") for job, address in programs(world, tight).items()}
        load.check(at_least=30)
        troubles.check()
        end = time.time()
        picture.draw(prometheus, queries.dashboards(), start - 5, end, REPOSITORY / "build/e2e/pictures")
        panels, wrong = queries.check_panels(prometheus, start, end, EMPTY)
        alerts, more = queries.check_alerts(prometheus, start, end, WITH_TEMPORAL)
    finally:
        prometheus.stop()
    (FOLDER / "answers.md").write_text("\n".join([*panels, "", *alerts, ""]))
    wrong += more + queries.check_metrics(texts) + reference.undocumented(texts)
    assert not wrong, "\n".join(wrong)
    print(f"   {len(panels) - 2} panels and {len(alerts) - 2} alerts have their series; {load.done} sessions done", flush=True)
    for pool in pools:
        pool.remove()


def scraped(world, prometheus, pools) -> int:
    """Tells Prometheus which pods there are, and returns how many answered its last scrape."""
    namespaces = [SYSTEM, *(p.namespace for p in pools)]
    prometheus.set_targets(pod_targets([p for n in namespaces for p in world.api.pods(n)]))
    answer = prometheus.api("query", query="count(up == 1)")["result"]
    return int(answer[0]["value"][1]) if answer else 0


def programs(world, pool) -> dict[str, str]:
    """The metrics' address of one of each."""
    pods = {"operator": (world.leader(), 8081), "gateway": (world.system_pods("berth-gateway")[0], 7071),
            "worker": (pool.ready_workers()[0], 7601)}
    return {job: f"{pod['status']['podIP']}:{port}" for job, (pod, port) in pods.items()}


class Troubles:
    """A context in which callers ask for what must fail, wait in vain, or die, each again and again."""

    def __init__(self, world, pool):
        stranger = world.caller(pool.namespace, "stranger", role=None)
        forger = Caller(pool.caller.addresses, "forged", pool.namespace)
        self._pool, self._over, self.counts = pool, threading.Event(), {}
        self._threads = [threading.Thread(target=self._repeat, args=c, daemon=True) for c in {
            "a command that fails": self._fails,
            "an owner that dies": lambda: pool.open(heartbeat="3s").abandon(),
            "somebody impatient": lambda: self._refused("CreationTimeout", creation_timeout=1),
            "a resource that nobody has": lambda: self._refused("", creation_timeout=1, resources={"gpu": 1}),
            "an unknown pool": lambda: self._refused("UnknownPool", caller=Caller(pool.caller.addresses, pool.caller.token,
                                                                                  pool.namespace), pool="nowhere"),
            "a stranger": lambda: self._refused("AccessDenied", caller=stranger),
            "a forger": lambda: self._refused("InvalidToken", caller=forger)}.items()]

    def _fails(self) -> None:
        session = self._pool.open()
        try:
            session.run("sh", "-c", "sleep 1; exit 3")
        except AssertionError as e:
            assert "Failed" in str(e), e
        session.complete()

    def _refused(self, code: str, caller=None, pool=None, **more) -> None:
        try:
            (caller or self._pool.caller).open(pool or self._pool.name, heartbeat="3s", **more).abandon()
        except Refused as e:
            assert code in e.code, e

    def _repeat(self, what: str, do) -> None:
        while not self._over.wait(0.5):
            try:
                do()
                self.counts[what] = self.counts.get(what, 0) + 1
            except Exception as e:  # Told by check().
                self.counts[what] = f"{type(e).__name__}: {e}"
                return

    def __enter__(self) -> "Troubles":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(90)

    def check(self) -> None:
        assert len(self.counts) == len(self._threads) and all(isinstance(n, int) for n in self.counts.values()), self.counts
