"""The operator with 1,000 workers: started anew beside them, and a minute after that."""

import time

from api_writes import ApiWrites
from stand.process import wait_until
from bench_stand import Stand, cpu_seconds, peak_resident_bytes, resident_bytes
from report import Report

WORKERS, SLOTS = 1000, 4
SETTLE = 60


def measure(stand: Stand, report: Report, idle_bytes: int):
    """The pool of 1,000 workers, which stays."""
    began = time.monotonic()
    pool = stand.pool("thousand", workers=WORKERS, sessions={"maxPerWorker": SLOTS})
    stand.wait_tracked(pool, WORKERS * SLOTS, 180)
    report.note(f"{WORKERS} workers created, ready and tracked after {time.monotonic() - began:.1f} s (scheduler and kwok included)")

    stand.operator.stop(30)
    began = time.monotonic()
    stand.operator.start()
    wait_until("the operator is ready", stand.operator_ready, 60, 0.005, stand.operator.tail)
    report.add(f"on Kubernetes: operator's start to caches synced, {WORKERS:,} workers", time.monotonic() - began, "s", "<", 1)
    stand.wait_tracked(pool, WORKERS * SLOTS, 60)
    report.add(f"on Kubernetes: restart to all slots of {WORKERS:,} workers tracked", time.monotonic() - began, "s", "<", 3)

    time.sleep(SETTLE / 2)
    writes, cpu = ApiWrites(stand), cpu_seconds(stand.operator)
    time.sleep(SETTLE / 2)
    cpu, writes = cpu_seconds(stand.operator) - cpu, writes.end()
    resident = resident_bytes(stand.operator)
    report.note(f"resident {resident / 1e6:.1f} MB, at most {peak_resident_bytes(stand.operator) / 1e6:.1f} MB; "
                f"{100 * cpu / (SETTLE / 2):.2f} % of a core; {writes.leases} Lease renewals in {SETTLE / 2:.0f} s")
    report.add(f"on Kubernetes: operator, bytes a worker over idle, {WORKERS:,} workers", (resident - idle_bytes) / WORKERS,
               "bytes", "<", 6000)
    report.add(f"on Kubernetes: API writes but Lease renewals, {WORKERS:,} workers", writes.others.total(), "writes", "<=", 0)
    return pool
