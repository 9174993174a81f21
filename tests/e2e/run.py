#!/usr/bin/env python3
"""The end-to-end tests: builds programs and images, starts a real Kubernetes, applies deploy/, runs the scenarios.

    tests/e2e/run.py [--programs DIR] [--long] [--hold | --prepare] [SCENARIO ...]

A scenario is named by its number or a part of its file's name; without one, all run. Long ones need --long, or their whole
name. As root; README.md tells the rest.
"""

import argparse
import importlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "berth-e2e"
BROWSER = CACHE / "browser"
INSIDE = "BERTH_E2E_INSIDE"
PACKAGES = {"containerd": "containerd", "runc": "runc", "nft": "nftables", "conntrack": "conntrack", "ip": "iproute2",
            "buildah": "buildah", "debootstrap": "debootstrap", "openssl": "openssl", "cc": "gcc", "unshare": "util-linux",
            "iptables": "iptables", "prometheus": "prometheus", "chromium": "chromium", "npm": "npm"}

sys.path.insert(0, str(HERE))

from stand import cluster as clusters  # noqa: E402
from stand.images import Images  # noqa: E402
from stand.previous import check_history, worker_program  # noqa: E402
from stand.process import WAITS  # noqa: E402
from stand.world import World  # noqa: E402


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenarios", nargs="*")
    parser.add_argument("--programs", type=Path, default=REPOSITORY / "build/release/bin",
                        help="release programs, built on Debian 12 (default: build/release/bin)")
    parser.add_argument("--long", action="store_true", help="the long churns too")
    parser.add_argument("--hold", action="store_true", help="keep the cluster until Ctrl-C, for a look by hand")
    parser.add_argument("--prepare", action="store_true",
                        help="only check this machine and make what does not depend on the programs: Kubernetes, base image")
    return parser.parse_args()


