"""Many callers with short sessions of random length, and the book of what happened to each."""

import http.client
import random
import threading
import time
from collections import Counter

from .api import ApiError
from .process import noted
from .sessions import Refused, SessionLost


class Load:
    """Runs until `count` sessions are done, or until `stop`. `pause` between sessions makes the demand go up and down.

    What it proves: each session answered its owner to the end, and no worker ever held more than its limit, counted
    from the answer of the create to the sending of the end, so never too high. With `most_pods`: nor were there ever more
    pods, those that end included.
    """

    def __init__(self, pool, callers: int, limit: int, count: int | None = None, seed: int | None = None,
                 length: tuple[float, float] = (0.0, 1.5), pause: tuple[float, float] = (0.0, 1.0),
                 most_pods: int | None = None):
        self._pool, self._limit, self._left = pool, limit, count
        self.seed = seed if seed is not None else random.randrange(1 << 30)
        self._length, self._pause = length, pause
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._open: Counter[str] = Counter()
        self.most = 0
        self.done = 0
        self.workers: Counter[str] = Counter()
        self.troubles: list[str] = []
        self._most_pods, self.pods_looked_at = most_pods, 0
        self.pods_seen: set[str] = set()
        self._over = threading.Event()
        self._counter = threading.Thread(target=self._count_pods, daemon=True)
        self._threads = [threading.Thread(target=self._call, args=(random.Random(self.seed + n),), daemon=True)
                         for n in range(callers)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        if self._most_pods is not None:
            self._counter.start()
        return self

    def __exit__(self, kind, *_) -> None:
        self._stopping.set()
        self.wait(120)
        self._over.set()
        if self._most_pods is not None:
            self._counter.join()

    def wait(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        with noted("callers are done"):
            for thread in self._threads:
                thread.join(max(0.0, deadline - time.monotonic()))

    def _count_pods(self) -> None:
        while not self._over.wait(0.3):
            try:
                pods = [w for w in self._pool.workers() if w["status"].get("phase") not in ("Failed", "Succeeded")]
            except (ApiError, OSError, http.client.HTTPException):
                continue  # The API server may be away; that it was asked at all is checked.
            self.pods_looked_at += 1
            self.pods_seen |= {w["metadata"]["uid"] for w in pods}
            if len(pods) > self._most_pods:
                with self._lock:
                    self.troubles.append(f"{len(pods)} pods: {sorted(w['metadata']['name'] for w in pods)}")

    def _take(self) -> bool:
        with self._lock:
            if self._stopping.is_set() or self._left == 0:
                return False
            if self._left is not None:
                self._left -= 1
            return True

    def _call(self, chance: random.Random) -> None:
        while self._take():
            try:
                self._one(chance)
            except (Refused, SessionLost, AssertionError, OSError, http.client.HTTPException) as e:
                with self._lock:
                    self.troubles.append(f"{type(e).__name__}: {e}")
            self._stopping.wait(chance.uniform(*self._pause))

    def _one(self, chance: random.Random) -> None:
        session = self._pool.open(creation_timeout=120)
        worker = session.worker["uid"]
        with self._lock:
            self._open[worker] += 1
            self.most = max(self.most, self._open[worker])
            self.workers[session.worker["name"]] += 1
        try:
            if chance.random() < 0.3:
                word = f"{chance.random()}"
                assert session.run("echo", word).strip() == word
            time.sleep(chance.uniform(*self._length))  # The length of the work, not a wait for anything.
        finally:
            with self._lock:
                self._open[worker] -= 1
        session.complete()
        with self._lock:
            self.done += 1

    def check(self, at_least: int) -> None:
        assert not self.troubles, f"seed {self.seed}: {len(self.troubles)} of {self.done}: {self.troubles[:5]}"
        assert self.most <= self._limit, f"seed {self.seed}: a worker held {self.most} sessions of {self._limit}"
        assert self._most_pods is None or self.pods_looked_at >= 10, f"pods were counted {self.pods_looked_at} times only"
        assert self.done >= at_least, f"seed {self.seed}: only {self.done} sessions were done"
