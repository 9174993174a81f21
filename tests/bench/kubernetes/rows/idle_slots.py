"""How many slots nobody needs while 33 sessions are held open: each caller completes its session after a while and asks for the
next at once."""

import random
import threading
import time
from statistics import mean

from stand.sessions import request
from bench_stand import Stand
from report import Report

SESSIONS, SLOTS, BUFFER, WINDOW = 33, 4, 4, 15
BURST = 60
LENGTH = (2.0, 6.0)


class _ClosedLoop:
    def __init__(self, pool):
        self._pool, self._stop = pool, threading.Event()
        self.errors: list[Exception] = []
        self.done = 0
        self._threads = [threading.Thread(target=self._run, args=(random.Random(n),), daemon=True) for n in range(SESSIONS)]
        for thread in self._threads:
            thread.start()

    def _run(self, chance: random.Random) -> None:
        try:
            while not self._stop.is_set():
                session = self._pool.open()
                self._stop.wait(chance.uniform(*LENGTH))
                session.complete()
                self.done += 1
        except Exception as e:  # The measurement must not go on with fewer.
            self.errors.append(e)

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if self.errors:
            raise self.errors[0]


def _idle_beyond_buffer(stand: Stand, pool) -> int:
    path = f"/v1/pools?namespace={pool.namespace}&members=true"
    members = request(stand.gateways()[0], "GET", path, pool.caller.token)["pools"][0]["members"]
    taking = [m for m in members if m["state"] == "Active"]
    return sum(m["capacity"]["session"] - m["used"].get("session", 0) for m in taking) - BUFFER


def measure(stand: Stand, report: Report, seconds: float) -> None:
    """Draining workers apart. It begins with more workers than are needed."""
    pool = stand.pool("slots", sessions={"maxPerWorker": SLOTS}, scaling={
        "maxWorkers": 40, "freeSlots": BUFFER, "scaleDown": {"stabilizationWindow": f"{WINDOW}s"}})
    for session in pool.open_many(BURST):
        session.complete()
    loop = _ClosedLoop(pool)
    time.sleep(2 * WINDOW)
    samples, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        samples.append(_idle_beyond_buffer(stand, pool))
        time.sleep(0.5)
    loop.end()
    report.note(f"{loop.done} sessions; in {seconds:.0f} s between {min(samples)} and {max(samples)} idle beyond the buffer, "
                f"{len(pool.ready_workers())} workers at the end")
    report.add(f"on Kubernetes: slots idle beyond the buffer, {SESSIONS} sessions in a closed loop", mean(samples), "slots", "<=", SLOTS)
    pool.remove()
