"""berth-temporal is killed and started again while a session is open and activities run: the workflow does not notice."""

from sides.world import World

from scenarios.heartbeat import steps_done

BERTH_ONLY = "a Go session worker that is started again has lost its sessions"


def run(world: World) -> None:
    workflow = world.workflow("Long", beat=20, heartbeat=20)
    before = workflow.wait("progress is reported", lambda: steps_done(workflow))
    session = workflow.wait_open()
    world.berth.engine.kill()
    world.berth.engine.start()
    workflow.wait("progress is reported again", lambda: steps_done(workflow) > before)
    assert workflow.open_sessions() == [session]
    assert [a["attempt"] for a in workflow.pending("internalSessionCreationActivity")] == [1]
    workflow.go()
    result = workflow.result()
    assert result["session"] == session["SessionID"], result
    assert result["state"] == 0, result
    assert result["spanned"] == "spanned", result
