"""A gateway replica is killed while sessions are asked for: repeats give one usable session each, twins come back."""

import random
from concurrent.futures import ThreadPoolExecutor

from stand.process import wait_until

HEARTBEAT = "5s"
CALLERS = 16


def run(world):
    pool = world.pool("replica", sessions={"maxPerWorker": 8}, workers=2)
    pool.wait_ready(2)
    replicas = world.gateway_addresses()
    assert len(replicas) == 2, replicas
    victim = random.choice(sorted(replicas))
    # Everybody asks the victim first, so that calls are on their way when it dies.
    pool.caller.addresses = [replicas[victim], *[a for n, a in replicas.items() if n != victim]]

    def call(number: int):
        if number == CALLERS // 2:
            world.api.delete(f"/api/v1/namespaces/berth-system/pods/{victim}", grace=0)
        session = pool.open(session_id=f"replica-{number}", heartbeat=HEARTBEAT, creation_timeout=60)
        assert session.run("echo", str(number)).strip() == str(number)
        return session

    with ThreadPoolExecutor(CALLERS) as threads:
        sessions = list(threads.map(call, range(CALLERS)))
    assert len({s.id for s in sessions}) == CALLERS

    # A twin that the dead replica opened has no owner; its slot returns within the heartbeat timeout.
    world.wait_for_berth(120)
    pool.caller.addresses = world.gateways()
    wait_until("only the owned sessions are left", lambda: sorted(s["id"] for s in pool.caller.list(pool.name))
               == sorted(s.id for s in sessions), 5 + 5, 0.3, lambda: str(pool.caller.list(pool.name)))
    for session in sessions:
        assert session.lost is None, session.lost
        session.complete()
    pool.remove()
