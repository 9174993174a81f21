"""kubectl scale sets a fixed number of workers, as an HPA would; without it the pool is automatic again."""

from stand.process import wait_until


def run(world):
    pool = world.pool("scale", scaling={"maxWorkers": 2, "scaleToZeroAfter": "2s",
                                        "scaleDown": {"stabilizationWindow": "3s"}})
    world.kubectl("patch", "spool", pool.name, "-n", pool.namespace, "--type=merge", "-p", '{"spec":{"workers":1}}')
    pool.wait_ready(1)
    world.kubectl("scale", f"spool/{pool.name}", "-n", pool.namespace, "--replicas=3")
    pool.wait_ready(3)  # More than maxWorkers: a fixed count is not clamped.
    scale = world.api.get(pool.path + "/scale")
    wait_until("the scale subresource tells pods", lambda: world.api.get(pool.path + "/scale")["status"]["replicas"] == 3, 10)
    assert scale["spec"]["replicas"] == 3 and scale["status"]["selector"] == f"berth.dev/pool={pool.name}", scale
    wait_until("the status says Fixed", lambda: pool.condition("Ready").get("reason") == "Fixed", 10,
               context=pool.describe)
    assert "Fixed" in world.kubectl("get", "spool", pool.name, "-n", pool.namespace)

    session = pool.open()
    world.kubectl("scale", f"spool/{pool.name}", "-n", pool.namespace, "--replicas=0")
    wait_until("only the worker in use is left", lambda: [w["metadata"]["name"] for w in pool.workers()]
               == [session.worker["name"]], 60, 0.2, pool.describe)
    assert session.run("echo", "in use").strip() == "in use"
    session.complete()
    pool.wait_empty()

    pool.change({"workers": None})
    pool.open().complete()  # Automatic again: the demand alone makes a worker.
    assert pool.condition("Ready").get("reason") != "Fixed"
    pool.wait_empty()
    pool.remove()
