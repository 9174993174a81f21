"""A worker pod is deleted by somebody else: gracefully it drains; by force its owners hear of it in time, and it is replaced."""

import time

from stand.process import kill, wait_until
from stand.world import name, uid

from scenarios.s07_container_killed import node_of

HEARTBEAT = "6s"


def path(pool, pod: dict) -> str:
    return f"/api/v1/namespaces/{pool.namespace}/pods/{name(pod)}"


def run(world):
    gracefully(world)
    by_force(world)
    sandbox_killed(world)


def gracefully(world):
    pool = world.pool("graceful", workers=1)
    pod = pool.wait_ready(1)[0]
    session = pool.open(heartbeat=HEARTBEAT)
    world.api.delete(path(pool, pod))
    wait_until("a replacement is ready beside the draining worker",
               lambda: [w for w in pool.ready_workers() if uid(w) != uid(pod)], 60, context=pool.describe)
    # Well past anything that could have been a quick death: the session's owner still works.
    assert session.run("sh", "-c", "sleep 3; echo still here").strip() == "still here"
    new = pool.open()
    assert new.worker["uid"] != uid(pod), "a draining worker takes no new session"
    new.complete()
    assert world.api.find(path(pool, pod)) is not None, "it must wait for its session"
    session.complete()
    wait_until("the drained pod has gone", lambda: uid(world.api.find(path(pool, pod)) or pool.ready_workers()[0]) != uid(pod),
               40, context=pool.describe)
    pool.remove()


def by_force(world):
    pool = world.pool("force", workers=1)
    pod = pool.wait_ready(1)[0]
    session = pool.open(heartbeat=HEARTBEAT)
    world.api.delete(path(pool, pod), grace=0)
    expect_lost(session, time.monotonic())
    wait_until("it is replaced", lambda: [w for w in pool.ready_workers() if uid(w) != uid(pod)], 60,
               context=pool.describe)
    pool.open().complete()
    pool.remove()


def sandbox_killed(world):
    """The pod's network goes and comes back with an address that may be another's: only the right worker answers."""
    pool = world.pool("sandbox", workers=1)
    pod = pool.wait_ready(1)[0]
    session = pool.open(heartbeat=HEARTBEAT)
    pids = node_of(world, pod).sandbox(uid(pod))
    assert pids, "the pod has a pause process"
    for pid in pids:
        kill(pid)
    expect_lost(session, time.monotonic(), or_kept=True)
    pool.wait_ready(1, 90)
    pool.open().complete()
    pool.remove()


def expect_lost(session, since: float, or_kept: bool = False) -> None:
    limit = session.heartbeat + 3  # Three seconds for this machine.
    try:
        wait_until("the owner is told", lambda: session.lost, limit, context=lambda: "the session is still open")
    except AssertionError:
        # The state volume outlives the sandbox, so the session may go on if its worker has its old address again.
        assert or_kept and session.info()["state"] == "Open"
        session.complete()
        return
    assert session.lost_at - since <= limit
