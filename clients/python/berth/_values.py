"""Small conversions between Python's values and the wire's."""

from __future__ import annotations

import datetime
import json
import random
import re
import secrets
import string
import time
from typing import Any, Callable, Mapping, Union

from .errors import InternalError, InvalidArgument

Duration = Union[int, float, datetime.timedelta]
"""A length of time: seconds, or a timedelta."""

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ms|us|h|m|s)")
_ID = re.compile(r"[a-z0-9-]{1,63}")
_LETTERS = string.ascii_lowercase + string.digits

if hasattr(time, "CLOCK_BOOTTIME"):

    def now() -> float:
        """Seconds on a clock that goes on while the machine sleeps, as leases do."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

else:
    now = time.monotonic


def seconds(value: Duration, field: str, *, above_zero: bool = True) -> float:
    out = value.total_seconds() if isinstance(value, datetime.timedelta) else value
    if isinstance(out, bool) or not isinstance(out, (int, float)):
        raise InvalidArgument(f"must be seconds or a timedelta, is {value!r}", field=field)
    if not (0 < out if above_zero else 0 <= out) or out > 10 * 365 * 86400:
        raise InvalidArgument(f"is out of range: {value!r}", field=field)
    return float(out)


def duration_text(value: float) -> str:
    return f"{max(1, round(value * 1e6))}us"


def parse_duration(text: str) -> float:
    if text == "0":
        return 0.0
    total, end = 0.0, 0
    for part in _PART.finditer(text):
        if part.start() != end:
            break
        total += float(part[1]) * _UNITS[part[2]]
        end = part.end()
    if not text or end != len(text):
        raise InternalError(f"the server sent the duration {text[:100]!r}")
    return total


def random_id() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(20))


def check_id(value: str, field: str) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise InvalidArgument(f"must match [a-z0-9-]{{1,63}}, is {str(value)[:100]!r}", field=field)
    return value


def to_json(value: Any, field: str) -> bytes:
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as e:
        raise InvalidArgument(f"cannot be written as JSON: {e}", field=field) from None


def member(body: Any, name: str, kind: type) -> Any:
    """body[name], which the server's contract says is there."""
    value = body.get(name) if isinstance(body, dict) else None
    if not isinstance(value, kind):
        raise InternalError(f"the server's answer lacks {name!r}")
    return value


class Backoff:
    """Growing pauses with up to half of jitter: 0.1 s, doubling, at most 2 s."""

    def __init__(self, first: float = 0.1, most: float = 2.0) -> None:
        self._first, self._most, self._next = first, most, first

    def next(self) -> float:
        pause = self._next
        self._next = min(self._most, pause * 2)
        return pause * (1.0 - 0.5 * random.random())

    def reset(self) -> None:
        self._next = self._first


Resources = Mapping[str, int]
TokenSource = Union[str, Callable[[], str], None]
