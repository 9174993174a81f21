"""The API server is stopped for a minute under load: sessions still open and close; then everything converges."""

import time

from stand.load import Load
from stand.process import wait_until

LIMIT = 4


def run(world):
    pool = world.pool("apiserver", sessions={"maxPerWorker": LIMIT}, scaling={"minWorkers": 2, "maxWorkers": 4, "freeSlots": 1})
    workers = pool.wait_ready(2)
    held = pool.open()
    with Load(pool, callers=5, limit=LIMIT, pause=(0.0, 0.5)) as load:
        wait_until("sessions are served", lambda: load.done >= 10, 60)
        with world.rights_away():  # Until the server has read its roles again it refuses whatever is asked.
            world.cluster.stop_apiserver()
            try:
                began, before = time.monotonic(), load.done
                # Longer than the Lease: whoever led has given up and been started again by its kubelet meanwhile.
                wait_until("a minute of sessions is served without it",
                           lambda: time.monotonic() > began + 60 and load.done >= before + 60, 150)
                assert held.run("echo", "held").strip() == "held"
            finally:
                world.cluster.start_apiserver()
                world.cluster.restart_followers()
        world.wait_for_berth(120)
        before = load.done
        wait_until("sessions are served after it without a pause", lambda: load.done >= before + 20, 15, context=pool.describe)
    load.check(at_least=90)
    held.complete()
    # Their nodes counted as NotReady until kubelets, which could not report either, had read and written all again.
    first = {w["metadata"]["uid"] for w in workers}
    wait_until(
        "the first workers are ready, none lost to the silence",
        lambda: first <= {w["metadata"]["uid"] for w in pool.ready_workers()}, 180, context=pool.describe)
    pool.change({"scaling": {"minWorkers": 0}})
    pool.wait_empty(120)
    pool.remove()
