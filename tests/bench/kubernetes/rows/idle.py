"""The operator with one pool and nothing to do."""

import time

from api_writes import ApiWrites
from bench_stand import Stand, cpu_seconds, resident_bytes
from report import Report

SETTLE = 8
"""Until what follows from the start (status, events) is written."""
IDLE = 30


def measure(stand: Stand, report: Report) -> int:
    """The operator's resident bytes."""
    pool = stand.pool("idle", workers=1)
    pool.wait_ready(1)
    stand.wait_tracked(pool, 4, 30)
    time.sleep(SETTLE)
    writes, cpu = ApiWrites(stand), cpu_seconds(stand.operator)
    time.sleep(IDLE)
    cpu, writes = cpu_seconds(stand.operator) - cpu, writes.end()
    resident = resident_bytes(stand.operator)
    report.note(f"in {IDLE} s: {writes.leases} Lease renewals, {100 * cpu / IDLE:.2f} % of a core")
    if writes.leases == 0:
        raise AssertionError("the operator renewed no Lease: it does not run, or the API server does not count")
    report.add("on Kubernetes: operator idle, resident memory", resident / 1e6, "MB", "<", 15)
    report.add("on Kubernetes: operator idle, API writes but Lease renewals", writes.others.total(), "writes", "<=", 0)
    return resident
