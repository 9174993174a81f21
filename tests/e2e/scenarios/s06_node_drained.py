"""kubectl drain of a node whose workers hold sessions: it waits, replacements come first, and it finishes."""

import subprocess

from stand.process import wait_until


def run(world):
    pool = world.pool("drain", sessions={"maxPerWorker": 2}, scaling={"minWorkers": 4, "maxWorkers": 8, "freeSlots": 2},
                      drain={"timeout": "120s"})
    pool.wait_ready(4)
    sessions = pool.open_many(6)
    where = {w["metadata"]["name"]: w["spec"]["nodeName"] for w in pool.workers()}
    node = max(set(where.values()), key=lambda n: sum(where[s.worker["name"]] == n for s in sessions))
    busy = [s for s in sessions if where[s.worker["name"]] == node]
    assert busy, f"no session on {node}: {where}"
    left = lambda: [w for w in pool.workers() if w["spec"].get("nodeName") == node]

    drain = subprocess.Popen(world.cluster.kubectl_command("drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--force",
                                                           f"--pod-selector=berth.dev/pool={pool.name}",
                                                           "--timeout=240s"),
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        wait_until("replacements are ready on the other node",
                   lambda: sum(w["spec"]["nodeName"] != node for w in pool.ready_workers()) >= 4, 90, 0.3, pool.describe)
        assert drain.poll() is None, f"it must wait for sessions: {drain.stdout.read()}"
        in_use = {s.worker["name"] for s in busy}
        wait_until("only workers in use are left there", lambda: {w["metadata"]["name"] for w in left()} == in_use,
                   60, 0.3, pool.describe)
        for session in busy:
            assert session.run("echo", "undisturbed").strip() == "undisturbed"
            session.complete()
        wait_until("the drain has finished", lambda: drain.poll() is not None, 90, 0.3, pool.describe)
        assert drain.returncode == 0 and not left(), drain.stdout.read()
    finally:
        drain.kill()
        world.kubectl("uncordon", node)
    for session in sessions:
        assert session.lost is None, session.lost
        if session not in busy:
            session.complete()
    pool.remove()
