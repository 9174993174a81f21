"""Long activities outlive many heartbeat timeouts while they are worked on, and the progress of one is seen from outside."""

from sides.temporal import Workflow
from sides.world import World

ENOUGH = 40
"""Steps of a tenth of a second: twice the heartbeat timeout."""


def steps_done(workflow: Workflow) -> int:
    return int(((workflow.pending("steps") or [{}])[0].get("details") or {}).get("done", 0))


def run(world: World) -> None:
    workflow = world.workflow("Long")
    workflow.wait("progress is reported", lambda: steps_done(workflow) >= ENOUGH)
    workflow.go()
    result = workflow.result()
    assert result["steps"]["done"] >= ENOUGH, result
    assert result["spanned"] == "spanned", result
