"""Prometheus text of a program, read over HTTP."""

import re
import urllib.request

_LINE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Metrics:
    def __init__(self, address: str):
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        self.samples = [(m[1], dict(_LABEL.findall(m[2] or "")), float(m[3]))
                        for m in map(_LINE.match, text.splitlines()) if m]

    def sum(self, name: str, **labels: str) -> float:
        """Of all samples that carry these labels; 0 when there is none."""
        return sum(v for n, have, v in self.samples
                   if n == name and all(have.get(k) == want for k, want in labels.items()))
