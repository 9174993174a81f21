"""A workflow that continues as new re-creates its session on the same worker, and finds its files there."""

from sides.berth import Berth
from sides.world import World


def run(world: World) -> None:
    if not isinstance(world.side, Berth):
        check(world)
        return
    world.side.engine.stop(30)
    world.side.start_engine("--keep-for", "20s")
    try:
        check(world)
    finally:
        world.side.engine.stop(30)
        world.side.start_engine()


def check(world: World) -> None:
    result = world.workflow("Recreate").result()
    assert result["first"]["session"] != result["next"]["session"], result
    assert result["first"]["host"] == result["next"]["host"], result
    assert result["note"] == "from the first run", result
