"""Runs the queries of dashboards and alerts on a Prometheus that has scraped a Berth under load, and judges the answers. For
proof.py, and for the end-to-end tests on Kubernetes. Standard library only."""

import json
import pathlib
import re
import subprocess

HERE = pathlib.Path(__file__).resolve().parent


def filled(query, span):
    for name, value in {"$__rate_interval": "15s", "$__range": f"{span}s", "$__interval": "1s", "$namespace": ".*",
                        "$pool": ".*", "$pod": ".*", "$installation": ".*"}.items():
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


def check_panels(prometheus, start, end, empty):
    """The table of panels, and what is wrong. `empty`: why a panel has no series, by its title."""
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
            reason = empty.get(panel["title"], "")
            lines.append(f"| {dashboard['title']} | {panel['title']} | {', '.join(map(str, counts))} | {reason} |")
            if not all(counts) and not reason:
                wrong.append(f"{dashboard['title']}: {panel['title']}: a query has no series")
            if any(counts) and reason:
                wrong.append(f"{dashboard['title']}: {panel['title']}: has series after all: take it out of those without")
    return lines, wrong


def check_alerts(prometheus, start, end, elsewhere=()):
    """Every metric that an alert names is there, but for those seen only `elsewhere` or with TLS; its whole query is run, and a
    rule that failed is wrong."""
    wrong, lines = [], ["| alert | metrics | was pending or fired |", "|---|---|---|"]
    for group in prometheus.api("rules")["groups"]:
        for rule in group["rules"]:
            if rule["health"] != "ok":
                wrong.append(f"{rule['name']}: {rule.get('lastError', rule['health'])}")
            metrics = sorted(set(re.findall(r"\b(?:berth|leader)_[a-z_]+", rule["query"])))
            missing = [m for m in metrics if m not in elsewhere and not m.startswith("berth_tls_")
                       and not prometheus.api("series", **{"match[]": m, "start": start, "end": end})]
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
