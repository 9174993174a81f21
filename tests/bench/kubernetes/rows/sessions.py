"""Sessions through two gateways on 1,000 workers: how fast they open, and what they write to the API server."""

import json
from statistics import median

from api_writes import ApiWrites
from stand.process import wait_until
from bench_stand import Stand
from report import Report
from rows.thousand import SLOTS, WORKERS

ROUNDS, CALLERS = 3, 40
RATE, SECONDS, STATUS_EVERY = 500, 65, 30


def _used(stand: Stand, pool) -> float:
    return stand.operator_metrics().sum("berth_pool_session_slots", namespace=pool.namespace, pool=pool.name, state="used")


def _fill(stand: Stand, pool) -> float:
    """Opens a session on every slot, and completes them. Creations a second."""
    wanted = WORKERS * SLOTS
    crowd = stand.crowd(pool, f"--callers={CALLERS}", f"--each={wanted // CALLERS}")
    told = json.loads(crowd.stdout.readline())
    if told["failed"] or told["created"] != wanted:
        raise AssertionError(f"not every session could be opened: {told}")
    # As many as callers have: none was opened twice, and none is on a slot that nobody knows of.
    wait_until("every slot is used", lambda: _used(stand, pool) == wanted, 15, context=lambda: f"{_used(stand, pool):g} are")
    crowd.communicate("\n")
    if crowd.returncode != 0:
        raise AssertionError("not every session could be completed")
    wait_until("every slot is free again", lambda: _used(stand, pool) == 0, 15, context=lambda: f"{_used(stand, pool):g} are used")
    return told["created"] / told["seconds"], told


def creations(stand: Stand, report: Report, pool) -> None:
    rates = []
    for _ in range(ROUNDS):
        rate, told = _fill(stand, pool)
        report.note(f"{told['created']} sessions in {told['seconds']:.2f} s, create p50 {told['p50Millis']:.1f} ms, "
                    f"p99 {told['p99Millis']:.1f} ms")
        rates.append(rate)
    # 4,000 in 0.5 s, as `make bench` asks of one gateway and 100 workers.
    report.add(f"on Kubernetes: creations through two gateways, {WORKERS:,} workers", median(rates), "per s", ">=", 8000)


def api_writes(stand: Stand, report: Report, pool) -> None:
    writes = ApiWrites(stand)
    told = json.loads(stand.crowd(pool, "--callers=200", f"--rate={RATE}", f"--seconds={SECONDS}").communicate()[0])
    writes.end()
    if told["failed"] or told["created"] < RATE * SECONDS * 0.8:
        raise AssertionError(f"the load did not run as it should: {told}")
    status = writes.others.pop("berth-operator patch sessionpools/status", 0)
    report.note(f"{told['created']} sessions in {told['seconds']:.0f} s: {status} writes of the pool's status, "
                f"{writes.leases} Lease renewals; create p50 {told['p50Millis']:.1f} ms, p99 {told['p99Millis']:.1f} ms")
    report.add("on Kubernetes: API writes caused by sessions but the status line", writes.others.total(), "writes", "<=", 0)
    report.add(f"on Kubernetes: status writes of a pool under load, in {SECONDS} s", status, "writes", "<=", SECONDS // STATUS_EVERY + 1)
