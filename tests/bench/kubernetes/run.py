#!/usr/bin/env python3
"""Figures of the operator and the gateways on a real API server, with 1,000 workers.

    tests/bench/kubernetes/run.py [--programs DIR] [--slots-seconds S] [--hold] [ROW ...]

As root; tests/bench/README.md tells the rest.
"""

import argparse
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "berth-e2e"
INSIDE = "BERTH_BENCH_INSIDE"
CLUSTER_PROGRAMS = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "kwok"]
PROGRAMS = ["berth-operator", "berth-gateway", "bench-workers", "bench-sessions"]
PACKAGES = {"ip": "iproute2", "openssl": "openssl", "unshare": "util-linux"}
OPEN_FILES = 10_000
"""What one process for all workers needs: three callers' connections each, its own socket, and the load."""

ROWS = {"idle": "operator, 1 pool, nothing to do", "thousand": "operator, 1,000 workers",
        "creations": "creations through two gateways", "writes": "API writes that sessions cause",
        "reaction": "waiting request to pod create", "slots": "idle slots"}

sys.path[:0] = [str(HERE), str(REPOSITORY / "tests/e2e")]

from report import Report  # noqa: E402
from rows import idle, idle_slots, reaction, sessions, thousand  # noqa: E402
from stand import cluster as clusters  # noqa: E402
from bench_stand import Stand  # noqa: E402


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"some of: {' '.join(ROWS)} (default: all)")
    parser.add_argument("--programs", type=Path, default=REPOSITORY / "build/bench/bin",
                        help="programs of the preset bench (default: build/bench/bin)")
    parser.add_argument("--results", type=Path, default=REPOSITORY / "build/bench/results.jsonl",
                        help="figures are added here (default: build/bench/results.jsonl)")
    parser.add_argument("--slots-seconds", type=float, default=60,
                        help="how long idle slots are counted (default: 60; design: 600)")
    parser.add_argument("--prepare", action="store_true", help="only check this machine and build the cluster's programs")
    parser.add_argument("--hold", action="store_true", help="keep the cluster until Ctrl-C, for a look by hand")
    options = parser.parse_args()
    unknown = sorted(set(options.rows) - set(ROWS))
    if unknown:
        parser.error(f"no such row: {' '.join(unknown)}; there are: {' '.join(ROWS)}")
    return options


def check_machine() -> None:
    missing = sorted(p for tool, p in PACKAGES.items() if shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin") is None)
    if missing:
        sys.exit(f"these packages are missing: {' '.join(missing)}; `make bench-kubernetes` installs them")
    if os.geteuid() != 0:
        sys.exit("a network namespace with every worker's address needs root: run this as root")
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < OPEN_FILES:
        sys.exit(f"one process needs {OPEN_FILES} open files here: raise the hard limit (ulimit -Hn {OPEN_FILES})")


def measure_all(stand: Stand, report: Report, wanted: list[str], slots_seconds: float) -> None:
    rows = {"idle": idle.measure, "thousand": lambda s, r: thousand.measure(s, r, done("idle")),
            "creations": lambda s, r: sessions.creations(s, r, done("thousand")),
            "writes": lambda s, r: sessions.api_writes(s, r, done("thousand")),
            "reaction": reaction.measure, "slots": lambda s, r: idle_slots.measure(s, r, slots_seconds)}
    results = {}

    def done(name: str):
        """What a row found; it is measured when nobody has asked for it yet."""
        if name not in results:
            print(f"{name}: {ROWS[name]}", flush=True)
            try:
                results[name] = rows[name](stand, report)
            except Exception as e:  # A row's failure must not hide the others.
                report.failed(name, e)
                results[name] = e
        if isinstance(results[name], Exception):
            raise AssertionError(f"{name} was not measured")
        return results[name]

    for name in wanted or ROWS:
        try:
            done(name)
        except AssertionError:
            pass  # Reported.


def inside(options: argparse.Namespace) -> int:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    options.results.parent.mkdir(parents=True, exist_ok=True)
    report = Report(options.results)
    stand = Stand(options.programs, CACHE / "bin")
    whole = False
    try:
        stand.start()
        print(f"  nsenter -t {stand.cluster.etcd.pid} -n {CACHE}/bin/kubectl --kubeconfig {stand.cluster.admin} get pods -A", flush=True)
        if not options.hold:
            measure_all(stand, report, options.rows, options.slots_seconds)
            refused = stand.refused_calls()
            if refused:
                report.failed("rights", AssertionError("; ".join(refused)))
            whole = report.finish(" ".join(["tests/bench/kubernetes/run.py", *sys.argv[1:]]))
        else:
            print("holding; Ctrl-C ends it", flush=True)
            signal.pause()
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    finally:
        if not whole:
            save_logs(stand)
        stand.stop()
    return 0 if whole else 1


def save_logs(stand: Stand) -> None:
    logs = REPOSITORY / "build/bench/kubernetes-logs"
    shutil.rmtree(logs, ignore_errors=True)
    shutil.copytree(stand.cluster.log, logs)
    print(f"logs: {logs}")


def main() -> int:
    options = arguments()
    options.programs = options.programs.resolve()
    if INSIDE in os.environ:
        signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
        return inside(options)
    check_machine()
    built = subprocess.run([REPOSITORY / "tests/e2e/cluster/build.sh", CACHE / "bin", *CLUSTER_PROGRAMS], check=False)
    if built.returncode != 0:
        return built.returncode
    if options.prepare:
        return 0
    absent = [p for p in PROGRAMS if not (options.programs / p).exists()]
    if absent:
        sys.exit(f"{options.programs} lacks {' '.join(absent)}: `make bench-kubernetes` builds them")
    clusters.remove_stale()
    # The network namespace lasts as long as its processes; nothing of it is left behind.
    os.execvpe("unshare", ["unshare", "--net", sys.executable, __file__, *sys.argv[1:]], {**os.environ, INSIDE: "1"})


if __name__ == "__main__":
    sys.exit(main())
