"""From a request that must wait to the pod create that it causes: by the operator's own metric, and by the caller's and the API
server's clock, which are one here."""

import math
from datetime import datetime

from stand import audit
from bench_stand import Stand
from report import Report, percentile

REQUESTS = 100
METRIC = "berth_operator_scale_reaction_seconds"


def _buckets(stand: Stand) -> dict[float, float]:
    return {float(labels["le"]): value for name, labels, value in stand.operator_metrics().samples if name == f"{METRIC}_bucket"}


def _quantile(buckets: dict[float, float], share: float) -> float:
    """As Prometheus' histogram_quantile: linear inside the bucket."""
    wanted, below, low = share * buckets[math.inf], 0.0, 0.0
    for limit in sorted(buckets):
        if buckets[limit] >= wanted:
            return low if limit == math.inf else low + (limit - low) * (wanted - below) / (buckets[limit] - below)
        below, low = buckets[limit], limit
    raise AssertionError("no bucket")


def _pod_creates(stand: Stand, namespace: str) -> list[float]:
    return sorted(datetime.fromisoformat(c["requestReceivedTimestamp"].replace("Z", "+00:00")).timestamp()
                  for c in audit.calls(stand.cluster.audit_log)
                  if c["verb"] == "create" and c["objectRef"].get("resource") == "pods" and "dryRun=All" not in c["requestURI"]
                  and not c["objectRef"].get("subresource") and c["objectRef"].get("namespace") == namespace)


def measure(stand: Stand, report: Report) -> None:
    """One session after another, each on a worker of its own that does not exist yet."""
    pool = stand.pool("reaction", sessions={"maxPerWorker": 1}, scaling={"maxWorkers": REQUESTS, "freeSlots": 0})
    before = _buckets(stand)
    sent, sessions = [], []
    for _ in range(REQUESTS):
        sent.append(datetime.now().timestamp())
        sessions.append(pool.open())
    buckets = {limit: value - before.get(limit, 0) for limit, value in _buckets(stand).items()}
    creates = _pod_creates(stand, pool.namespace)
    if len(creates) != REQUESTS or buckets[math.inf] != REQUESTS:
        raise AssertionError(f"{REQUESTS} requests led to {len(creates)} pod creates and {buckets[math.inf]:g} reactions")
    outside = [1000 * (create - request) for request, create in zip(sent, creates)]
    report.note(f"from the caller's request to the API server: p50 {percentile(outside, 0.5):.1f} ms, "
                f"p99 {percentile(outside, 0.99):.1f} ms, at most {max(outside):.1f} ms")
    for share in (0.5, 0.99):
        report.add(f"on Kubernetes: waiting request to pod create sent, p{share * 100:g}", 1000 * _quantile(buckets, share), "ms",
                   "<", 50)
    report.add("on Kubernetes: caller's request to create at the API server, p99", percentile(outside, 0.99), "ms", "<", 50)
    for session in sessions:
        session.complete()
    pool.remove()
