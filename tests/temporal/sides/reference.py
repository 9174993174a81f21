"""The reference: session workers of Temporal's Go SDK."""

import socket
from pathlib import Path

from sides.side import SLOTS, WORKERS, Side
from sides.temporal import Temporal, Workflow, program


class Reference(Side):
    def __init__(self, temporal: Temporal, folder: Path, logs: Path):
        command = ["env", f"TMPDIR={folder}", *temporal.command("session-worker", str(SLOTS))]
        self._workers = [program(f"session-worker-{n}", command, logs) for n in range(WORKERS)]

    def start(self) -> None:
        for worker in self._workers:
            worker.start()

    def stop(self) -> None:
        for worker in self._workers:
            worker.stop()

    def used(self) -> None:
        return None

    def hosts(self) -> list[str]:
        return [socket.gethostname()]

    def lose_worker(self, workflow: Workflow) -> None:
        identity = workflow.pending("internalSessionCreationActivity")[0]["worker"]  # pid@host@
        worker = next(w for w in self._workers if str(w.pid) == identity.partition("@")[0])
        worker.kill()
        worker.start()
