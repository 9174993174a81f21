#!/usr/bin/env python3
"""Workflows of Temporal's Go SDK on a real Temporal server, whose sessions run on a Berth pool.

    tests/temporal/run.py [--reference] [--programs DIR] [--tools DIR] [SCENARIO ...]

Without scenarios, all of scenarios/. README.md tells the rest.
"""

import argparse
import importlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "berth-e2e"
ORDER = ["files", "query", "two", "fails", "heartbeat", "recreate", "many", "crowd", "cancel", "gives_up", "killed", "expires",
         "timeout", "worker", "restart", "missed", "drain", "gone", "lost"]

sys.path[:0] = [str(HERE), str(REPOSITORY / "tests/e2e")]  # The processes and metrics of the end-to-end tests.

from sides.world import World  # noqa: E402


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=" ".join(ORDER))
    parser.add_argument("--reference", action="store_true", help="the sessions of the SDK's own session workers, without Berth")
    parser.add_argument("--programs", type=Path, default=REPOSITORY / "build/release/bin",
                        help="Berth's programs (default: build/release/bin)")
    parser.add_argument("--tools", type=Path, default=CACHE / "temporal", help="what build.sh has built; built if missing")
    options = parser.parse_args()
    for name in options.scenarios:
        if name not in ORDER:
            parser.error(f"no scenario {name!r}; there are: {' '.join(ORDER)}")
    return options


def run_one(world: World, name: str, reference: bool) -> str:
    """Why it failed, or nothing."""
    module = importlib.import_module(f"scenarios.{name}")
    if reference and hasattr(module, "BERTH_ONLY"):
        print(f"-- {name}: Berth only: {module.BERTH_ONLY}", flush=True)
        return ""
    print(f"== {name}: {(module.__doc__ or '').splitlines()[0]}", flush=True)
    began, failure = time.monotonic(), ""
    try:
        module.run(world)
        ran = time.monotonic() - began
        world.check_whole()
    except Exception as e:  # A scenario's failure must not hide the others.
        traceback.print_exc()
        failure = f"{type(e).__name__}: {e}".splitlines()[0]
        world.temporal.save_histories()
        world.temporal.terminate_all()  # The next one starts with all slots.
        world.side.recover()
    world.temporal.started.clear()
    took = time.monotonic() - began
    print(f"   FAILED after {took:.1f} s" if failure else f"   ok after {ran:.1f} s, all slots had after {took:.1f} s", flush=True)
    return failure


def main() -> int:
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))
    subprocess.run([HERE / "build.sh", options.tools], check=True)
    if not options.reference and not (options.programs / "berth-temporal").exists():
        sys.exit(f"there is no berth-temporal in {options.programs}: build it, or name the folder with --programs")
    logs = REPOSITORY / "build/temporal/logs"
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True)
    failures: dict[str, str] = {}
    # Not below /tmp: a worker has a /tmp of its own.
    with tempfile.TemporaryDirectory(prefix="berth-temporal-", dir="/var/tmp") as folder:
        world = World(options.tools, None if options.reference else options.programs.resolve(), Path(folder), logs)
        try:
            world.start()
            for name in options.scenarios or ORDER:
                if failure := run_one(world, name, options.reference):
                    failures[name] = failure
        finally:
            world.stop()
    for name, failure in failures.items():
        print(f"FAILED {name}: {failure[:200]}")
    if failures:
        print(f"logs: {logs}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
