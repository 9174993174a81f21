"""The API server's audit log: every call that Berth's service accounts made."""

import json
from pathlib import Path


def _roles_unread(call: dict) -> bool:
    """An API server that has just started refuses for a second, until it has read its own roles."""
    return " not found" in call["annotations"].get("authorization.k8s.io/reason", "")


def calls(log: Path) -> list[dict]:
    found = []
    for line in log.read_text().splitlines() if log.exists() else []:
        try:
            found.append(json.loads(line))
        except ValueError:
            continue  # The server was killed in the middle of this line.
    return found


def _who(call: dict) -> str:
    return call["user"]["username"].removeprefix("system:serviceaccount:berth-system:")


def _what(call: dict) -> str:
    ref = call.get("objectRef", {})
    resource = "/".join(filter(None, (ref.get("resource"), ref.get("subresource"))))
    return f"{_who(call)} {call['verb']} {resource or call['requestURI']}"


def refused_calls(log: Path, but: list[tuple[str, str]]) -> list[str]:
    """Calls that RBAC forbade, but not at the times given. Admission answers 403 too, for one when a namespace is being
    deleted."""
    return sorted({_what(c) for c in calls(log)
                   if c.get("annotations", {}).get("authorization.k8s.io/decision") == "forbid"
                   and not _roles_unread(c)
                   and not any(begin <= c["requestReceivedTimestamp"] <= end for begin, end in but)})


def writes(log: Path) -> dict[str, int]:
    """How often each account made each kind of write."""
    counts: dict[str, int] = {}
    for call in calls(log):
        if call["verb"] in ("create", "update", "patch", "delete"):
            counts[_what(call)] = counts.get(_what(call), 0) + 1
    return counts
