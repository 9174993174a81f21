"""A worker's process is killed: its sessions go on in the restarted container."""

from stand.process import kill, wait_until
from stand.world import name, uid


def node_of(world, pod: dict):
    return next(n for n in world.cluster.nodes if n.name == pod["spec"]["nodeName"])


def worker_pids(world, pod: dict) -> list[int]:
    return node_of(world, pod).processes(uid(pod), "berth-worker")


def run(world):
    pool = world.pool("killed", workers=1)
    pod = pool.wait_ready(1)[0]
    sessions = pool.open_many(3)
    for number, session in enumerate(sessions):
        session.run("sh", "-c", f"echo kept-{number} > note")
    incarnation = sessions[0].worker["incarnation"]

    pids = worker_pids(world, pod)
    assert len(pids) == 1, pids
    kill(pids[0])
    wait_until("another process serves", lambda: set(worker_pids(world, pod)) - set(pids), 60, context=pool.describe)

    for number, session in enumerate(sessions):
        assert session.run("cat", "note").strip() == f"kept-{number}"
    after = sessions[0].info()
    assert after["worker"]["incarnation"] != incarnation, "the process must be another one"
    assert after["state"] == "Open", after
    current = world.api.get(f"/api/v1/namespaces/{pool.namespace}/pods/{name(pod)}")
    assert uid(current) == uid(pod), "the pod must be the same"
    for session in sessions:
        session.complete()
    pool.remove()
