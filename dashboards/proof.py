#!/usr/bin/env python3
"""Runs every query of dashboards and alerts against a real Prometheus that scrapes a real Berth under load.

    proof.py BINARIES [--seconds N] [--write]

BINARIES has berth, berth-operator, berth-gateway, berth-worker, berth-temporal, file-processing and
file-processing-worker. Prints a table of panels with the number of their series, fails when one is empty that should not be, and compares
docs/metrics.md with what the programs exported (--write makes it anew). Logs: build/dashboards.
"""

import argparse
import pathlib
import sys
import time

import live
import picture
import reference
from queries import check_alerts, check_metrics, check_panels, dashboards, drawn, samples

HERE = pathlib.Path(__file__).resolve().parent
WORK = HERE.parent / "build" / "dashboards"
POOLS = 1000
# More lines than this in one graph are not told apart: the ten with the most, by two or three things each.
MOST_LINES = 40

# Panels without series in `berth dev`, and why.
EMPTY = {
    "Control keys: phase": "berth dev gives the control keys by file; the operator makes them in a cluster",
    "Control keys: who holds up a rotation": "the same",
    "Certificates: time left": "berth dev serves plain HTTP, on loopback",
    "Access checks": "berth dev checks a token of its own; Kubernetes is asked in a cluster",
}


def check_thousand(texts, directory):
    """The same panels with a thousand pools, a worker each: answers come, and graphs stay legible."""
    pages = {f"/{job}": live.multiplied(texts[job], POOLS, "many") for job in ("berth-operator", "berth-gateway")}
    pages["/worker"] = texts["berth-workers"]
    served = live.Pages(pages)
    prometheus = live.Prometheus(directory, "5s")
    wrong, slowest, most = [], (0, ""), 0
    try:
        targets = [(served.address, {"job": job, "instance": job, "pod": job, "namespace": "berth-system",
                                     "__metrics_path__": f"/{job}"}) for job in ("berth-operator", "berth-gateway")]
        targets += [(served.address, {"job": "berth-workers", "instance": f"worker-{i}", "pod": f"pool-{i}-1",
                                      "pool": f"pool-{i}", "namespace": "many", "__metrics_path__": "/worker"})
                    for i in range(POOLS)]
        start = time.time()
        prometheus.set_targets(targets)
        time.sleep(25)
        end = time.time()
        for dashboard in dashboards():
            for panel in drawn(dashboard):
                for target in panel["targets"]:
                    begun = time.monotonic()
                    count = len(samples(prometheus, target, end - 10, end - 1))
                    slowest = max(slowest, (time.monotonic() - begun, panel["title"]))
                    if panel["type"] != "table":
                        most = max(most, count)
                    if panel["type"] != "table" and count > MOST_LINES:
                        wrong.append(f"{panel['title']}: {count} series with {POOLS} pools")
                    if panel["title"] == "Pools" and panel["type"] == "table" and count != POOLS:
                        wrong.append(f"table of pools: {count} rows with {POOLS} pools")
        print(f"\n{POOLS} pools with a worker each: at most {most} series in a graph, slowest query {slowest[0]:.2f} s ({slowest[1]}), "
              f"scraped for {end - start:.0f} s")
    finally:
        prometheus.stop()
        served.stop()
    return wrong


def observe(berth, prometheus, families, texts, seconds):
    """Lets Prometheus scrape what runs, and reads each program's metrics itself for the reference."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        targets = berth.targets()
        prometheus.set_targets(targets)
        for address, labels in targets:
            try:
                text = live.get(f"http://{address}/metrics")
            except OSError:
                continue  # A worker that has just gone.
            reference.parse(text, families[labels["job"].removeprefix("berth-")])
            if len(text) >= len(texts.get(labels["job"], "")):
                texts[labels["job"]] = text
        time.sleep(1)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("binaries", type=pathlib.Path)
    arguments.add_argument("--seconds", type=int, default=60)
    arguments.add_argument("--write", action="store_true")
    a = arguments.parse_args()

    directory = WORK / time.strftime("%H%M%S")
    families, texts = {"operator": {}, "gateway": {}, "workers": {}, "temporal": {}}, {}
    berth = live.Berth(a.binaries.resolve(), directory)
    try:
        prometheus = live.Prometheus(directory / "prometheus", "1s")
        try:
            # A counter's rise is seen only from a first value, and Prometheus takes new targets every five seconds.
            observe(berth, prometheus, families, texts, 12)
            start = time.time()
            load = live.Load(berth)
            observe(berth, prometheus, families, texts, a.seconds)
            load.stop()
            end = time.time()
            print("Load, by how often each command ended with which status:",
                  {n: {s: c.count(s) for s in sorted(set(c))} for n, c in sorted(load.counts.items())}, "\n")
            picture.draw(prometheus, dashboards(), start - 10, end, WORK / "pictures")
            panels, wrong = check_panels(prometheus, start, end, EMPTY)
            elsewhere = {name for program in reference.IN_A_CLUSTER.values() for name in program}
            alerts, more = check_alerts(prometheus, start, end, elsewhere)
        finally:
            prometheus.stop()
    finally:
        berth.stop()
    print("\n".join(panels), "\n", "\n".join(alerts), sep="\n")
    wrong += more + check_metrics(texts) + check_thousand(texts, directory / "thousand")
    if not reference.update(families, a.write):
        wrong.append(f"docs/metrics.md is not what the programs export: {__file__} {a.binaries} --write")
    for w in wrong:
        print(f"FAILED {w}", file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
