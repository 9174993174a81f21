"""Many more workflows than slots, all at once: each gets its own session in the end, never more than there are slots."""

from sides.berth import Berth
from sides.world import World

COUNT = 50


def run(world: World) -> None:
    workflows = [world.workflow("Files", creation=300) for _ in range(COUNT)]
    results = [workflow.result() for workflow in workflows]
    assert len({r["session"] for r in results}) == COUNT, results
    assert all(r["note"] == "one" and len(set(r["folders"])) == 1 for r in results), results
    if isinstance(world.side, Berth):
        assert world.side.most_used() == world.side.capacity
