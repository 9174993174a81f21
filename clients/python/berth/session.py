"""A session: one slot of one worker, ours until it is completed."""

from __future__ import annotations

import dataclasses
import enum
import logging
import threading
import time
import urllib.parse
from typing import TYPE_CHECKING, Any, Dict, Mapping, Optional, Sequence, Set, Type

from . import _http
from ._files import SessionFiles
from ._lease import Lease
from ._values import Backoff, Duration, duration_text, now, seconds, to_json
from .activity import Activity, ActivityResult, Ask, OnProgress, OnStderr
from .errors import (
    ActivityFailed,
    BerthError,
    Cancelled,
    InvalidArgument,
    NoSession,
    SessionFailed,
    SessionFileNotFound,
    Unavailable,
    from_answer,
)

if TYPE_CHECKING:
    from .client import Client

_log = logging.getLogger("berth")
_OVER = ("SessionEnded", "SessionNotFound", "TokenMismatch")


class SessionState(enum.Enum):
    OPEN = "Open"
    FAILED = "Failed"
    CLOSED = "Closed"


@dataclasses.dataclass(frozen=True)
class SessionHandle:
    """What another process needs to use a session. Whoever has it can do all that the owner can."""

    namespace: str
    pool: str
    worker: str
    address: str
    id: str
    token: str = dataclasses.field(repr=False)
    heartbeat_timeout: float


