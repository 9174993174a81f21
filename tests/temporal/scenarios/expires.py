"""A session lasts longer than its workflow has allowed for: the workflow sees that it has failed, its command is stopped."""

import secrets

from stand.process import processes_of, wait_until

from sides.world import World


def run(world: World) -> None:
    marker = f"300.{secrets.randbelow(10**9):09}"
    workflow = world.workflow("Sleeps", sleep=marker, execution=5)
    workflow.wait("the command runs", lambda: processes_of(marker))
    chain = workflow.outcome()["error"]
    assert chain[-1]["kind"] == "CanceledError", chain  # What the SDK says to activities of a session that has failed.
    wait_until("the command has stopped", lambda: not processes_of(marker), 30)
    world.wait_free()
