"""The template changes under load: all old workers leave, no session is ended by us; a broken image does no harm."""

from contextlib import nullcontext

from stand.load import Load
from stand.process import wait_until

LIMIT = 3
REVISION = "berth.dev/revision"


def revisions(pool) -> set[str]:
    return {w["metadata"]["labels"][REVISION] for w in pool.workers()}


def run(world, at_least=30, patience=1.0, meanwhile=nullcontext, callers=6):
    """`meanwhile`: makes a context that holds for as long as there is load."""
    pool = world.pool("rollout", sessions={"maxPerWorker": LIMIT}, scaling={"minWorkers": 3, "maxWorkers": 6, "freeSlots": 1})
    pool.wait_ready(3)
    first = revisions(pool)
    assert len(first) == 1, first
    with Load(pool, callers=callers, limit=LIMIT, length=(0.5, 3.0)) as load, meanwhile():
        pool.change({"template": {"metadata": {"annotations": {"version": "2"}}}})
        wait_until("only workers of the new revision are left", lambda: len(pool.ready_workers()) >= 3
                   and len(revisions(pool)) == 1 and revisions(pool) != first, 150 * patience, 0.3, pool.describe)
        second = revisions(pool)

        pool.change({"worker": {"image": "berth.local/worker:no-such-tag"}})
        wait_until("a worker of the broken revision is tried", lambda: len(revisions(pool)) == 2, 60 * patience, 0.3, pool.describe)
        served = load.done
        wait_until("sessions go on beside it", lambda: load.done >= served + 20, 90 * patience, 0.3, pool.describe)
        old = [w for w in pool.ready_workers() if w["metadata"]["labels"][REVISION] in second]
        assert len(old) >= 3, f"the broken revision took good workers down\n{pool.describe()}"
        wait_until("the condition says what is wrong with it", lambda: "ImagePull" in pool.condition("Degraded")["message"],
                   60 * patience, 0.3, pool.describe)
        if meanwhile is nullcontext:  # An operator that is killed takes the events with it that were on their way.
            wait_until("a warning says it too", lambda: any(
                e["reason"] == "NewRevisionFailing" and e["type"] == "Warning" for e in pool.events()), 10, 0.3, pool.describe)

        pool.change({"worker": {"image": "berth.local/worker:e2e"}})
        wait_until("taking it back ends the rollout", lambda: revisions(pool) == second, 90 * patience, 0.3, pool.describe)
        wait_until("and the trouble", lambda: pool.condition("Degraded")["status"] == "False", 30 * patience, 0.3, pool.describe)
        wait_until("enough sessions went through it", lambda: load.done >= at_least, 600)
    load.check(at_least)
    world.wait_for_berth()
    pool.remove()
