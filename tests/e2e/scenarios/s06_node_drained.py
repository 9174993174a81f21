"""kubectl drain of a node whose workers hold sessions, also in a surge and after a scale-down: it waits, replaces, finishes."""

import os
import subprocess
import tempfile

from stand.api import ApiError
from stand.process import wait_until
from stand.world import name

from scenarios.s03_rollout import revisions


def run(world):
    plain(world)
    in_a_surge(world)
    after_a_scale_down(world)


def plain(world):
    pool = busy_pool(world, "drain", scaling={"minWorkers": 4, "maxWorkers": 8, "freeSlots": 2})
    sessions = pool.open_many(6)
    drain_busiest_node(world, pool, sessions, replacements=4)
    end(pool, sessions)


def in_a_surge(world):
    """More pods than `/scale` tells, so a budget that counts by it would let busy ones go."""
    pool = busy_pool(world, "surge", scaling={"minWorkers": 4, "maxWorkers": 6, "freeSlots": 0}, rollout={"maxSurge": 2})
    sessions = pool.open_many(6)
    pool.change({"template": {"metadata": {"annotations": {"version": "2"}}}})
    in_use = {s.worker["name"] for s in sessions}
    wait_until("new workers stand beside the old ones in use",
               lambda: len(revisions(pool)) == 2 and len(pool.workers()) > 4 and in_use <= {name(w) for w in pool.ready_workers()},
               60, 0.2, pool.describe)
    drain_busiest_node(world, pool, sessions, replacements=2)
    end(pool, sessions)


def after_a_scale_down(world):
    """`/scale` wants one worker; three are in use still."""
    pool = busy_pool(world, "less", workers=4)
    sessions = pool.open_many(6)
    world.kubectl("scale", f"spool/{pool.name}", "-n", pool.namespace, "--replicas=1")
    in_use = {s.worker["name"] for s in sessions}
    wait_until("only workers in use are left", lambda: {name(w) for w in pool.workers()} == in_use, 60, 0.2, pool.describe)
    assert world.api.get(pool.path + "/scale")["spec"]["replicas"] == 1 < len(in_use)
    drain_busiest_node(world, pool, sessions, replacements=1)
    end(pool, sessions)


def busy_pool(world, prefix: str, **spec):
    """With a grace longer than any wait here: a pod that leaves only at its end is not good enough."""
    pool = world.pool(prefix, sessions={"maxPerWorker": 2}, drain={"timeout": "10m"}, **spec)
    pool.wait_ready(4)
    return pool


def end(pool, sessions: list) -> None:
    for session in sessions:
        assert session.lost is None, session.lost
        session.complete()
    pool.remove()


def drain_busiest_node(world, pool, sessions: list, replacements: int) -> None:
    """Drains the node with the most sessions and ends those once nothing else holds the drain up; they leave `sessions`."""
    where = {name(w): w["spec"]["nodeName"] for w in pool.workers()}
    node = max(sorted(set(where.values())), key=lambda n: sum(where[s.worker["name"]] == n for s in sessions))
    busy = [s for s in sessions if where[s.worker["name"]] == node]
    in_use = {s.worker["name"] for s in busy}
    left = lambda: {name(w) for w in pool.workers() if w["spec"].get("nodeName") == node}
    with tempfile.TemporaryFile() as said, subprocess.Popen(world.cluster.kubectl_command(
            "drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--force",
            f"--pod-selector=berth.dev/pool={pool.name}", "--timeout=240s"), stdout=said, stderr=said) as drain:
        look = lambda: f"kubectl drain: {drain.poll()}\n{text_of(said)}\n{pool.describe()}"
        try:
            wait_until(f"{replacements} workers are ready on the other node",
                       lambda: sum(w["spec"]["nodeName"] != node for w in pool.ready_workers()) >= replacements, 90, 0.3, look)
            wait_until("only workers in use are left there", lambda: left() == in_use, 90, 0.3, look)
            for worker in sorted(in_use):
                eviction_is_refused(world, pool, worker)
            assert drain.poll() is None, f"it must wait for sessions: {look()}"
            for session in busy:
                assert session.run("echo", "undisturbed").strip() == "undisturbed"
                session.complete()
                sessions.remove(session)
            wait_until("the drain has finished", lambda: drain.poll() is not None, 90, 0.3, look)
            assert drain.returncode == 0 and not left(), look()
        finally:
            drain.kill()
            world.kubectl("uncordon", node)


def text_of(file) -> str:
    return os.pread(file.fileno(), 1 << 16, 0).decode()  # Without moving the place where kubectl goes on.


def eviction_is_refused(world, pool, worker: str) -> None:
    path = f"/api/v1/namespaces/{pool.namespace}/pods/{worker}/eviction"
    try:
        world.api.call("POST", path, {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": worker}})
    except ApiError as e:
        assert e.status == 429 and "disruption budget" in e.body["message"], e
        return
    raise AssertionError(f"{worker} was evicted with a session open")