class Session(SessionFiles):
    """From Client.session(), recreate() or attach(). Thread-safe.

    Leaving its `with` block completes it. A lease is kept in the background, on a thread of its own;
    a session that is lost anyway makes running activities end with Cancelled and everything else
    raise SessionFailed.
    """

    def __init__(
        self,
        client: "Client",
        handle: SessionHandle,
        *,
        recreate_token: str = "",
        leased_from: float,
        owned: bool,
        keep_alive: bool,
    ) -> None:
        self._client = client
        self._handle = handle
        self._recreate_token = recreate_token
        self._owned = owned
        self._lock = threading.RLock()
        self._state = SessionState.OPEN
        self._failure: Optional[SessionFailed] = None
        self._activities: Set[Activity] = set()
        worker = client._worker_at(handle.address, handle.namespace)
        self._worker = worker if client._goes_direct(worker) else None
        self._lease: Optional[Lease] = None
        if keep_alive:
            self._lease = Lease(
                handle.heartbeat_timeout, leased_from, self._renew, self._lease_lost,
                f"berth-lease-{handle.id}",
            )
            self._lease.start()

    # --- what it is

    @property
    def id(self) -> str:
        return self._handle.id

    @property
    def worker(self) -> str:
        """The worker pod's name, which is also its host name."""
        return self._handle.worker

    @property
    def state(self) -> SessionState:
        return self._state

    @property
    def failure(self) -> Optional[SessionFailed]:
        """Why it was lost, once it was."""
        return self._failure

    @property
    def recreate_token(self) -> str:
        """With it, Client.recreate() opens another session on the same worker. Secret."""
        return self._recreate_token

    @property
    def handle(self) -> SessionHandle:
        return self._handle

    def info(self) -> Dict[str, Any]:
        """The session as its worker tells it now: SessionInfo of docs/openapi.yaml."""
        info: Dict[str, Any] = self._answered("GET", "").json()
        return info

    # --- activities

    def run(
        self,
        type: str,
        input: Any = None,
        *,
        start_to_close_timeout: Optional[Duration] = None,
        heartbeat_timeout: Optional[Duration] = None,
        max_attempts: int = 1,
        on_progress: Optional[OnProgress] = None,
        on_stderr: Optional[OnStderr] = None,
    ) -> ActivityResult:
        """Runs an activity on the session's worker and waits for its end.

        A failed activity (ActivityFailed) leaves the session open. max_attempts counts all tries, for
        failures that the activity calls retryable and refusals that may pass. Callbacks run on a
        thread of this package. Ctrl-C cancels the activity.
        """
        activity = self.start(
            type, input, start_to_close_timeout=start_to_close_timeout,
            heartbeat_timeout=heartbeat_timeout, max_attempts=max_attempts,
            on_progress=on_progress, on_stderr=on_stderr,
        )
        try:
            return activity.result()
        except KeyboardInterrupt:
            activity.cancel()
            raise

    def start(
        self,
        type: str,
        input: Any = None,
        *,
        start_to_close_timeout: Optional[Duration] = None,
        heartbeat_timeout: Optional[Duration] = None,
        max_attempts: int = 1,
        on_progress: Optional[OnProgress] = None,
        on_stderr: Optional[OnStderr] = None,
    ) -> Activity:
        """As run(), without waiting."""
        if not isinstance(max_attempts, int) or max_attempts < 1:
            raise InvalidArgument("must be at least 1", field="max_attempts")
        to_json(input, "input")
        body: Dict[str, Any] = {"type": type, "input": input}
        for name, value in (
            ("startToCloseTimeout", start_to_close_timeout),
            ("heartbeatTimeout", heartbeat_timeout),
        ):
            if value is not None:
                body[name] = duration_text(seconds(value, name))
        activity = Activity(self, Ask(type, body, max_attempts, on_progress, on_stderr))
        with self._lock:
            self._raise_if_over(SessionFailed)
            self._activities.add(activity)
        threading.Thread(target=self._run, args=(activity,), daemon=True,
                         name=f"berth-activity-{type}").start()
        return activity

    def exec(
        self,
        argv: Sequence[str],
        *,
        stdin: str = "",
        env: Optional[Mapping[str, str]] = None,
        check: bool = True,
        **options: Any,
    ) -> ActivityResult:
        """Runs a command, in a pool with `exec: true`. output is its raw stdout. check: an exit status
        other than 0 raises ActivityFailed; else it is in the result. options: as run()'s."""
        ask: Dict[str, Any] = {"argv": list(argv)}
        if stdin:
            ask["stdin"] = stdin
        if env:
            ask["env"] = dict(env)
        result = self.run("exec", ask, **options)
        if check and result.exit_status:
            raise ActivityFailed(
                {"type": "ExitStatus", "message": f"{argv[0]} ended with {result.exit_status}"},
                exit_status=result.exit_status, stderr_tail=result.stderr_tail,
            )
        return result

    # --- the end

    def complete(self, keep_for: Duration = 0) -> None:
        """Ends the session: its activities are cancelled, and the slot is free once they have stopped.
        Safe on a failed or completed session. keep_for holds the slot that long for recreate()."""
        hold = seconds(keep_for, "keep_for", above_zero=False)
        with self._lock:
            if self._state is not SessionState.OPEN:
                return
            self._state = SessionState.CLOSED
        self._close_up()
        try:
            self._end(hold)
        finally:
            self._hang_up()

    def _end(self, hold: float) -> None:
        suffix = f"?keepFor={duration_text(hold)}" if hold else ""
        refused: Optional[BerthError] = None
        backoff, give_up_at = Backoff(), now() + self._handle.heartbeat_timeout
        while True:
            error = self._tell_end(suffix)
            if error is None:
                break
            if suffix and isinstance(error, InvalidArgument):
                suffix, refused = "", error  # Ended all the same: nobody renews it any more.
                continue
            pause = backoff.next()
            if now() + pause >= give_up_at:
                _log.warning("session %s: worker %s could not be told of its end; its lease will "
                             "free the slot: %s", self.id, self.worker, error)
                raise Unavailable(f"worker {self.worker} could not be told: {error}")
            time.sleep(pause)
        if refused is not None:
            raise refused

    def _tell_end(self, suffix: str) -> Optional[BerthError]:
        """Tells the worker once; None when it knows, now or since before."""
        try:
            answer = self._transmit("DELETE", suffix)
        except _http.NoAnswer as e:
            return Unavailable(str(e))
        if answer.status < 400 or answer.status == 401:
            return None
        error = from_answer(answer.status, answer.json())
        return None if error.code in _OVER or error.code == "WorkerGone" else error

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], *_: Any) -> None:
        if not self._owned:
            self._abandon()
            return
        try:
            self.complete()
        except BerthError:
            if kind is None:
                raise

    def __repr__(self) -> str:
        return f"<berth.Session {self.id} on {self.worker}, {self._state.value}>"

    # --- inside

    def _run(self, activity: Activity) -> None:
        activity._run()
        with self._lock:
            self._activities.discard(activity)

    def _abandon(self) -> None:
        with self._lock:
            if self._state is SessionState.OPEN:
                self._state = SessionState.CLOSED
        self._close_up()
        self._hang_up()

    def _hang_up(self) -> None:
        if self._worker is not None:
            self._worker.close()

    def _close_up(self) -> None:
        if self._lease is not None:
            self._lease.stop()
        with self._lock:
            activities = list(self._activities)
        for activity in activities:
            activity._wake()
        self._client._forget(self)

    def _raise_if_over(self, kind: Type[BerthError]) -> None:
        if self._failure is not None:
            if kind is SessionFailed:
                raise self._failure
            error = Cancelled(self._failure.message, code=self._failure.code)
            error.end_reason = self._failure.end_reason
            raise error
        if self._state is SessionState.CLOSED:
            if kind is Cancelled:
                raise Cancelled("the session was completed")
            raise NoSession(f"session {self.id} was completed")

    def _may_wait(self, silent_since: float) -> bool:
        return self._lease is not None or now() < silent_since + self._handle.heartbeat_timeout

    def _fail(self, message: str, code: str, reason: Optional[str]) -> None:
        with self._lock:
            if self._state is not SessionState.OPEN:
                return
            self._state = SessionState.FAILED
            self._failure = SessionFailed(message, code=code)
            self._failure.end_reason = reason
        told = "" if message.endswith(reason or "") else f" ({reason})"
        _log.warning("session %s lost: %s%s", self.id, message, told)
        self._close_up()
        self._hang_up()

    def _lease_lost(self) -> None:
        self._fail(
            f"worker {self.worker} did not answer for {self._handle.heartbeat_timeout:g} s",
            "LeaseLost", None,
        )

    def _renew(self, timeout: float) -> bool:
        try:
            answer = self._send("POST", "/heartbeat", timeout=min(timeout, self._client._timeout))
        except (_http.NoAnswer, BerthError):
            return self._state is not SessionState.OPEN
        return answer.status < 300

    def _look(self) -> None:
        """Asks the worker how the session stands; an end of it is then known here."""
        try:
            self._send("POST", "/heartbeat")
        except (_http.NoAnswer, BerthError):
            pass

    def _transmit(self, method: str, suffix: str, **options: Any) -> _http.Answer:
        timeout = options.pop("timeout", self._client._timeout) + options.pop("extra", 0)
        headers = {"Authorization": f"Bearer {self._handle.token}"}
        json_body = options.pop("json_body", None)
        if json_body is not None:
            headers["Content-Type"] = "application/json"
            options["body"] = to_json(json_body, "input")
        path = f"/sessions/{self.id}{suffix}"
        if self._worker is not None:
            return self._worker.request(
                method, "/v1" + path, headers=headers, timeout=timeout, **options
            )
        prefix = self._client._pool_path(self._handle.namespace, self._handle.pool)
        return self._client._gateway_request(
            method, f"{prefix}/workers/{urllib.parse.quote(self.worker)}{path}",
            headers=headers, timeout=timeout, **options,
        )

    def _send(self, method: str, suffix: str, **options: Any) -> _http.Answer:
        """One call on the session. Each answer renews its lease, and a word of its end is heard.
        NoAnswer also when there was only a gateway's word that it could not reach the worker."""
        sent_at = now()
        answer = self._transmit(method, suffix, **options)
        if answer.status < 400:
            if self._lease is not None:
                self._lease.heard(sent_at)
            return answer
        body = answer.json()
        error = from_answer(answer.status, body)
        if error.code in _OVER or answer.status == 401:
            self._heard_of_end(error, body.get("endReason") if isinstance(body, dict) else None)
        elif (answer.status in (502, 504) or error.code == "WorkerGone"
              or (answer.status == 503 and error.code not in ("JournalUnavailable", "TooBusy"))):
            raise _http.NoAnswer(str(error), error.code not in ("ConnectFailed", "WorkerGone"))
        return answer

    def _heard_of_end(self, error: BerthError, reason: Optional[str]) -> None:
        if error.code == "SessionEnded" and reason is None:
            try:
                reason = self._transmit("GET", "", timeout=2).json().get("endReason")
            except (_http.NoAnswer, AttributeError):
                pass
        self._fail(error.message, error.code, reason)
        self._raise_if_over(SessionFailed)

    def _answered(self, method: str, suffix: str, **options: Any) -> _http.Answer:
        """Repeats a call that is safe to repeat until the worker answers or the lease is over."""
        backoff, silent_since = Backoff(), now()
        while True:
            self._raise_if_over(SessionFailed)
            try:
                answer = self._send(method, suffix, **options)
            except _http.NoAnswer as e:
                self._raise_if_over(SessionFailed)
                if not self._may_wait(silent_since):
                    raise Unavailable(str(e)) from None
                for stream in (options.get("body"), options.get("sink")):
                    if stream is not None and not isinstance(stream, bytes):
                        stream.seek(0)  # From the beginning again.
                if options.get("sink") is not None:
                    options["sink"].truncate()
                time.sleep(backoff.next())
                continue
            if answer.status < 400:
                return answer
            error = from_answer(answer.status, answer.json())
            if answer.status == 404 and suffix.startswith("/files/"):
                raise SessionFileNotFound(error.message, code=error.code)
            raise error
