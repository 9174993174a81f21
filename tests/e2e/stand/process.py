"""Programs that the cluster consists of: started, stopped and started again, each with a log file of its own."""

import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

_T = TypeVar("_T")

WAITS = logging.getLogger("waits")
"""Gets a line for everything that took longer than LONG; whoever wants to read them gives it a handler."""
LONG = 2.0


class Process:
    def __init__(self, name: str, argv: list[str | Path], log: Path):
        self.name, self.argv, self.log = name, [str(a) for a in argv], log
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as out:
            self._child = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                           start_new_session=True)

    @property
    def pid(self) -> int:
        assert self._child is not None, f"{self.name} was never started"
        return self._child.pid

    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def stop(self, grace: float = 5) -> None:
        if self._child is None or not self.running():
            return
        self._child.terminate()
        try:
            self._child.wait(grace)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        if self._child is not None and self.running():
            self._child.kill()
            self._child.wait()

    def tail(self, lines: int = 15) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def wait_until(what: str, condition: Callable[[], _T], timeout: float = 60, interval: float = 0.1,
               context: Callable[[], str] | None = None) -> _T:
    """Polls until `condition()` is true and returns its value. Fails with `what`, and `context()` when given."""
    deadline = time.monotonic() + timeout
    with noted(what):
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > deadline:
                more = f"\n{context()}" if context else ""
                raise AssertionError(f"not within {timeout:g} s: {what}{more}")
            time.sleep(interval)


@contextmanager
def noted(what: str) -> Iterator[None]:
    """Tells WAITS if what is done in this context took long."""
    began = time.monotonic()
    try:
        yield
    finally:
        took = time.monotonic() - began
        if took > LONG:
            WAITS.info("%.1f s: %s", took, what)


def processes_of(marker: str) -> list[int]:
    """Pids whose command line names `marker`, a path that belongs to one run only."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if marker.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue  # Ended meanwhile.
    return found


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
