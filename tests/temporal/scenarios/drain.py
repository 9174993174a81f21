"""berth-temporal is replaced while a session is open: the old one serves it to its end, the new one takes what comes."""

import os
import signal

from stand.process import wait_until

from sides.world import World

BERTH_ONLY = "a Go session worker that is told to end fails its sessions"


def run(world: World) -> None:
    workflow = world.workflow("Held")
    session = workflow.wait_open()
    leaving = world.berth.engine
    world.berth.start_engine(afresh=True)
    os.kill(leaving.pid, signal.SIGTERM)
    wait_until("it says that it leaves", lambda: "draining" in leaving.tail(), context=leaving.tail)
    later = world.workflow("Held")
    later.wait_open()
    assert leaving.running(), leaving.tail()
    workflow.go()
    assert workflow.result()["session"] == session["SessionID"]
    wait_until("it has ended", lambda: not leaving.running(), 30, context=leaving.tail)
    later.go()
    later.result()
