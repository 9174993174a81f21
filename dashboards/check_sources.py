#!/usr/bin/env python3
"""What can be said of dashboards and alerts without running them: complete, documented, and tested."""

import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
RUNBOOKS = HERE.parent / "docs" / "runbooks"
wrong = []


def expect(condition, message):
    if not condition:
        wrong.append(message)


def check_dashboard(board):
    name = board["title"]
    variables = [v["name"] for v in board["templating"]["list"]]
    expect(variables[:3] == ["datasource", "namespace", "pool"], f"{name}: variables {variables}")
    ids = [p["id"] for p in board["panels"]]
    expect(len(ids) == len(set(ids)), f"{name}: two panels have one id")
    taken = set()
    for panel in board["panels"]:
        title = f"{name}: {panel['title']}"
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        expect(at["x"] + at["w"] <= 24 and not cells & taken, f"{title}: lies on another panel or outside")
        taken |= cells
        if panel["type"] == "row":
            continue
        expect(len(panel["description"]) > 10, f"{title}: no description")
        expect(panel["fieldConfig"]["defaults"]["unit"], f"{title}: no unit")
        for target in panel["targets"]:
            expect(target["legendFormat"], f"{title}: a query without a legend")
            for function, span in re.findall(r"\b(i?rate|increase)\([^\[]*\[([^\]]*)\]", target["expr"]):
                expect(span in ("$__rate_interval", "$__range"), f"{title}: {function} over {span}")
            for variable in re.findall(r"\$(\w+)", target["expr"]):
                expect(variable in [*variables, "__rate_interval", "__range"], f"{title}: unknown ${variable}")


    bottom = max(y for _, y in taken)
    ragged = [y for y in range(bottom + 1) if len({x for x, at in taken if at == y}) not in (24, 0)]
    expect(not ragged, f"{name}: rows {ragged} of the grid are not filled")


def check_alerts():
    rules = (HERE / "alerts.yaml").read_text().split("- alert: ")[1:]
    cases = re.split(r"\n  - name: ", (HERE / "alerts.test.yaml").read_text())
    for rule in rules:
        name = rule.split("\n")[0]
        for field in ("severity: (critical|warning)\n", "summary: .", "description: .",
                      rf"runbook_url: docs/runbooks/{name}.md\n"):
            expect(re.search(field, rule), f"{name}: no {field!r}")
        own = [c for c in cases if f"alertname: {name}\n" in c]
        expect(any("exp_alerts: []" not in c for c in own), f"{name}: no case in which it fires")
        expect(any("exp_alerts: []" in c for c in own), f"{name}: no case in which it is quiet")
        page = RUNBOOKS / f"{name}.md"
        text = page.read_text() if page.exists() else ""
        for heading in ("## What it means", "## How to look", "## What to do"):
            expect(heading in text, f"docs/runbooks/{name}.md: no {heading!r}")
    names = {r.split("\n")[0] for r in rules} | {"README"}
    expect({p.stem for p in RUNBOOKS.glob("*.md")} == names, "docs/runbooks: pages without an alert, or alerts without")


for file in sorted((HERE / "grafana").glob("*.json")):
    check_dashboard(json.loads(file.read_text()))
check_alerts()
for w in wrong:
    print(f"FAILED {w}", file=sys.stderr)
sys.exit(1 if wrong else 0)
