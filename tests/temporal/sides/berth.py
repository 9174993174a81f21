"""A Berth pool on this machine, and the program under test between it and Temporal."""

import json
import os
import re
import threading
import urllib.request
from pathlib import Path
from typing import Any

from stand.metrics import Metrics
from stand.process import Process, kill, processes_of, wait_until

from sides.side import SLOTS, WORKERS, Side
from sides.temporal import QUEUE, Temporal, Workflow, free_port, program

POOL = "shell"
STEPS = """
import json, os, sys, time
until, done = json.load(sys.stdin)["until"], 0
while not os.path.exists(until):
    done += 1
    os.write(3, (json.dumps({"done": done}) + "\\n").encode())
    time.sleep(0.1)
print(json.dumps({"done": done}))
"""
"""Like steps() of activities.go."""


def pool() -> dict[str, Any]:
    activities = [{"name": "steps", "command": ["python3", "-c", STEPS]},
                  {"name": "fail", "command": ["sh", "-c", "echo try >> tries; echo no such luck >&2; exit 3"]}]
    return {"apiVersion": "berth.dev/v1alpha1", "kind": "SessionPool", "metadata": {"name": POOL},
            "spec": {"worker": {"exec": True, "activities": activities},
                     "sessions": {"maxPerWorker": SLOTS},
                     "scaling": {"minWorkers": 0, "maxWorkers": WORKERS, "freeSlots": 0}}}


class Berth(Side):
    def __init__(self, programs: Path, temporal: Temporal, folder: Path, logs: Path):
        self._folder = folder
        self._ready = folder / "ready.json"
        (folder / "pool.json").write_text(json.dumps(pool()))
        clean = ["env", *(f"--unset={name}" for name in os.environ if name.startswith(("BERTH_", "KUBECONFIG"))),
                 f"HOME={folder}", f"XDG_STATE_HOME={folder}/state"]
        self._dev = program("berth-dev", [*clean, programs / "berth", "dev", "-f", folder / "pool.json", "--listen", "127.0.0.1:0",
                                          "--ready-file", self._ready], logs, orphaned="TERM")
        self._temporal = temporal
        self._clean, self._program, self._logs = clean, programs / "berth-temporal", logs
        self._counts = _Counts(self)
        self._engines: list[Process] = []

    def start(self) -> None:
        self._dev.start()
        self._context: dict[str, Any] = json.loads(wait_until("`berth dev` is ready", self._when_ready, 60,
                                                              context=self._dev.tail))
        self.start_engine()
        self._counts.start()

    @property
    def engine(self) -> Process:
        """The berth-temporal that was started last."""
        return self._engines[-1]

    def start_engine(self, *flags: str, afresh: bool = False) -> None:
        """Also beside another that runs: `afresh`, with no notes of open sessions, which are the next one's then."""
        if afresh or not self._engines:
            self._notes = self._folder / f"engine-{len(self._engines)}"
        self.probes = f"127.0.0.1:{free_port()}"
        engine = program("berth-temporal", [
            *self._clean, self._program, "--temporal-address", self._temporal.address, "--temporal-namespace", "default",
            "--task-queue", QUEUE, "--gateway", self._context["gateway"], "--token-file", self._context["tokenFile"],
            "--namespace", "default", "--pool", POOL, "--state-dir", self._notes, "--probe-listen", self.probes,
            "--log-format", "json", *flags], self._logs)
        engine.start()
        self._engines.append(engine)
        wait_until("berth-temporal is ready", self._engine_ready, 30, context=self.engine.tail)

    def _engine_ready(self) -> bool:
        assert self.engine.running(), f"berth-temporal has ended:\n{self.engine.tail()}"
        try:
            with urllib.request.urlopen(f"http://{self.probes}/readyz", timeout=5):
                return True
        except OSError:  # Not yet listening, or not yet ready.
            return False

    def _when_ready(self) -> str:
        assert self._dev.running(), f"`berth dev` has ended:\n{self._dev.tail()}"
        return self._ready.read_text() if self._ready.exists() else ""

    def stop(self) -> None:
        self._counts.stop()
        for engine in self._engines:
            engine.stop(20)
        self._dev.stop(30)

    def recover(self) -> None:
        for engine in self._engines:
            engine.kill()
        self.start_engine(afresh=True)

    def summary(self) -> dict[str, Any]:
        """The pool as the gateway has it, with its workers."""
        token = Path(self._context["tokenFile"]).read_text().strip()
        request = urllib.request.Request(f"{self._context['gateway']}/v1/pools?members=true",
                                         headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            one: dict[str, Any] = next(p for p in json.load(answer)["pools"] if p["name"] == POOL)
            return one

    def used(self) -> int:
        return int(self.summary()["slots"]["used"])

    def most_used(self) -> int:
        """Since the last call."""
        return self._counts.most()

    def metrics(self) -> Metrics:
        return Metrics(self.probes)

    def ended(self, *reasons: str) -> int:
        """Sessions of workflows that have ended for one of these reasons since berth-temporal was started."""
        metrics = self.metrics()
        return int(sum(metrics.sum("berth_temporal_sessions_ended_total", reason=r) for r in reasons))

    def idle(self) -> bool:
        metrics = self.metrics()
        return self.used() == 0 and not any(metrics.sum(f"berth_temporal_{name}")
                                            for name in ("sessions_open", "slots_reserved", "activities_running"))

    def hosts(self) -> list[str]:
        return [str(w["name"]) for w in self.summary()["members"]]

    def lose_worker(self, workflow: Workflow) -> None:
        self._api("DELETE", f"/api/v1/namespaces/default/pods/{workflow.open_sessions()[0]['HostName']}?gracePeriodSeconds=0")

    def kill_worker(self, workflow: Workflow) -> None:
        """The process alone; its pod starts it again."""
        host = workflow.open_sessions()[0]["HostName"]
        found = [p for p in processes_of("berth-worker") if _descends(p, self._dev.pid) and _host(p) == host]
        assert len(found) == 1, f"processes of worker {host}: {found}"
        kill(found[0])

    def _api(self, method: str, path: str) -> None:
        server = re.search(r"server\"?: \"?([^\s\"]+)", Path(self._context["kubeconfig"]).read_text())
        assert server is not None
        urllib.request.urlopen(urllib.request.Request(server[1] + path, method=method), timeout=10).close()


class _Counts:
    """Looks at the pool all the time."""

    def __init__(self, berth: Berth):
        self._berth, self._most, self._lock = berth, 0, threading.Lock()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._end.set()
        if self._thread.is_alive():
            self._thread.join()

    def most(self) -> int:
        with self._lock:
            most, self._most = self._most, 0
            return most

    def _run(self) -> None:
        while not self._end.wait(0.05):
            used = self._berth.used()
            with self._lock:
                self._most = max(self._most, used)


def _host(pid: int) -> str:
    variables = dict(v.partition("=")[::2] for v in Path(f"/proc/{pid}/environ").read_text(errors="replace").split("\0"))
    return variables.get("HOSTNAME", "")


def _descends(pid: int, ancestor: int) -> bool:
    while pid > 1 and pid != ancestor:
        # After the name, which may hold anything: state and parent.
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return pid == ancestor
