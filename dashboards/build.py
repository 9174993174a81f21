#!/usr/bin/env python3
"""Writes grafana/*.json from panels.py and prometheusrule.yaml from alerts.yaml. Standard library only.

    build.py           writes the files
    build.py --check   writes nothing; says which file differs and exits with 1
"""

import json
import pathlib
import sys

import panels

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
SHADES = "#0072B2"  # Series that are not known beforehand differ by lightness, which everybody sees.


def variable(name, label, query):
    return {
        "name": name, "label": label, "type": "query", "datasource": SOURCE,
        "query": {"qryType": 1, "query": query, "refId": "variable"}, "definition": query,
        "refresh": 2, "sort": 5, "multi": True, "includeAll": True, "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }


def color_of(panel, name):
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": panel.colors[name]}}],
    }


def targets(panel):
    out = []
    for i, (expr, legend) in enumerate(panel.queries):
        target = {"refId": chr(ord("A") + i), "datasource": SOURCE, "expr": expr, "legendFormat": legend,
                  "editorMode": "code", "range": panel.kind == "timeseries", "instant": panel.kind != "timeseries"}
        if panel.kind == "table":
            target["format"] = "table"
        out.append(target)
    return out


def timeseries(panel):
    custom = {"drawStyle": "line", "lineInterpolation": "stepAfter" if panel.steps else "linear", "lineWidth": 2,
              "fillOpacity": 60 if panel.stack else 8, "showPoints": "never", "spanNulls": False,
              "axisSoftMin": 0, "stacking": {"mode": "normal" if panel.stack else "none", "group": "A"}}
    return {
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "custom": custom, "color": {"mode": "shades", "fixedColor": SHADES}}
            | ({} if panel.least else {"min": 0}) | ({"decimals": 0} if panel.steps else {}),
            "overrides": [color_of(panel, name) for name in panel.colors],
        },
        "options": {
            "legend": {"displayMode": "table", "placement": "bottom", "showLegend": True,
                       "calcs": ["lastNotNull", "min" if panel.least else "max"],
                       "sortBy": "Min" if panel.least else "Max", "sortDesc": not panel.least},
            "tooltip": {"mode": "multi", "sort": "asc" if panel.least else "desc"},
        },
    }


def stat(panel):
    steps = [{"color": color, "value": value} for value, color in panel.thresholds or [(None, SHADES)]]
    return {
        "fieldConfig": {"defaults": {"unit": panel.unit, "color": {"mode": "thresholds"},
                                     "thresholds": {"mode": "absolute", "steps": steps}}, "overrides": []},
        "options": {"colorMode": "value", "graphMode": "none", "textMode": "value_and_name" if panel.named else "value",
                    "justifyMode": "center", "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}},
    }


def table(panel):
    names = {f"Value #{chr(ord('A') + i)}": legend for i, (_, legend) in enumerate(panel.queries)}
    if len(names) == 1:
        names = {"Value": panel.queries[0][1]}
    return {
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "custom": {"align": "auto", "filterable": True}},
            "overrides": [{"matcher": {"id": "byName", "options": name},
                           "properties": [{"id": "unit", "value": unit}]} for name, unit in panel.units.items()],
        },
        "options": {"showHeader": True, "cellHeight": "sm", "footer": {"show": False, "enablePagination": True},
                    "sortBy": [{"displayName": panel.sort, "desc": True}] if panel.sort else []},
        "transformations": [
            {"id": "merge", "options": {}},
            {"id": "organize", "options": {"excludeByName": {name: True for name in ("Time", *panel.hidden)},
                                           "renameByName": names}},
        ],
    }


SHAPES = {"timeseries": timeseries, "stat": stat, "table": table}


def dashboard(d):
    out, x, y, height = [], 0, 0, 0
    for number, panel in enumerate(d.panels, start=1):
        if x + panel.width > 24 or panel.kind == "row":
            x, y, height = 0, y + height, 0
        body = {"id": number, "title": panel.title, "type": panel.kind,
                "gridPos": {"x": x, "y": y, "w": panel.width, "h": panel.height}}
        if panel.kind == "row":
            body |= {"collapsed": False, "panels": []}
        else:
            body |= {"description": panel.description, "datasource": SOURCE, "targets": targets(panel)}
            body |= SHAPES[panel.kind](panel)
        out.append(body)
        x, height = x + panel.width, max(height, panel.height)
    source = {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "refresh": 1,
              "current": {}}
    return {
        "uid": d.uid, "title": d.title, "description": d.description, "tags": ["berth"], "schemaVersion": 39,
        "version": 1, "editable": True, "graphTooltip": 1, "timezone": "browser", "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "links": [{"title": "Berth", "type": "dashboards", "tags": ["berth"], "asDropdown": True, "keepTime": True,
                   "includeVars": True, "icon": "external link", "targetBlank": False, "url": ""}],
        "templating": {"list": [source] + [variable(*v) for v in d.variables]},
        "annotations": {"list": []},
        "panels": out,
    }


def prometheus_rule():
    """The rules as they are, indented into an object of the Prometheus Operator."""
    text = (HERE / "alerts.yaml").read_text()
    rules = text[text.index("groups:"):]
    head = ("# Made by build.py from alerts.yaml; change that.\n"
            "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\n"
            "metadata:\n  name: berth\n  labels:\n    app.kubernetes.io/name: berth\nspec:\n")
    return head + "".join("  " + line if line.strip() else line for line in rules.splitlines(keepends=True))


def files():
    out = {f"grafana/{d.uid}.json": json.dumps(dashboard(d), indent=2) + "\n" for d in panels.DASHBOARDS}
    return out | {"prometheusrule.yaml": prometheus_rule()}


def main():
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit(__doc__)
    differing = 0
    for name, text in files().items():
        path = HERE / name
        if check and (not path.exists() or path.read_text() != text):
            print(f"dashboards/{name} differs from its source: run dashboards/build.py", file=sys.stderr)
            differing += 1
        elif not check:
            path.write_text(text)
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    main()
