"""What a scenario works with."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stand.process import wait_until

from sides.berth import Berth
from sides.reference import Reference
from sides.side import Side
from sides.temporal import Temporal, Workflow


class World:
    def __init__(self, tools: Path, programs: Path | None, folder: Path, logs: Path):
        """Without `programs` the reference serves the sessions."""
        self.temporal = Temporal(tools, logs)
        self.side: Side = Berth(programs, self.temporal, folder, logs) if programs else Reference(self.temporal, folder, logs)

    @property
    def berth(self) -> Berth:
        assert isinstance(self.side, Berth)
        return self.side

    def start(self) -> None:
        self.temporal.start()
        self.side.start()

    def stop(self) -> None:
        try:
            self.side.stop()
        finally:
            self.temporal.stop()

    def workflow(self, name: str, **terms: Any) -> Workflow:
        return self.temporal.workflow(name, **terms)

    def fill(self) -> list[Workflow]:
        """As many open sessions as there are slots."""
        workflows = [self.workflow("Held") for _ in range(self.side.capacity)]
        for workflow in workflows:
            workflow.wait_open()
        return workflows

    def wait_free(self, timeout: float = 40) -> None:
        """All slots are free, as far as that can be seen."""
        if isinstance(self.side, Berth):
            berth = self.side
            wait_until("no slot is in use", berth.idle, timeout, context=lambda: f"{berth.summary()}\n{berth.metrics().samples}")

    @contextmanager
    def ending(self, count: int, *reasons: str) -> Iterator[None]:
        """As many sessions end for one of these reasons, as far as that can be seen."""
        if not isinstance(self.side, Berth):
            yield
            return
        berth = self.side
        before = berth.ended(*reasons)
        yield
        wait_until(f"{count} sessions end as {reasons}", lambda: berth.ended(*reasons) - before == count, 40,
                   context=lambda: str(berth.metrics().samples))

    def check_whole(self) -> None:
        """All slots are free, and every one of them can be had."""
        self.wait_free()
        finish(self.fill())


def finish(workflows: list[Workflow]) -> list[dict[str, Any]]:
    for workflow in workflows:
        workflow.go()
    return [workflow.result() for workflow in workflows]
