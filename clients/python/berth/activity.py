"""One unit of work in a session."""

from __future__ import annotations

import base64
import dataclasses
import threading
import time
from typing import TYPE_CHECKING, Any, Callable, Dict, Optional

from . import _http
from ._values import Backoff, member, now, random_id
from .errors import (
    ActivityFailed,
    BerthError,
    Cancelled,
    InternalError,
    NoSession,
    SessionFailed,
    Unavailable,
    from_answer,
)

if TYPE_CHECKING:
    from .session import Session

_POLL_SECONDS = 25
_SHORTEST_POLL = 0.2
_FINAL = ("Succeeded", "Failed", "Cancelled", "TimedOut")

OnProgress = Callable[[Any], None]
OnStderr = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class ActivityResult:
    """result: JSON of the activity. exit_status, output, stderr_tail: of commands and exec."""

    result: Any = None
    exit_status: Optional[int] = None
    output: bytes = b""
    stderr_tail: str = ""


@dataclasses.dataclass(frozen=True)
class Ask:
    type: str
    body: Dict[str, Any]
    max_attempts: int
    on_progress: Optional[OnProgress]
    on_stderr: Optional[OnStderr]


class Activity:
    """An activity under way, from Session.start(). Thread-safe.

    Nothing is started twice by a repeat: each attempt has an id, and the worker knows it. A worker
    that does not answer is waited for until the session's lease is over.
    """

    def __init__(self, session: "Session", ask: Ask) -> None:
        self._session = session
        self._ask = ask
        self._finished = threading.Event()
        self._cancelled = threading.Event()
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._poll_call: Optional[_http.Call] = None
        self._told = False  # The worker knows that it is cancelled.
        self._result: Optional[ActivityResult] = None
        self._error: Optional[BerthError] = None
        self._progress: Any = None
        self._stderr = ""
        self._id = ""

    def done(self) -> bool:
        return self._finished.is_set()

    def result(self, timeout: Optional[float] = None) -> ActivityResult:
        """Waits for the end. Raises what the activity ended with, or TimeoutError: it then goes on."""
        if not self._finished.wait(timeout):
            raise TimeoutError(f"activity {self._ask.type} still runs")
        if self._error is not None:
            raise self._error
        assert self._result is not None
        return self._result

    def cancel(self) -> None:
        """Asks it to stop; result() then gives its real end: Cancelled, or what came first."""
        self._cancelled.set()
        self._wake()

    # --- for Session

    def _run(self) -> None:
        try:
            self._result = self._attempts()
        except BerthError as e:
            self._error = e
        except Exception as e:  # Out of a callback of the caller's.
            self.cancel()
            self._error = InternalError(f"activity {self._ask.type}: {e!r}")
            self._error.__cause__ = e
            try:
                self._tell_cancel()
            except BerthError:
                pass  # The session's end stops it too.
        finally:
            self._finished.set()

    def _wake(self) -> None:
        """Ends the wait for news, so that the thread looks around."""
        with self._lock:
            self._woken.set()
            if self._poll_call is not None:
                self._poll_call.abort()

    def _attempts(self) -> ActivityResult:
        pause = 1.0
        for attempt in range(1, self._ask.max_attempts + 1):
            try:
                return self._attempt()
            except BerthError as e:
                if attempt == self._ask.max_attempts or not _may_pass(e):
                    raise
                self._pause(max(pause, e.retry_after or 0.0))
                pause = min(30.0, pause * 2)
                if self._cancelled.is_set():
                    raise Cancelled("the activity was cancelled between two attempts") from e
        raise AssertionError("max_attempts is at least 1")

    def _attempt(self) -> ActivityResult:
        self._id = random_id()
        self._told = False
        if self._cancelled.is_set():
            raise Cancelled("the activity was cancelled before it began")
        answer = self._ask_worker("POST", "", {**self._ask.body, "activityId": self._id})
        if answer is not None and answer.status >= 400:
            raise _refusal(answer)
        version, asked = -1, 0.0
        while True:
            if answer is not None:
                info = answer.json()
                news = member(info, "version", int) > version
                version = max(version, info["version"])
                self._report(info)
                if info.get("state") in _FINAL:
                    return self._settle(info)
                if not news and time.monotonic() - asked < _SHORTEST_POLL:
                    self._pause(_SHORTEST_POLL)  # No worker must be hammered.
            if self._cancelled.is_set() and not self._told:
                self._tell_cancel()
            asked = time.monotonic()
            answer = self._poll(version)

    def _tell_cancel(self) -> None:
        answer = self._ask_worker("DELETE", f"/{self._id}")
        assert answer is not None
        if answer.status == 404:
            raise Cancelled("the activity was cancelled before it began")
        self._told = True

    def _poll(self, version: int) -> Optional[_http.Answer]:
        """None when woken before the answer."""
        answer = self._ask_worker("GET", f"/{self._id}?wait={_POLL_SECONDS}&after={version}")
        if answer is None or answer.status < 400:
            return answer
        error = from_answer(answer.status, answer.json())
        if error.code in ("ResultForgotten", "ActivityNotFound"):
            raise ActivityFailed({"type": error.code, "message": error.message})
        raise error

    def _ask_worker(
        self, method: str, suffix: str, body: Optional[Dict[str, Any]] = None
    ) -> Optional[_http.Answer]:
        """Repeats until the worker answers. A worker that cannot be reached is only waited for, until
        the lease is over. None: a poll or an unclear start was woken by cancel()."""
        backoff, silent_since = Backoff(), now()
        polls = method == "GET"
        while True:
            call = _http.Call()
            with self._lock:
                self._woken.clear()
                if polls and self._cancelled.is_set() and not self._told:
                    return None
                self._poll_call = call if polls else None
            try:
                return self._session._send(
                    method, "/activities" + suffix, json_body=body, call=call,
                    extra=_POLL_SECONDS if polls else 0,
                )
            except (SessionFailed, NoSession):
                if method != "POST":
                    self._session._raise_if_over(Cancelled)
                raise
            except _http.NoAnswer as e:
                self._session._raise_if_over(Cancelled)
                if call.aborted:
                    continue
                if not self._session._may_wait(silent_since):
                    raise Unavailable(f"activity {self._ask.type}: {e}") from None
                if method == "POST" and self._cancelled.is_set():
                    return None
            finally:
                with self._lock:
                    self._poll_call = None
            self._pause(backoff.next())

    def _pause(self, seconds: float) -> None:
        """Shorter when woken."""
        self._woken.wait(seconds)
        self._session._raise_if_over(Cancelled)

    def _report(self, info: Dict[str, Any]) -> None:
        progress, stderr = info.get("progress"), info.get("stderrTail", "")
        if progress is not None and progress != self._progress:
            self._progress = progress
            if self._ask.on_progress is not None:
                self._ask.on_progress(progress)
        if stderr != self._stderr:
            self._stderr = stderr
            if self._ask.on_stderr is not None:
                self._ask.on_stderr(stderr)

    def _settle(self, info: Dict[str, Any]) -> ActivityResult:
        status, stderr = info.get("exitStatus"), info.get("stderrTail", "")
        if info["state"] == "Succeeded":
            output = base64.b64decode(info.get("stdoutBase64", ""))
            return ActivityResult(info.get("result"), status, output, stderr)
        failure = info.get("failure") or {"type": info["state"], "message": "no reason was given"}
        if failure.get("type") == "SessionEnded":
            self._session._look()
        if info["state"] == "Cancelled" or failure.get("type") == "SessionEnded":
            self._session._raise_if_over(Cancelled)
            raise Cancelled(str(failure.get("message")), code=str(failure.get("type", "")))
        raise ActivityFailed(failure, exit_status=status, stderr_tail=stderr)


def _may_pass(error: BerthError) -> bool:
    return error.retryable if isinstance(error, ActivityFailed) else error.retry_after is not None


def _refusal(answer: _http.Answer) -> BerthError:
    error = from_answer(answer.status, answer.json())
    if error.retry_after is None and answer.status in (429, 500, 503):
        error.retry_after = 1.0
    return error
