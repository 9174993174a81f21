"""A gateway replica is killed while sessions are asked for: repeats give one usable session each, twins come back."""

import hashlib
import random
import time
from concurrent.futures import ThreadPoolExecutor

from stand.process import wait_until
from stand.sessions import request, seconds
from stand.world import name

HEARTBEAT = "5s"
CALLERS = 16


def run(world):
    under_calls(world)
    twin(world)


def under_calls(world):
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
               == sorted(s.id for s in sessions), seconds(HEARTBEAT) + 5, 0.3, lambda: str(pool.caller.list(pool.name)))
    for session in sessions:
        assert session.lost is None, session.lost
        session.complete()
    pool.remove()


def twin(world):
    """The replica dies after it opened a session and before its caller heard of it. The repeat goes to another worker, for the
    first is full: with the twin."""
    pool = world.pool("twin", sessions={"maxPerWorker": 1}, workers=2)
    pool.wait_ready(2)
    replicas = world.gateway_addresses()
    victim, other = random.sample(sorted(replicas), 2)
    secret = "5" * 64
    sessions = f"/v1/namespaces/{pool.namespace}/pools/{pool.name}/sessions"
    unheard = request(replicas[victim], "POST", sessions, pool.caller.token, {
        "id": "twin", "heartbeatTimeout": HEARTBEAT, "creationTimeout": "30s",
        "tokenHash": hashlib.sha256(secret.encode()).hexdigest()})
    opened = time.monotonic()
    world.api.delete(f"/api/v1/namespaces/berth-system/pods/{victim}", grace=0)

    pool.caller.addresses = [replicas[other]]
    session = pool.open(session_id="twin", heartbeat=HEARTBEAT, secret=secret)
    assert session.worker["uid"] != unheard["worker"]["uid"], "the first worker had no slot left"
    assert session.run("echo", "usable").strip() == "usable"
    first = next(w for w in pool.workers() if name(w) == unheard["worker"]["name"])
    used = lambda: world.metrics_of(first).sum("berth_worker_session_slots_used", resource="session")
    wait_until("the twin's slot is back", lambda: used() == 0, opened + seconds(HEARTBEAT) + 3 - time.monotonic(), 0.1,
               pool.describe)
    assert world.metrics_of(first).sum("berth_worker_sessions_ended_total", reason="LeaseExpired") == 1
    pool.open(heartbeat=HEARTBEAT).complete()  # The other slot: this one's owner renews still.
    assert session.lost is None and session.run("echo", "still").strip() == "still"
    session.complete()
    world.wait_for_berth(120)
    pool.remove()
