"""The leader's pod is force-deleted again and again under churn, and both replicas are gone for a while."""

import random
import threading

from stand.api import ApiError
from stand.load import Load
from stand.process import wait_until

LIMIT = 3
KILLS = 4


def run(world):
    pool = world.pool("leader", sessions={"maxPerWorker": LIMIT},
                      scaling={"maxWorkers": 5, "freeSlots": 1, "scaleToZeroAfter": "1s", "tolerance": 0,
                               "scaleDown": {"stabilizationWindow": "1s"}})
    with Load(pool, callers=10, limit=LIMIT, pause=(0.0, 4.0)) as load:
        chance, never = random.Random(load.seed), threading.Event()
        for _ in range(KILLS):
            never.wait(chance.uniform(2, 7))
            if leader := world.leader():
                delete_now(world, leader)
        wait_until("somebody leads again", world.leader, 60)

        # Nobody home: sessions open and close on the workers that there are.
        wait_until("there are workers", lambda: len(pool.ready_workers()) >= 1, 90, context=pool.describe)
        world.kubectl("scale", "deployment/berth-operator", "-n", "berth-system", "--replicas=0")
        wait_until("no operator is left", lambda: not world.system_pods("berth-operator"), 60)
        before = load.done
        wait_until("sessions are served without an operator", lambda: load.done >= before + 20, 90, context=pool.describe)
        world.kubectl("scale", "deployment/berth-operator", "-n", "berth-system", "--replicas=2")
        world.wait_for_berth()
        before = load.done
        wait_until("and after it", lambda: load.done >= before + 20, 90, context=pool.describe)
    load.check(at_least=40)
    pool.wait_empty()
    pool.remove()


def delete_now(world, pod: dict) -> None:
    try:
        world.api.delete(f"/api/v1/namespaces/berth-system/pods/{pod['metadata']['name']}", grace=0)
    except ApiError as e:
        assert e.status == 404, e
