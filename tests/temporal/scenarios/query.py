"""The query for a workflow's open sessions tells them while they are open."""

from sides.world import World


def run(world: World) -> None:
    workflow = world.workflow("Held")
    session = workflow.wait_open()
    assert session["HostName"] in world.side.hosts(), session
    assert session["SessionState"] == 0, session
    workflow.go()
    assert workflow.result()["session"] == session["SessionID"]
    assert not workflow.open_sessions()
