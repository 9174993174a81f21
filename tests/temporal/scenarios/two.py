"""A workflow has two sessions at once."""

from sides.world import World


def run(world: World) -> None:
    workflow = world.workflow("Two")
    opened = workflow.wait("both sessions are open", lambda: [s for s in [workflow.open_sessions()] if len(s) == 2])[0]
    with world.ending(2, "Completed"):
        workflow.go()
        results = workflow.results()
    assert {r["session"] for r in results} == {s["SessionID"] for s in opened}, (results, opened)
    assert all(r["note"] == r["session"] for r in results), results
