"""No slot is free within the creation timeout: CreateSession fails in time, and nothing is left behind that takes a slot later."""

import time

from sides.berth import Berth
from sides.world import World, finish

CREATION = 5


def run(world: World) -> None:
    workflows = world.fill()
    began = time.monotonic()
    chain = world.workflow("Held", creation=CREATION).outcome(60)["error"]
    took = time.monotonic() - began
    assert chain[1]["activity"] == "internalSessionCreationActivity", chain
    assert (chain[2]["kind"], chain[2]["timeout"]) == ("TimeoutError", "ScheduleToStart"), chain
    assert CREATION - 1 < took < 3 * CREATION, f"it took {took:.1f} s"
    if isinstance(world.side, Berth):
        assert world.side.used() == world.side.capacity, world.side.summary()
    finish(workflows)
