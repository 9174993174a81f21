"""Draws a dashboard as one SVG from the answers of a Prometheus: its panels where the JSON puts them, in its colours and units. For
looking at what a run has shown, and for the documentation, where no Grafana runs. Standard library only."""

import html
import math
import re

from queries import filled

CELL_W, CELL_H, GAP = 50, 32, 6  # Pixels of one grid unit; Grafana's grid is 24 units wide.
LINES_IN_LEGEND = 4
ROWS_IN_TABLE = 7
STEP = 1  # Seconds.
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f } .title { font-weight: 600 } .dim { fill: #57606a; font-size: 11px }
.row { font-size: 14px; font-weight: 600 } .stat { font-size: 30px; font-weight: 600; text-anchor: middle }
.page { fill: #f4f5f5 } .panel { fill: #fff; stroke: #d8dee4 } .grid { stroke: #e6e9ec } .end { text-anchor: end }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .dim { fill: #9198a1 } .page { fill: #111217 } .panel { fill: #181b1f; stroke: #2f343b } .grid { stroke: #2a2f36 }
}"""


def readable(value, unit):
    """A number as Grafana writes it in that unit, near enough."""
    if unit == "percentunit":
        return f"{100 * value:.3g} %"
    if unit in ("s", "dtdurations"):
        for size, name in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"), (1e-3, "ms"), (1e-6, "µs")):
            if abs(value) >= size:
                return f"{value / size:.3g} {name}"
        return "0 s"
    if unit == "bytes":
        power = min(4, int(math.log(max(1, abs(value)), 1024)))
        return f"{value / 1024 ** power:.3g} {('B', 'KiB', 'MiB', 'GiB', 'TiB')[power]}"
    suffix = {"cps": " c/s", "reqps": " req/s", "ops": " ops/s"}.get(unit, "")
    return (f"{value / 1000:.3g} K" if abs(value) >= 10000 else f"{value:.3g}") + suffix


def shade(color, i, count):
    """The i-th of `count` tints of a colour, dark to light."""
    share = 0.65 * i / max(1, count - 1)
    parts = [int(color[j:j + 2], 16) for j in (1, 3, 5)]
    return "#" + "".join(f"{int(p + (255 - p) * share):02x}" for p in parts)


def text(x, y, value, kind="", room=None):
    value = str(value)
    if room is not None and len(value) * 6.6 > room:
        value = value[:max(1, int(room / 6.6) - 1)] + "…"
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{html.escape(value)}</text>'


def legend_of(target, labels):
    return re.sub(r"\{\{ *(\w+) *\}\}", lambda m: labels.get(m[1], ""), target["legendFormat"])


class Picture:
    def __init__(self, prometheus, dashboard, start, end):
        self.prometheus, self.dashboard, self.start, self.end = prometheus, dashboard, start, end

    def svg(self, grid_rows=None):
        """The whole dashboard, or the panels that fit into its first `grid_rows` grid rows."""
        panels = [p for p in self.dashboard["panels"] if grid_rows is None or bottom(p) <= grid_rows]
        width, height = 24 * CELL_W + GAP, max(map(bottom, panels)) * CELL_H + 44
        out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
               f'role="img" aria-label="{html.escape(self.dashboard["title"])}"><style>{STYLE}</style>',
               f'<rect class="page" width="{width}" height="{height}"/>', text(12, 25, self.dashboard["title"], "row"),
               text(width - 12, 25, f"the last {self.end - self.start:.0f} s", "dim end")]
        for panel in panels:
            at = panel["gridPos"]
            x, y, w, h = at["x"] * CELL_W + GAP, at["y"] * CELL_H + 38, at["w"] * CELL_W - GAP, at["h"] * CELL_H - GAP
            if panel["type"] == "row":
                out.append(text(x + 6, y + 19, panel["title"], "row"))
                continue
            out.append(f'<rect class="panel" x="{x}" y="{y}" width="{w}" height="{h}" rx="3"/>')
            out.append(text(x + 8, y + 18, panel["title"], "title", w - 12))
            out += getattr(self, panel["type"])(panel, x + 8, y + 30, w - 16, h - 36)
        return "\n".join([*out, "</svg>\n"])

    def now(self, target):
        query = filled(target["expr"], max(5, int(self.end - self.start)))
        return [(s["metric"], float(s["value"][1])) for s in self.prometheus.api("query", query=query, time=self.end)["result"]]

    def stat(self, panel, x, y, w, h):
        unit = panel["fieldConfig"]["defaults"]["unit"]
        value = next((v for _, v in self.now(panel["targets"][0]) if not math.isnan(v)), None)
        shown = "No data" if value is None else readable(value, unit)
        color = panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["color"]
        for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]:
            if value is not None and (step["value"] is None or value >= step["value"]):
                color = step["color"]
        return [f'<text x="{x + w / 2:.1f}" y="{y + h / 2 + 8:.1f}" class="stat" style="fill: {color}">{html.escape(shown)}</text>']

    def timeseries(self, panel, x, y, w, h):
        defaults = panel["fieldConfig"]["defaults"]
        fixed = {o["matcher"]["options"]: o["properties"][0]["value"]["fixedColor"]
                 for o in panel["fieldConfig"]["overrides"] if o["properties"][0]["id"] == "color"}
        lines = self.lines(panel)
        stacked = defaults["custom"]["stacking"]["mode"] == "normal"
        if stacked:
            lines = stack(lines)
        top = nice_top(max((v for _, _, points in lines for _, v in points), default=0))
        legend = sorted(lines, key=lambda line: -max(line[1], default=0))[:LINES_IN_LEGEND]
        left, plot_h = x + 56, h - 16 * len(legend) - 12
        out = []
        for i in range(5):
            at = y + plot_h * (1 - i / 4)
            out.append(f'<line class="grid" x1="{left}" x2="{x + w}" y1="{at:.1f}" y2="{at:.1f}"/>')
            out.append(text(left - 6, at + 4, readable(top * i / 4, defaults["unit"]), "dim end"))
        colors = {name: fixed.get(name) or shade(defaults["color"]["fixedColor"], i, len(lines))
                  for i, (name, _, _) in enumerate(sorted(lines, key=lambda line: line[0]))}
        for name, points in ((name, part) for name, _, points in reversed(lines) for part in unbroken(points)):
            place = [(left + (t - self.start) / (self.end - self.start) * (x + w - left), y + plot_h * (1 - v / top)) for t, v in points]
            path = way(place, defaults["custom"]["lineInterpolation"] == "stepAfter")
            fill = defaults["custom"]["fillOpacity"] / 100
            out.append(f'<path d="{path} V{y + plot_h:.1f} H{place[0][0]:.1f} Z" fill="{colors[name]}" opacity="{fill}"/>')
            out.append(f'<path d="{path}" fill="none" stroke="{colors[name]}" stroke-width="2"/>')
        for i, (name, values, _) in enumerate(legend):
            at = y + plot_h + 22 + 16 * i
            out.append(f'<rect x="{x}" y="{at - 6:.1f}" width="14" height="4" fill="{colors[name]}"/>')
            out.append(text(x + 20, at, name, "dim", w - 230))
            out.append(text(x + w - 110, at, f"last {readable(values[-1], defaults['unit'])}", "dim end"))
            out.append(text(x + w, at, f"max {readable(max(values), defaults['unit'])}", "dim end"))
        if not lines:
            out.append(text(x + w / 2 - 24, y + h / 2, "No data", "dim"))
        return out

    def lines(self, panel):
        """(name, values, points) of each series, in the order of the queries."""
        out = []
        for target in panel["targets"]:
            query = filled(target["expr"], max(5, int(self.end - self.start)))
            answer = self.prometheus.api("query_range", query=query, start=self.start, end=self.end, step=STEP)["result"]
            for series in sorted(answer, key=lambda s: legend_of(target, s["metric"])):
                points = [(float(t), float(v)) for t, v in series["values"] if v not in ("NaN", "+Inf", "-Inf")]
                if points:
                    out.append((legend_of(target, series["metric"]), [v for _, v in points], points))
        return out

    def table(self, panel, x, y, w, h):
        answers = [(t, self.now(t)) for t in panel["targets"]]
        organized = panel["transformations"][1]["options"]
        excluded = {organized["renameByName"].get(name, name) for name in organized["excludeByName"]}
        units = {o["matcher"]["options"]: o["properties"][0]["value"] for o in panel["fieldConfig"]["overrides"]}
        # As "merge" does: rows are the same where the labels are that all queries have.
        every = [set(labels) for _, answer in answers for labels, _ in answer]
        common = set.intersection(*every) if every else set()
        rows = {}
        for target, answer in answers:
            for labels, value in answer:
                row = rows.setdefault(tuple(labels[k] for k in sorted(common)), {})
                unit = units.get(target["legendFormat"], panel["fieldConfig"]["defaults"]["unit"])
                row.update(labels)
                row[target["legendFormat"]] = readable(value, unit)
        columns = [t["legendFormat"] for t, _ in answers]
        labels = sorted(common) + sorted({k for row in rows.values() for k in row} - common - set(columns))
        names = [n for n in labels + columns if n not in excluded]
        if not rows:
            return [text(x + w / 2 - 24, y + h / 2, "No data", "dim")]
        step = w / len(names)
        out = [text(x + i * step, y + 14, n, "dim", step - 6) for i, n in enumerate(names)]
        for r, (_, row) in enumerate(sorted(rows.items())[:min(ROWS_IN_TABLE, int(h / 24) - 1)]):
            at = y + 38 + 24 * r
            out.append(f'<line class="grid" x1="{x}" x2="{x + w}" y1="{at - 17}" y2="{at - 17}"/>')
            out += [text(x + i * step, at, row.get(n, ""), "", step - 6) for i, n in enumerate(names)]
        return out


def bottom(panel):
    return panel["gridPos"]["y"] + panel["gridPos"]["h"]


def nice_top(value):
    """The least of 1, 2, 4, 8 times a power of ten that is not below."""
    if value <= 0:
        return 1
    power = 10 ** math.floor(math.log10(value))
    return next(power * n for n in (1, 2, 4, 8, 10) if power * n >= value)


def stack(lines):
    """Each line on top of those before it."""
    below, out = {}, []
    for name, values, points in lines:
        raised = [(t, v + below.get(t, 0)) for t, v in points]
        below.update(raised)
        out.append((name, values, raised))
    return out


def unbroken(points):
    """The points in parts without a gap."""
    parts, last = [], -math.inf
    for t, v in points:
        if t - last > 1.5 * STEP:
            parts.append([])
        parts[-1].append((t, v))
        last = t
    return parts


def way(place, steps):
    out = [f"M{place[0][0]:.1f} {place[0][1]:.1f}"]
    for px, py in place[1:]:
        out.append(f"H{px:.1f} V{py:.1f}" if steps else f"L{px:.1f} {py:.1f}")
    return " ".join(out)


def draw(prometheus, dashboards, start, end, folder, grid_rows=None):
    """A file for each: its title in small letters."""
    folder.mkdir(parents=True, exist_ok=True)
    for dashboard in dashboards:
        name = re.sub(r"[^a-z]+", "-", dashboard["title"].lower()).strip("-")
        (folder / f"{name}.svg").write_text(Picture(prometheus, dashboard, start, end).svg(grid_rows))
