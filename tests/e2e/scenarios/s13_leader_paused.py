"""The leader is stopped past its lease and goes on later, believing that it leads: it does no harm."""

import os
import signal

from stand.load import Load
from stand.process import wait_until
from stand.world import name, uid

from scenarios.s07_container_killed import node_of

LIMIT = 3


def run(world):
    pool = world.pool("paused", sessions={"maxPerWorker": LIMIT},
                      scaling={"maxWorkers": 5, "freeSlots": 1, "scaleToZeroAfter": "1s",
                               "scaleDown": {"stabilizationWindow": "1s"}})
    with Load(pool, callers=10, limit=LIMIT, pause=(0.0, 4.0)) as load:
        wait_until("sessions are served", lambda: load.done >= 10, 60)
        old = world.leader()
        pids = node_of(world, old).processes(uid(old), "berth-operator")
        assert len(pids) == 1, pids
        os.kill(pids[0], signal.SIGSTOP)
        try:
            wait_until("the other one leads", lambda: (new := world.leader()) and name(new) != name(old), 60)
            before = load.done
            wait_until("it serves", lambda: load.done >= before + 20, 60, context=pool.describe)
        finally:
            continue_process(pids[0])
        wait_until("the old leader has ended itself", lambda: not alive(pids[0]), 30)
        before = load.done
        wait_until("sessions are served on", lambda: load.done >= before + 20, 60, context=pool.describe)
    load.check(at_least=50)
    world.wait_for_berth()
    pool.wait_empty()
    pool.remove()


def continue_process(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        pass  # Its kubelet was faster: a stopped process fails its liveness probe.


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
