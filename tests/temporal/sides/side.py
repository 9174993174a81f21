"""Who serves the sessions: Berth, or the Go SDK's own session workers."""

from abc import ABC, abstractmethod

from sides.temporal import Workflow

WORKERS = 2
SLOTS = 2
"""Of each worker."""


class Side(ABC):
    capacity = WORKERS * SLOTS

    @abstractmethod
    def start(self) -> None: ...

    @abstractmethod
    def stop(self) -> None: ...

    def recover(self) -> None:
        """After a scenario that may have left anything behind."""

    @abstractmethod
    def used(self) -> int | None:
        """Slots in use; None where nobody can tell."""

    @abstractmethod
    def hosts(self) -> list[str]:
        """What SessionInfo.HostName may be."""

    @abstractmethod
    def lose_worker(self, workflow: Workflow) -> None:
        """The worker of the workflow's session is gone, without a word."""
