"""Activities of a session run one after another on one worker, in one folder; ordinary activities stay the ordinary worker's."""

from sides.world import World


def run(world: World) -> None:
    with world.ending(1, "Completed"):
        result = world.workflow("Files").result()
    assert result["greeting"] == "hello berth", result
    assert result["note"] == "one", result
    first, again = result["folders"]
    assert first == again, result
    assert result["host"] in world.side.hosts(), (result, world.side.hosts())
