"""Keeps a session's lease, on a thread of its own."""

from __future__ import annotations

import random
import threading
from typing import Callable

from ._values import now


class Lease:
    """Renews about three times a heartbeat timeout, and calls the session lost one heartbeat timeout
    after the last answered renewal was *sent*: by then its worker may have given the slot away.

    renew(timeout) says whether an answer came. lost() is called once, on the lease's thread.
    """

    def __init__(
        self,
        heartbeat: float,
        leased_from: float,
        renew: Callable[[float], bool],
        lost: Callable[[], None],
        name: str,
    ) -> None:
        self._heartbeat = heartbeat
        self._from = leased_from
        self._renew = renew
        self._lost = lost
        self._changed = threading.Condition()
        self._stopped = False
        self._not_before = 0.0  # After a failed renewal: when to try again.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def heard(self, sent_at: float) -> None:
        """Any answer to a call on the session renews it."""
        with self._changed:
            self._from = max(self._from, sent_at)

    def _wait_until(self, when: Callable[[], float]) -> bool:
        """False once stopped. The moment may move away while we wait."""
        with self._changed:
            while not self._stopped:
                left = when() - now()
                if left <= 0:
                    return True
                self._changed.wait(left)
            return False

    def _due(self) -> float:
        return min(max(self._from + self._heartbeat / 3, self._not_before), self._expires())

    def _expires(self) -> float:
        return self._from + self._heartbeat

    def _run(self) -> None:
        pause = min(1.0, max(0.02, self._heartbeat / 40))
        while self._wait_until(self._due):
            left = self._expires() - now()
            if left > 0 and self._renew(min(self._heartbeat / 3, left)):
                self._not_before = 0.0
            elif now() >= self._expires():
                if not self._stopped:
                    self._lost()
                return
            else:
                self._not_before = now() + pause * (1.0 + 0.5 * random.random())
