"""What can go wrong, as a program wants to tell it apart. All derive from BerthError."""

from __future__ import annotations

from typing import Any, Mapping, Optional, Type


class BerthError(Exception):
    """The base of all errors of this package.

    code: the server's word for it ("NoFreeSlot"), or "" when it comes from here.
    field: the argument or member that is wrong, when one is.
    retry_after: seconds after which the server says a repeat may succeed.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        field: str = "",
        retry_after: Optional[float] = None,
    ) -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.message = message
        self.code = code
        self.field = field
        self.retry_after = retry_after


class SessionFailed(BerthError):
    """The session is over, and not by us. end_reason tells why when the worker could still say so."""

    end_reason: Optional[str] = None


class CreationTimeout(BerthError):
    """No slot became free within creation_timeout. Nothing is left open."""


class NoSession(BerthError):
    """The session was completed; nothing more can run in it."""


class ActivityFailed(BerthError):
    """The activity ran and failed, or timed out. The session is still open.

    type: the application's own word ("FileNotFound"), or one of Berth's ("ExitStatus", "Timeout").
    """

    def __init__(
        self,
        failure: Mapping[str, Any],
        *,
        exit_status: Optional[int] = None,
        stderr_tail: str = "",
    ) -> None:
        self.type = str(failure.get("type", "Internal"))
        super().__init__(f"{self.type}: {failure.get('message', '')}", code=self.type)
        self.retryable = bool(failure.get("retryable", False))
        self.exit_status = exit_status
        self.stderr_tail = stderr_tail


class Cancelled(BerthError):
    """We took it back, or its session ended while it ran; then end_reason tells why, if known."""

    end_reason: Optional[str] = None


class PoolNotFound(BerthError):
    """There is no such pool, or it is being deleted."""


class SessionFileNotFound(BerthError):
    """The session's directory holds no such file."""


class InvalidArgument(BerthError):
    """An argument is wrong; field names it."""


class Unauthenticated(BerthError):
    """The gateway or the worker did not accept our token."""


class PermissionDenied(BerthError):
    """The token is good, and its bearer may not do this."""


class WorkerGone(BerthError):
    """Client.recreate: the worker of the token is gone, cordoned or retired."""


class Unavailable(BerthError):
    """Gateway or worker could not be reached in the time given, or refuse for now."""


class InternalError(BerthError):
    """A broken promise of Berth's own."""


_BY_STATUS: Mapping[int, Type[BerthError]] = {
    400: InvalidArgument,
    401: Unauthenticated,
    403: PermissionDenied,
    408: Unavailable,
    409: InvalidArgument,
    413: InvalidArgument,
    429: Unavailable,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}


def from_answer(status: int, body: Any) -> BerthError:
    """The error that an answer of a gateway or worker means, by its status."""
    if not isinstance(body, dict):
        body = {}
    kind = _BY_STATUS.get(status, InternalError)
    retry_after = body.get("retryAfterSeconds")
    return kind(
        str(body.get("message") or f"the server answered {status}"),
        code=str(body.get("code", "")),
        field=str(body.get("field", "")),
        retry_after=float(retry_after) if isinstance(retry_after, (int, float)) else None,
    )
