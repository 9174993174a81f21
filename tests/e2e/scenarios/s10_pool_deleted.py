"""A pool is deleted with sessions open: Wait waits for them, End ends them after the timeout; foreground; its namespace."""

import time

from stand.parts import side_by_side
from stand.process import wait_until


def run(world):
    side_by_side(wait=lambda: waits(world, "wait", []),
                 foreground=lambda: waits(world, "foreground", ["--cascade=foreground"]),
                 end=lambda: ends(world),
                 way_out=lambda: way_out(world),
                 namespace=lambda: namespace(world))


def waits(world, prefix: str, how: list[str]):
    pool = world.pool(prefix, workers=2, drain={"timeout": "90s", "policy": "Wait"})
    pool.wait_ready(2)
    session = pool.open()
    world.kubectl("delete", "spool", pool.name, "-n", pool.namespace, "--wait=false", *how)
    wait_until("the idle worker has gone", lambda: len(pool.workers()) == 1, 60, 0.3, pool.describe)
    assert session.run("sh", "-c", "sleep 2; echo open").strip() == "open"
    assert world.api.find(pool.path) is not None, "the pool waits for its session"
    session.complete()
    wait_until("the pool has gone", lambda: world.api.find(pool.path) is None and not pool.workers(), 60, 0.3)
    pool.remove()


def ends(world):
    pool = world.pool("end", workers=1, drain={"timeout": "5s", "policy": "End"})
    pool.wait_ready(1)
    session = pool.open(heartbeat="3s")
    began = time.monotonic()
    world.kubectl("delete", "spool", pool.name, "-n", pool.namespace, "--wait=false")
    wait_until("the session is ended", lambda: session.lost, 30, context=pool.describe)
    assert session.lost.reason in ("DrainDeadline", "Unreachable", "WorkerShutdown"), session.lost
    assert session.lost_at - began >= 4, "not before the deadline"
    wait_until("the pool has gone", lambda: world.api.find(pool.path) is None, 60, 0.3)
    pool.remove()


def way_out(world):
    """Whoever cannot wait for the sessions says so on the pool."""
    pool = world.pool("out", workers=1, drain={"timeout": "300s", "policy": "Wait"})
    pool.wait_ready(1)
    session = pool.open(heartbeat="3s")
    world.kubectl("delete", "spool", pool.name, "-n", pool.namespace, "--wait=false")
    wait_until("the pool says what it waits for, and the way out",
               lambda: "berth.dev/force-delete" in str(pool.get().get("status", {}).get("conditions")), 30, 0.2, pool.describe)
    assert session.run("echo", "open").strip() == "open"
    world.kubectl("annotate", "spool", pool.name, "-n", pool.namespace, "berth.dev/force-delete=true")
    wait_until("the session is ended", lambda: session.lost, 30, context=pool.describe)
    wait_until("the pool has gone", lambda: world.api.find(pool.path) is None and not pool.workers(), 60, 0.3)
    pool.remove()


def namespace(world):
    """Kubernetes deletes the pods itself here; the worker's own drain is what is left."""
    pool = world.pool("namespace", workers=1, drain={"timeout": "60s"})
    pool.wait_ready(1)
    session = pool.open()
    world.kubectl("delete", "namespace", pool.namespace, "--wait=false")
    wait_until("the worker is told to go", lambda: all("deletionTimestamp" in w["metadata"] for w in pool.workers()), 30)
    assert session.run("sh", "-c", "sleep 2; echo open").strip() == "open"
    session.complete()
    pool.wait_namespace_gone()
