"""More workflows than slots: as many sessions as there are slots are open, the others wait their turn, and each gets its own."""

from stand.process import wait_until

from sides.berth import Berth
from sides.world import World, finish

COUNT = 10


def run(world: World) -> None:
    workflows = [world.workflow("Held") for _ in range(COUNT)]
    capacity = world.side.capacity

    def open_now() -> int:
        return sum(1 for w in workflows if w.open_sessions())

    wait_until("all slots are taken", lambda: open_now() == capacity, context=lambda: f"{open_now()} of {capacity}")
    if isinstance(world.side, Berth):
        assert world.side.used() == capacity, world.side.summary()
    results = finish(workflows)
    assert len({r["session"] for r in results}) == COUNT, results
    assert all(r["note"] == r["session"] for r in results), results
    if isinstance(world.side, Berth):
        assert world.side.most_used() == capacity