def check_machine() -> None:
    missing = sorted(p for tool, p in PACKAGES.items() if shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin") is None)
    if not Path("/usr/lib/cni/bridge").exists():
        missing.append("containernetworking-plugins")
    if missing:
        sys.exit(f"these packages are missing: {' '.join(missing)}; `make e2e` installs them")
    if os.geteuid() != 0:
        sys.exit("a real kubelet needs root: run this as root")


def prepare(images: Images, names: list[str]) -> None:
    """What does not depend on the programs under test: the cluster's programs, the browser's driver, the base image,
    the worker of old."""
    previous = any("old_workers" in name for name in names)
    check_history(REPOSITORY, CACHE, worker=previous, chart=any("helm" in name for name in names))  # Before minutes of building.
    subprocess.run([HERE / "cluster/build.sh", CACHE / "bin"], check=True)
    subprocess.run([REPOSITORY / "tests/integration/ui/install.sh", BROWSER], check=True)
    if any("temporal" in name for name in names):
        subprocess.run([REPOSITORY / "tests/temporal/build.sh", CACHE / "temporal"], check=True)
    images.make_base()
    if previous:
        worker_program(REPOSITORY, CACHE)


def build_images(images: Images, names: list[str]) -> list[Path]:
    archives = images.build()
    if any("old_workers" in name for name in names):
        archives.append(images.with_previous_worker())
    return archives


def chosen(wanted: list[str], long: bool) -> list[str]:
    every = sorted(p.stem for p in (HERE / "scenarios").glob("s[0-9]*.py"))
    names = [n for n in every if long or not n.endswith("_long") or n in wanted]
    if not wanted:
        return names
    picked = [n for n in names if any(n.startswith(f"s{int(w):02}_") if w.isdigit() else w in n for w in wanted)]
    if not picked:
        sys.exit(f"no scenario matches {wanted}; there are: {' '.join(every)}")
    return picked


def run_all(world: World, names: list[str]) -> list[tuple[str, float, str]]:
    results = []
    for name in names:
        module = importlib.import_module(f"scenarios.{name}")
        print(f"== {name}: {module.__doc__.splitlines()[0]}", flush=True)
        threading.current_thread().name = name
        began, failure = time.monotonic(), ""
        try:
            module.run(world)
        except Exception as e:  # A scenario's failure must not hide the others.
            traceback.print_exc()
            failure = f"{type(e).__name__}: {e}".splitlines()[0]
        results.append((name, time.monotonic() - began, failure))
        print(f"   {'FAILED' if failure else 'ok'} after {results[-1][1]:.0f} s", flush=True)
        if failure:
            world.wait_for_berth(180)  # The next one starts from a whole system.
    return results


def note_waits(file: Path) -> None:
    """From here on: what a scenario that takes long waited for."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(file, mode="w")
    handler.setFormatter(logging.Formatter("%(asctime)s %(threadName)s: %(message)s", "%H:%M:%S"))
    WAITS.addHandler(handler)
    WAITS.setLevel(logging.INFO)


def save_logs(world: World, logs: Path) -> None:
    """What is needed to understand a failure, while the cluster still stands."""
    shutil.rmtree(logs, ignore_errors=True)
    shutil.copytree(world.cluster.log, logs)
    for name, command in {"pods": ["get", "pods,spool", "-A", "-o", "wide"], "events": ["get", "events", "-A"],
                          "operator": ["logs", "-n", "berth-system", "-l", "app.kubernetes.io/name=berth-operator",
                                       "--tail=-1", "--prefix"],
                          "gateway": ["logs", "-n", "berth-system", "-l", "app.kubernetes.io/name=berth-gateway",
                                      "--tail=-1", "--prefix"]}.items():
        done = subprocess.run(world.cluster.kubectl_command(*command), capture_output=True, text=True, check=False)
        (logs / f"{name}.txt").write_text(done.stdout + done.stderr)


def inside(options: argparse.Namespace, images: list[Path]) -> int:
    cluster = clusters.Cluster(CACHE / "bin", nodes=2)
    status = 1
    try:
        began = time.monotonic()
        cluster.start(images)
        world = World(cluster, options.programs, BROWSER)
        world.install()
        print(f"cluster and Berth are up after {time.monotonic() - began:.0f} s\n"
              f"  nsenter -t {cluster.etcd.pid} -n {CACHE}/bin/kubectl --kubeconfig {cluster.admin} get pods -A", flush=True)
        names = [] if options.hold and not options.scenarios else chosen(options.scenarios, options.long)
        note_waits(REPOSITORY / "build/e2e/waits.txt")
        results = run_all(world, names)
        failed = [name for name, _, failure in results if failure]
        results.append(("rights: no call of Berth was forbidden", 0, "; ".join(world.refused_calls())))
        status = 1 if any(failure for _, _, failure in results) else 0
        if status:
            save_logs(world, REPOSITORY / "build/e2e/logs")
        if failed:
            (REPOSITORY / "build/e2e/failed").write_text(" ".join(failed) + "\n")
        print("\n" + "\n".join(f"{'FAILED' if f else 'ok':<7}{t:7.0f} s  {n}{'   ' + f[:200] if f else ''}"
                               for n, t, f in results), flush=True)
        if status:
            print(f"logs: {REPOSITORY}/build/e2e/logs")
        if options.hold:
            print("holding; Ctrl-C ends it", flush=True)
            signal.pause()
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    finally:
        cluster.stop()
    return status


def main() -> int:
    options = arguments()
    options.programs = options.programs.resolve()
    if INSIDE in os.environ:
        signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
        return inside(options, [Path(p) for p in os.environ[INSIDE].split(":")])
    check_machine()
    names = chosen(options.scenarios, options.long or options.prepare)
    images = Images(CACHE, options.programs)
    prepare(images, names)
    if options.prepare:
        return 0
    if not (options.programs / "berth-operator").exists():
        sys.exit(f"there are no programs in {options.programs}: run `make build` first")
    clusters.remove_stale()
    archives = build_images(images, names)
    # The network namespace lasts as long as its processes; nothing of it is left behind.
    os.execvpe("unshare", ["unshare", "--net", sys.executable, __file__, *sys.argv[1:]],
               {**os.environ, INSIDE: ":".join(map(str, archives))})


if __name__ == "__main__":
    sys.exit(main())
