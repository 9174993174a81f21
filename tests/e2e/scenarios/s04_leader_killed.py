"""The leader's pod is force-deleted every few seconds under churn and under a rollout; then both replicas are gone for a minute."""

import random
import threading
import time

from stand.api import ApiError
from stand.load import Load
from stand.parts import side_by_side
from stand.process import wait_until

from scenarios import s02_churn, s03_rollout

LIMIT = 3


def run(world, sessions=150):
    killed = LeaderKilled(world, scenarios=2)
    side_by_side(
        churn=lambda: s02_churn.run(world, sessions, 60 + 2 * sessions, callers=20, meanwhile=lambda: killed),
        rollout=lambda: s03_rollout.run(world, sessions // 5, patience=2, meanwhile=lambda: killed))
    print(f"   {killed.times} leaders killed (seed {killed.seed})", flush=True)
    nobody_leads(world)


def nobody_leads(world):
    """Sessions open and close on the workers that there are; afterwards the pool scales again."""
    pool = world.pool("leader", sessions={"maxPerWorker": LIMIT},
                      scaling={"minWorkers": 2, "maxWorkers": 5, "freeSlots": 1,
                               "scaleDown": {"stabilizationWindow": "1s"}})
    operators = lambda: world.api.pods("berth-system", "app.kubernetes.io/name=berth-operator")
    with Load(pool, callers=8, limit=LIMIT, pause=(0.0, 4.0)) as load:
        wait_until("sessions are served", lambda: load.done >= 10 and len(pool.ready_workers()) >= 2, 90,
                   context=pool.describe)
        world.kubectl("scale", "deployment/berth-operator", "-n", "berth-system", "--replicas=0")
        try:
            wait_until("no operator is left, not even a terminating one", lambda: not operators(), 60)
            workers, began, before = staying(pool), time.monotonic(), load.done
            wait_until("a minute of sessions is served without an operator",
                       lambda: time.monotonic() > began + 60 and load.done >= before + 20, 120, context=pool.describe)
            assert not operators()
            assert staying(pool) == workers, "without an operator nobody adds or takes workers"
        finally:
            world.kubectl("scale", "deployment/berth-operator", "-n", "berth-system", "--replicas=2")
        world.wait_for_berth()
        before = load.done
        wait_until("and after it", lambda: load.done >= before + 20, 90, context=pool.describe)
    load.check(at_least=50)
    pool.remove()


def staying(pool) -> set[str]:
    return {w["metadata"]["uid"] for w in pool.workers() if "deletionTimestamp" not in w["metadata"]}


class LeaderKilled:
    """A context for so many scenarios at once, in which whoever leads loses its pod, again and again, every few seconds. It begins
    and ends for all of them together, after five at the earliest."""

    def __init__(self, world, scenarios: int, pause: tuple[float, float] = (1.0, 5.0)):
        self.seed, self.times = random.randrange(1 << 30), 0
        self._world, self._pause, self._left = world, pause, threading.Event()
        self._thread = threading.Thread(target=self._kill, daemon=True)
        self._trouble: Exception | None = None
        self._begin = threading.Barrier(scenarios, self._thread.start, timeout=120)
        self._end = threading.Barrier(scenarios, self._left.set)

    def __enter__(self) -> "LeaderKilled":
        self._begin.wait()
        return self

    def __exit__(self, kind, *_) -> None:
        if kind is not None:
            self._left.set()
            self._end.abort()
            return
        wait_until("five leaders have been killed", lambda: self.times >= 5 or self._trouble or self._left.is_set(), 120)
        try:
            self._end.wait()
        except threading.BrokenBarrierError:
            pass  # The other scenario has failed, and tells why.
        self._thread.join()
        if self._trouble:
            raise self._trouble

    def _kill(self) -> None:
        chance = random.Random(self.seed)
        try:
            while not self._left.wait(chance.uniform(*self._pause)):
                leader = self._world.leader()
                if leader and delete_now(self._world, leader):
                    self.times += 1
        except Exception as e:  # Shown where the context ends, or nothing would be killed unseen.
            self._trouble = e


def delete_now(world, pod: dict) -> bool:
    try:
        world.api.delete(f"/api/v1/namespaces/berth-system/pods/{pod['metadata']['name']}", grace=0)
        return True
    except ApiError as e:
        assert e.status == 404, e
        return False
