#!/usr/bin/env python3
"""Runs every query of dashboards and alerts against a real Prometheus that scrapes a real Berth under load.

    proof.py BINARIES [--seconds N] [--write]

BINARIES has berth, berth-operator, berth-gateway, berth-worker, file-processing and file-processing-worker. Prints a
table of panels with the number of their series, fails when one is empty that should not be, and compares
docs/metrics.md with what the programs exported (--write makes it anew). Logs: build/dashboards.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import time

import live
import reference

HERE = pathlib.Path(__file__).resolve().parent
WORK = HERE.parent / "build" / "dashboards"
POOLS = 1000
# More lines than this in one graph are not told apart: the ten with the most, by two or three things each.
MOST_LINES = 40

# Panels without series in `berth dev`, and why.
EMPTY = {
    "Control keys: phase": "berth dev gives the control keys by file; the operator makes them in a cluster",
    "Control keys: who holds up a rotation": "the same",
    "Access checks": "berth dev checks a token of its own; Kubernetes is asked in a cluster",
}


def filled(query, span):
    for name, value in {"$__rate_interval": "15s", "$__range": f"{span}s", "$__interval": "1s", "$namespace": ".*",
                        "$pool": ".*", "$pod": ".*"}.items():
        query = query.replace(name, value)
    return query


def samples(prometheus, target, start, end):
    """The label sets with a number in [start, end]; NaN, which is 0/0, counts as none."""
    query = filled(target["expr"], max(5, int(end - start)))
    if target["instant"]:
        answers = [prometheus.api("query", query=query, time=at)["result"]
                   for at in (start + (end - start) * i / 10 for i in range(1, 11))]
        found = [(s["metric"], [s["value"]]) for result in answers for s in result]
    else:
        result = prometheus.api("query_range", query=query, start=start, end=end, step=1)["result"]
        found = [(s["metric"], s["values"]) for s in result]
    return {json.dumps(m, sort_keys=True) for m, values in found if any(v != "NaN" for _, v in values)}


def dashboards():
    return [json.loads(f.read_text()) for f in sorted((HERE / "grafana").glob("*.json"))]


def drawn(dashboard):
    return [p for p in dashboard["panels"] if p["type"] != "row"]


def check_panels(prometheus, start, end):
    """The table of panels, and what is wrong."""
    lines, wrong = ["| dashboard | panel | series by query | |", "|---|---|---|---|"], []
    for dashboard in dashboards():
        for v in dashboard["templating"]["list"]:
            if v["type"] == "query":
                metric, label = re.fullmatch(r"label_values\((.*), (\w+)\)", v["definition"]).groups()
                found = prometheus.api("series", **{"match[]": filled(metric, 60), "start": start, "end": end})
                if not {s.get(label) for s in found} - {None}:
                    wrong.append(f"{dashboard['title']}: variable {v['name']} has no value")
        for panel in drawn(dashboard):
            counts = [len(samples(prometheus, t, start, end)) for t in panel["targets"]]
            reason = EMPTY.get(panel["title"], "")
            lines.append(f"| {dashboard['title']} | {panel['title']} | {', '.join(map(str, counts))} | {reason} |")
            if not all(counts) and not reason:
                wrong.append(f"{dashboard['title']}: {panel['title']}: a query has no series")
            if any(counts) and reason:
                wrong.append(f"{dashboard['title']}: {panel['title']}: has series after all, take it out of EMPTY")
    return lines, wrong


def check_alerts(prometheus, start, end):
    """Every metric that an alert names is there; its whole query is run, and a rule that failed is wrong."""
    wrong, lines = [], ["| alert | metrics | was pending or fired |", "|---|---|---|"]
    for group in prometheus.api("rules")["groups"]:
        for rule in group["rules"]:
            if rule["health"] != "ok":
                wrong.append(f"{rule['name']}: {rule.get('lastError', rule['health'])}")
            metrics = sorted(set(re.findall(r"\b(?:berth|leader)_[a-z_]+", rule["query"])))
            missing = [m for m in metrics if not prometheus.api(
                "series", **{"match[]": m, "start": start, "end": end})
                and not any(m in programs for programs in reference.IN_A_CLUSTER.values())]
            wrong += [f"{rule['name']}: nothing exports {m}" for m in missing]
            seen = prometheus.api("query_range", query=rule["query"], start=start, end=end, step=1)["result"]
            lines.append(f"| {rule['name']} | {', '.join(metrics)} | {'yes' if seen else 'no'} |")
    return lines, wrong


def check_metrics(texts):
    wrong = []
    for job, text in texts.items():
        done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True, check=False)
        if done.returncode != 0 or done.stdout or done.stderr:
            wrong.append(f"{job}: promtool check metrics: {done.stdout}{done.stderr}")
    return wrong


def check_thousand(texts, directory):
    """The same panels with a thousand pools, a worker each: answers come, and graphs stay legible."""
    pages = {f"/{job}": live.multiplied(texts[job], POOLS, "many") for job in ("berth-operator", "berth-gateway")}
    pages["/worker"] = texts["berth-workers"]
    served = live.Pages(pages)
    prometheus = live.Prometheus(directory, "5s")
    wrong, slowest, most = [], 0, 0
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
                    slowest = max(slowest, time.monotonic() - begun)
                    if panel["type"] != "table":
                        most = max(most, count)
                    if panel["type"] != "table" and count > MOST_LINES:
                        wrong.append(f"{panel['title']}: {count} series with {POOLS} pools")
                    if panel["title"] == "Pools" and panel["type"] == "table" and count != POOLS:
                        wrong.append(f"table of pools: {count} rows with {POOLS} pools")
        print(f"\n{POOLS} pools with a worker each: at most {most} series in a graph, slowest query {slowest:.2f} s, "
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
    families, texts = {"operator": {}, "gateway": {}, "workers": {}}, {}
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
            panels, wrong = check_panels(prometheus, start, end)
            alerts, more = check_alerts(prometheus, start, end)
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
