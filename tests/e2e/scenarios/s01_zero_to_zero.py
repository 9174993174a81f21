"""Zero workers, 20 callers wait, the pool scales up, all are served, the pool goes back to zero."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

CALLERS = 20


def run(world):
    pool = world.pool("zero", scaling={"maxWorkers": 5, "freeSlots": 0, "scaleToZeroAfter": "2s",
                                       "scaleDown": {"stabilizationWindow": "3s"}})
    assert pool.workers() == [], "a pool that nobody asked anything has no worker"
    everybody = Barrier(CALLERS, timeout=90)

    def call(number: int) -> tuple[str, str]:
        session = pool.open(creation_timeout=90)
        everybody.wait()  # All hold a session at once, so all slots of all five workers are used.
        output = session.run("sh", "-c", f"echo {number} > note; cat note")
        session.complete()
        return output, session.worker["name"]

    with ThreadPoolExecutor(CALLERS) as threads:
        results = list(threads.map(call, range(CALLERS)))
    assert [int(output) for output, _ in results] == list(range(CALLERS)), results
    used = {worker for _, worker in results}
    assert len(used) == 5, f"20 sessions of 4 a worker were on {used}"

    pool.wait_empty()
    assert {"WorkerCreated", "WorkerRetired", "WorkerDeleted"} <= pool.reasons(), pool.events()
    assert "Warning" not in {e["type"] for e in pool.events()}, pool.events()
    metrics = world.metrics_of(world.leader())
    assert metrics.sum("berth_operator_scale_reaction_seconds_count") >= 1
    pool.remove()
