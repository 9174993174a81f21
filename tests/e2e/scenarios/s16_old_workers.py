"""Workers of the version before live on beside a new operator and gateway: they serve, count, drain and retire as ever."""

from stand.images import PREVIOUS
from stand.load import Load
from stand.process import wait_until
from stand.sessions import Refused, request
from stand.world import name

from scenarios.s03_rollout import revisions

LIMIT = 3
NEW = "berth.local/worker:e2e"


def run(world):
    pool = world.pool("old", worker={"image": PREVIOUS}, sessions={"maxPerWorker": LIMIT},
                      scaling={"minWorkers": 2, "maxWorkers": 6, "freeSlots": 1,
                               "scaleDown": {"stabilizationWindow": "1s"}}, drain={"timeout": "120s"})
    old = pool.wait_ready(2)
    for worker in old:
        metrics = {n for n, _, _ in world.metrics_of(worker).samples}
        assert "berth_worker_tokens_refused_total" not in metrics, "this is no old worker: it counts what only new ones count"
    alone(world, pool)
    side_by_side(world, pool)
    a_setting_that_they_do_not_know(world, pool)
    pool.remove()


def alone(world, pool):
    """Scaled up and down under load by an operator of today, and all that a caller may do through a gateway of today."""
    with Load(pool, callers=12, limit=LIMIT, count=80, pause=(0.0, 3.0)) as load:
        load.wait(180)
    load.check(at_least=80)
    secret = "7" * 64
    session = pool.open(session_id="old-one", secret=secret)
    again = pool.open(session_id="old-one", secret=secret)
    assert again.worker["uid"] == session.worker["uid"], "a repeat finds its session"
    again.abandon()
    session.run("sh", "-c", "echo by-an-old-worker > note")
    through = f"/v1/namespaces/{pool.namespace}/pools/{pool.name}/workers/{session.worker['name']}/sessions/{session.id}"
    assert request(world.gateways()[0], "GET", through, secret)["id"] == session.id
    assert [s["id"] for s in pool.caller.list(pool.name)] == [session.id]
    session.complete()
    wait_until("only the least number of workers is left", lambda: len(pool.workers()) == 2, 60, 0.2, pool.describe)


def side_by_side(world, pool):
    """Their successors come; the old ones in use stay until their sessions have ended."""
    held = [pool.open() for _ in range(2)]
    keepers = {s.worker["name"] for s in held}
    old = revisions(pool)
    with Load(pool, callers=5, limit=LIMIT, pause=(0.0, 1.0)) as load:
        pool.change({"worker": {"image": NEW}})
        wait_until("of the old ones only those in use are left",
                   lambda: {name(w) for w in pool.workers() if w["metadata"]["labels"]["berth.dev/revision"] in old} == keepers
                   and len(revisions(pool)) == 2, 120, 0.3, pool.describe)
        before = load.done
        wait_until("sessions are served beside them", lambda: load.done >= before + 20, 60, context=pool.describe)
        for session in held:
            assert session.run("echo", "held").strip() == "held"
            session.complete()
        wait_until("the old ones have gone", lambda: not revisions(pool) & old, 90, 0.3, pool.describe)
    load.check(at_least=20)


def a_setting_that_they_do_not_know(world, pool):
    """An older image with a newer setting starts no worker that ignores it: the new revision never works, the good one stays."""
    good = {name(w) for w in pool.wait_ready(2)}
    pool.change({"worker": {"image": PREVIOUS}, "sessions": {"limits": {"maxPerOwner": 1}}})
    wait_until("the old program has said what it does not know", lambda: any(
        "maxPerOwner" in world.cluster.kubectl("logs", name(w), "-n", pool.namespace, "-c", "berth-worker", "--tail=20")
        for w in pool.workers() if name(w) not in good and started(w)), 90, 0.5, pool.describe)
    assert good <= {name(w) for w in pool.ready_workers()}
    pool.open().complete()
    pool.change({"worker": {"image": NEW}})
    session = wait_for_new_limit(pool)
    try:
        pool.open(creation_timeout=5)
    except Refused as e:
        assert e.code == "OwnerLimit", e
    else:
        raise AssertionError("today's workers know the limit")
    session.complete()


def started(pod: dict) -> bool:
    return any(c.get("restartCount", 0) > 0 or "terminated" in c["state"] for c in pod["status"].get("containerStatuses", []))


def wait_for_new_limit(pool):
    wait_until("workers that know the setting are ready", lambda: len(revisions(pool)) == 1 and len(pool.ready_workers()) >= 2,
               90, 0.3, pool.describe)
    return pool.open()
