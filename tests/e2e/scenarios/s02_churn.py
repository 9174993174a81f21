"""Short sessions of random length through constant scale-up and scale-down: none ended by us, no limit passed."""

from contextlib import nullcontext

from stand.load import Load
from stand.process import wait_until

LIMIT = 3
WORKERS = 6
SURGE = 2  # A quarter of them, the default, rounded up.


def run(world, count=300, seconds=240, callers=30, meanwhile=nullcontext):
    """`meanwhile`: makes a context that holds for as long as there is load."""
    pool = world.pool("churn", sessions={"maxPerWorker": LIMIT},
                      scaling={"maxWorkers": WORKERS, "freeSlots": 1, "scaleToZeroAfter": "1s",
                               "scaleDown": {"stabilizationWindow": "1s"}})
    load = Load(pool, callers=callers, limit=LIMIT, count=count, pause=(0.0, 6.0), most_pods=WORKERS + SURGE)
    with load, meanwhile():
        load.wait(seconds)
    load.check(at_least=count)
    assert len(load.pods_seen) >= count // 25, f"{len(load.pods_seen)} workers for {count} sessions: too few came and went"
    world.wait_for_berth()
    pool.wait_empty()
    events = [e["reason"] for e in pool.events()]
    assert "WorkerRetired" in events and "WorkerCreated" in events, events
    wait_until("the metrics agree that nothing is left", lambda: slots_in_use(world) == 0, 20)
    pool.remove()


def slots_in_use(world) -> float:
    return world.metrics_of(world.leader()).sum("berth_pool_session_slots", state="used")
