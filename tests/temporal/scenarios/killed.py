"""A workflow is terminated with its session open: nobody completes the session, and still it is given back."""

from sides.world import World


def run(world: World) -> None:
    workflows = world.fill()
    with world.ending(len(workflows), "WorkflowGone"):
        for workflow in workflows:
            workflow.terminate()
        for workflow in workflows:
            assert workflow.outcome()["error"][-1]["kind"] == "TerminatedError"
    world.wait_free()
