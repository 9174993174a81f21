"""Workflows of Temporal's Go SDK have sessions on the cluster, by examples/temporal; a pod that is replaced serves its own to the end."""

import sys

from stand.forward import Forward
from stand.helm import CACHE
from stand.images import REPOSITORY, TAG
from stand.node import BRIDGE_ADDRESS
from stand.process import wait_until
from stand.world import Pool, is_ready, name, uid

sys.path.append(str(REPOSITORY / "tests/temporal"))

from scenarios.s02_churn import slots_in_use  # noqa: E402
from sides.temporal import QUEUE, Temporal  # noqa: E402


def run(world):
    temporal = Temporal(CACHE / "temporal", world.cluster.log)
    temporal.start()
    try:
        with Forward(BRIDGE_ADDRESS, int(temporal.address.rpartition(":")[2])) as door:
            scenario(world, temporal, door.address)
    finally:
        temporal.stop()


def scenario(world, temporal, address):
    namespace = world.namespace("temporal")
    world.kubectl("apply", "-f", "-", stdin=manifest(world, namespace, address))
    pool = Pool(world, namespace, "renders")
    pods = lambda: world.api.pods(namespace, "app.kubernetes.io/name=berth-temporal")
    told = lambda: world.kubectl("logs", "-n", namespace, "-l", "app.kubernetes.io/name=berth-temporal", "--tail=20") + pool.describe()
    first = wait_until("berth-temporal is ready", lambda: next((p for p in pods() if is_ready(p)), None), 60, 0.2, told)
    assert not pool.workers(), pool.describe()

    result = temporal.workflow("Files").result()
    assert result["note"] == "one", result
    assert result["host"] in [name(w) for w in pool.workers()], f"{result}\n{pool.describe()}"
    print(f"   from zero workers: a session on {result['host']}", flush=True)

    held = temporal.workflow("Held")
    held.wait_open()
    world.kubectl("delete", "pod", name(first), "-n", namespace, "--wait=false")
    wait_until("its successor is ready", lambda: [p for p in pods() if is_ready(p) and uid(p) != uid(first)], 60, 0.2, told)
    for _ in range(3):  # The old one answers the last request that was on its way to it, and takes it no more.
        assert temporal.workflow("Files").result()["note"] == "one"
    left = [p for p in pods() if uid(p) == uid(first)]
    assert left and "deletionTimestamp" in left[0]["metadata"], f"it must wait for its session\n{told()}"
    held.go()
    assert held.result()["note"], "the session that was open went on"
    wait_until("the old pod has gone", lambda: all(uid(p) != uid(first) for p in pods()), 40, 0.2, told)
    wait_until("all slots are free", lambda: slots_in_use(world) == 0, 20, 0.2, pool.describe)
    print("   replaced beside an open session, which came to its end", flush=True)
    pool.remove()


def manifest(world, namespace, address) -> str:
    """examples/temporal with what its README asks to be named."""
    text = world.kubectl("kustomize", str(REPOSITORY / "examples/temporal"))
    for old, new in (("namespace: default", f"namespace: {namespace}"), ("temporal-frontend.temporal:7233", address),
                     ("--task-queue=renders", f"--task-queue={QUEUE}"),
                     # This cluster has no DNS.
                     ("--gateway=http://berth-gateway.berth-system:7070", f"--gateway=http://{world.gateways()[0]}"),
                     ("berth.local/temporal:0.1.0", f"berth.local/temporal:{TAG}"),
                     ("    exec: true\n", f"    exec: true\n    image: berth.local/worker:{TAG}\n")):
        assert old in text, f"{old} is not in the example"
        text = text.replace(old, new)
    return text
