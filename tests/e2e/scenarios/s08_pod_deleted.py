"""A worker pod is deleted by somebody else: gracefully it drains; by force, or by a dead sandbox whose address another pod gets,
owners hear of it in time and the slot is replaced."""

import time

from stand.parts import side_by_side
from stand.process import kill, wait_until
from stand.sessions import Refused
from stand.world import name, uid

from scenarios.s07_container_killed import node_of

HEARTBEAT = "6s"


def path(pool, pod: dict) -> str:
    return f"/api/v1/namespaces/{pool.namespace}/pods/{name(pod)}"


def run(world):
    reused = address_reused(world)  # Alone: nobody else may take the address.
    side_by_side(gracefully=lambda: gracefully(world),
                 by_force=lambda: by_force(world),
                 address_reused=lambda: old_session_is_lost(world, *reused))


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


def address_reused(world):
    """A pod's sandbox dies with all in it, and a new pod gets its address. Returns the pool, a session of the old one, the new
    one, and when the old one died."""
    pool = world.pool("reused", sessions={"maxPerWorker": 2}, workers=1)
    pod = pool.wait_ready(1)[0]
    address = pod["status"]["podIP"]
    session = pool.open(heartbeat=HEARTBEAT)
    session.run("sh", "-c", "echo mine > note")

    addresses = world.cluster.addresses
    addresses.give_after(address)  # Or the pod itself might have it back.
    node = node_of(world, pod)
    pids = node.sandbox(uid(pod)) + node.processes(uid(pod), "berth-worker")
    assert len(pids) >= 2, pids
    killed = time.monotonic()
    for pid in pids:
        kill(pid)
    wait_until("the address is free, and the pod has another", lambda: not addresses.taken(address)
               and address_of(world, pool, pod) not in ("", address), 60, 0.05, pool.describe)
    addresses.give_next(address)
    world.cluster.forget_owner(address)
    pool.change({"workers": 3})
    heir = wait_until("a new worker with the old address is ready", lambda: next(
        (w for w in pool.ready_workers() if w["status"].get("podIP") == address), None), 60, 0.1, pool.describe)
    assert uid(heir) != uid(pod)
    return pool, session, heir, killed


def old_session_is_lost(world, pool, session, heir, killed):
    """Whoever calls the old session or the old worker there is turned away, its owner is told in time, and its slot comes back."""
    expect_lost(session, killed)
    for method, rest, body in (("POST", "/heartbeat", None), ("GET", "", None), ("GET", "/files/note", None),
                               ("POST", "/activities", {"type": "exec", "input": {"argv": ["true"]}, "activityId": "a-1"})):
        try:
            session.call(method, rest, body)
        except Refused as e:
            assert e.status in (401, 403, 404), e
            continue
        raise AssertionError(f"{method} {rest} of the old session was served by a worker that never had it")
    seen = world.metrics_of(heir)
    assert seen.sum("berth_worker_sessions_created_total") == 0 and seen.sum("berth_worker_cordoned") == 0, seen.samples
    free = lambda: world.metrics_of(world.leader()).sum("berth_pool_session_slots", namespace=pool.namespace, state="free")
    wait_until("all slots are free", lambda: free() == 6, 60, 0.2, pool.describe)
    pool.change({"workers": 4})  # Or the status, which follows such numbers every half minute, would say it later.
    wait_until("the status says so", lambda: pool.status().get("slots", {}).get("free") == 8, 60, 0.2, pool.describe)
    for again in pool.open_many(8):
        again.complete()
    pool.remove()


def address_of(world, pool, pod: dict) -> str:
    return (world.api.find(path(pool, pod)) or {}).get("status", {}).get("podIP", "")


def expect_lost(session, since: float) -> None:
    """One heartbeat timeout after the last answer; the kubelet gives a pod deleted by force two seconds in which it answers."""
    slack = 3  # Seconds, for this machine.
    wait_until("the owner is told", lambda: session.lost, since + session.heartbeat + 2 + slack - time.monotonic(),
               context=lambda: f"the session is still open, renewed {session.renewed - since} s after the death")
    assert session.lost_at - session.renewed <= session.heartbeat + slack, (session.lost_at, session.renewed)
