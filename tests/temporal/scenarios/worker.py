"""The process of a worker is killed and its pod starts it again: the session goes on, with its files."""

from sides.world import World

BERTH_ONLY = "a Go session worker that is started again has lost its sessions"


def run(world: World) -> None:
    workflow = world.workflow("Held")
    session = workflow.wait_open()
    world.berth.kill_worker(workflow)
    workflow.go()
    result = workflow.result()
    assert result["session"] == result["note"] == session["SessionID"], result
