"""A workflow is cancelled while it waits for a slot: it ends at once, and later nothing comes of its request."""

from sides.world import World, finish


def run(world: World) -> None:
    workflows = world.fill()
    waits = world.workflow("Held")
    waits.wait("its session is asked for", lambda: waits.pending("internalSessionCreationActivity"))
    waits.cancel()
    chain = waits.outcome(20)["error"]
    assert chain[-1]["kind"] == "CanceledError", chain
    finish(workflows)
