"""Workflows end while berth-temporal is down: started again it gives their sessions back, and goes on with those that are left."""

from sides.world import World

BERTH_ONLY = "a Go session worker that is started again has lost its sessions"


def run(world: World) -> None:
    ended, left = world.workflow("Held"), world.workflow("Held")
    ended.wait_open()
    session = left.wait_open()
    world.berth.engine.kill()
    ended.terminate()
    left.go()  # Its next activity waits in the session's queue.
    world.berth.start_engine()
    assert left.result()["note"] == session["SessionID"]
    world.wait_free()
