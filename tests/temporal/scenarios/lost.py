"""The worker of a session is gone: the workflow sees that its session has failed, and makes another elsewhere."""

import secrets
from typing import Any

from stand.process import processes_of

from sides.world import World


def run(world: World) -> None:
    marker = f"300.{secrets.randbelow(10**9):09}"
    workflow = world.workflow("Lost", sleep=marker)
    workflow.wait("the command runs", lambda: processes_of(marker))
    with world.ending(1, "SessionLost"):
        world.side.lose_worker(workflow)
        result = workflow.result()
    check(result)


def check(result: dict[str, Any]) -> None:
    assert len(result["sessions"]) == 2, result
    assert result["sessions"][0]["session"] != result["sessions"][1]["session"], result
    assert result["running"], "the activity that ran must not have succeeded"
    assert result["state"] == 1, f"the session must have been seen as failed: {result}"
    assert result["isFailed"] and result["next"] == "session has failed", result
    assert result["note"] == "new", result
