"""berth-temporal is gone, and so are its notes: workflows see that their sessions have failed, slots come back by themselves."""

import secrets

from stand.process import processes_of, wait_until

from sides.world import World

from scenarios.lost import check

BERTH_ONLY = "with a Go session worker its host goes too, which the scenario `lost` shows"


def run(world: World) -> None:
    marker = f"300.{secrets.randbelow(10**9):09}"
    workflow = world.workflow("Lost", sleep=marker)
    workflow.wait("the command runs", lambda: processes_of(marker))
    world.berth.engine.kill()
    world.berth.start_engine(afresh=True)
    check(workflow.result())
    wait_until("the command of the session that nobody holds has stopped", lambda: not processes_of(marker), 60)
