"""Where measurements go: the same lines and table as tests/bench/report of `make bench`."""

import json
import os
import platform
from dataclasses import dataclass
from pathlib import Path

_HOLDS = {">=": lambda value, reach: value >= reach, "<=": lambda value, reach: value <= reach,
          "<": lambda value, reach: value < reach}


@dataclass
class Figure:
    name: str
    value: float
    unit: str
    wanted: str
    """One of >=, <= and <."""
    reach: float

    @property
    def met(self) -> bool:
        return _HOLDS[self.wanted](self.value, self.reach)

    @property
    def reach_text(self) -> str:
        return f"{self.wanted} {self.reach:.4g}"


class Report:
    def __init__(self, file: Path):
        self._file = file
        self._figures: list[Figure] = []
        self._failures: list[str] = []

    def add(self, *figure) -> None:
        f = Figure(*figure)
        self._figures.append(f)
        with self._file.open("a", encoding="utf-8") as out:
            out.write(json.dumps({"name": f.name, "value": f.value, "unit": f.unit, "reach": f.reach_text, "met": f.met}) + "\n")

    def note(self, text: str) -> None:
        """A number that explains a figure: on stdout only."""
        print(f"  {text}", flush=True)

    def failed(self, name: str, error: Exception) -> None:
        self._failures.append(f"{name}: {type(error).__name__}: {error}")
        print(f"  NOT MEASURED: {self._failures[-1]}", flush=True)

    def finish(self, command: str) -> bool:
        """Prints machine, command and table. True when everything was measured; what was measured and missed stands in the table
        as MISSED."""
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown")
        print(f"\nmachine   {model}, {os.cpu_count()} cores, Linux {platform.release()}\ncommand   {command}\n"
              f"load      {os.getloadavg()[0]:.1f} over the last minute, the cluster's own programs included\n")
        for f in self._figures:
            print(f"{'met' if f.met else 'MISSED':<6}  {f.name:<64} {f'{f.value:.4g}':>10} {f.unit:<10} reach {f.reach_text}")
        for failure in self._failures:
            print(f"NOT MEASURED  {failure.splitlines()[0]}")
        return not self._failures


def percentile(values: list[float], share: float) -> float:
    """By nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)]
