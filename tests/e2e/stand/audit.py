"""The API server's audit log: every call that Berth's service accounts made."""

import json
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path


def now() -> str:
    """As the audit log writes times."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


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
                   and not any(begin <= c["requestReceivedTimestamp"] <= end for begin, end in but)})


def writes(log: Path, begin: str, end: str) -> Counter[str]:
    """How often each account made each kind of write in this time. Reviews and dry runs are questions: the server stores
    nothing of them."""
    return Counter(_what(c) for c in calls(log)
                   if c["verb"] in ("create", "update", "patch", "delete")
                   and not c.get("objectRef", {}).get("resource", "").endswith("reviews")
                   and "dryRun=All" not in c["requestURI"]
                   and begin <= c["requestReceivedTimestamp"] <= end)
