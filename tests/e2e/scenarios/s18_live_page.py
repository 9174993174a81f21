"""The live page in a browser, through kubectl port-forward as docs/live-page.md tells it: workers come, are used, die, are replaced."""

import re
import subprocess

from stand.browser import Browser
from stand.images import REPOSITORY
from stand.process import kill, wait_until
from stand.world import SYSTEM, name, uid

from scenarios.s07_container_killed import worker_pids

PICTURES = REPOSITORY / "build/e2e/pictures"


def run(world):
    pool = world.pool("page", sessions={"maxPerWorker": 4}, scaling={"minWorkers": 2, "maxWorkers": 3, "freeSlots": 1})
    first = sorted(map(name, pool.wait_ready(2)))
    with PortForward(world) as address, Browser(world.browser, PICTURES) as browser:
        browser.open(f"http://{address}/ui/")
        browser.see("#sign-in")
        browser.fill("#token", pool.caller.token)
        browser.fill("#namespace", pool.namespace)
        browser.press("Enter")
        for worker in first:
            browser.see(row(worker, "Active"))
        browser.see("#total-used", "0/8")

        sessions = pool.open_many(8)
        third = wait_until("a third worker comes", lambda: [n for n in map(name, pool.ready_workers()) if n not in first], 60,
                           0.2, pool.describe)[0]
        browser.see(row(third, "Active"))
        browser.see("#total-used", "8/12")
        browser.see(".news li", f"{third} came")
        browser.see(".decisions li", "→ 3")
        browser.picture("in-use")
        dies(world, pool, browser, first[0])
        is_deleted(world, pool, browser, third)
        for session in sessions:
            session.complete()
        browser.see("#total-used", "0/")
        faults = browser.faults()
        assert faults == {"errors": [], "outside": []}, faults
    pool.remove()


def dies(world, pool, browser, worker: str):
    """Its process is killed: the page says that it restarted, and its sessions are still there."""
    pod = next(w for w in pool.workers() if name(w) == worker)
    (pid,) = worker_pids(world, pod)
    kill(pid)
    browser.see(".news li", f"{worker} restarted, answers again")
    browser.see(row(worker, "Active"))
    browser.see("#total-used", "8/12")
    browser.picture("restarted")


def is_deleted(world, pool, browser, worker: str):
    """Its pod, an idle one, is deleted by force: it goes from the page, and another comes."""
    pod = next(w for w in pool.workers() if name(w) == worker)
    world.api.delete(f"/api/v1/namespaces/{pool.namespace}/pods/{worker}", grace=0)
    browser.see(".news li", f"{worker} went")
    browser.picture("gone")
    wait_until("it is replaced", lambda: len(pool.ready_workers()) == 3 and uid(pod) not in map(uid, pool.workers()), 60, 0.2,
               pool.describe)
    for other in pool.ready_workers():
        browser.see(row(name(other), "Active"))


def row(worker: str, state: str) -> str:
    return f'tr[data-state={state}]:has(th[scope=row]:text-is("{worker}"))'


class PortForward:
    """kubectl port-forward to a gateway, at a free port."""

    def __init__(self, world):
        self._process = subprocess.Popen(
            world.cluster.kubectl_command("-n", SYSTEM, "port-forward", "deployment/berth-gateway", ":7070"),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def __enter__(self) -> str:
        line = self._process.stdout.readline()
        match = re.match(r"Forwarding from (127\.0\.0\.1:\d+)", line)
        assert match, line
        return match[1]

    def __exit__(self, *_) -> None:
        self._process.terminate()
        self._process.communicate()
