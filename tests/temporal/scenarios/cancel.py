"""A workflow is cancelled while a command of its session runs: the command is stopped, the session is given back."""

import secrets

from stand.process import processes_of, wait_until

from sides.world import World


def run(world: World) -> None:
    marker = f"300.{secrets.randbelow(10**9):09}"
    workflow = world.workflow("Sleeps", sleep=marker)
    workflow.wait("the command runs", lambda: processes_of(marker))
    with world.ending(1, "Cancelled", "WorkflowGone"):  # The workflow does not wait for its session.
        workflow.cancel()
        chain = workflow.outcome()["error"]
        assert chain[-1]["kind"] == "CanceledError", chain
        wait_until("the command has stopped", lambda: not processes_of(marker), 30)
    world.wait_free()
