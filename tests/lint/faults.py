#!/usr/bin/env python3
"""tests/faults.md names tests: each must be there, in the program that is named. Prints each that is not; fails on any."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TABLE = ROOT / "tests/faults.md"


def tests_by_name():
    """"Suite.Name" -> the file that holds it."""
    found = {}
    for file in sorted((ROOT / "tests").rglob("*.cc")):
        for suite, name in re.findall(r"^TEST(?:_[FP])?\((\w+),\s*(\w+)\)", file.read_text(), re.M):
            found[f"{suite}.{name}"] = file
    return found


def programs_of(file):
    """Names of the test programs whose sources may include the file."""
    for folder in file.parents:
        lists = folder / "CMakeLists.txt"
        if lists.exists():
            names = re.findall(r"berth_test\((\w+)", lists.read_text())
            if names:
                return names
    return []


def main():
    problems = []
    tests = tests_by_name()
    rows = 0
    for number, line in enumerate(TABLE.read_text().splitlines(), 1):
        if not line.startswith("| ") or line.startswith("| fault"):
            continue
        rows += 1
        where = f"tests/faults.md:{number}"
        cells = [c.strip() for c in line.strip("|").split("|")]
        if len(cells) != 4:
            problems.append(f"{where}: not four columns")
            continue
        named = re.findall(r"`(\w+)`: ((?:`\w+\.\w+`(?:, )?)+)", cells[3])
        if not named and "`demo_test`" not in cells[3]:
            problems.append(f"{where}: names no test as `program`: `Suite.Name`")
        for program, list_of_names in named:
            for name in re.findall(r"`(\w+\.\w+)`", list_of_names):
                if name not in tests:
                    problems.append(f"{where}: there is no test {name}")
                elif program not in programs_of(tests[name]):
                    problems.append(f"{where}: {name} is not in {program}")
        for scenario in re.findall(r"scenario (\d+)", cells[3]):
            if not list((ROOT / "tests/e2e/scenarios").glob(f"s{int(scenario):02}_*.py")):
                problems.append(f"{where}: there is no scenario {scenario}")
    if rows == 0:
        problems.append("tests/faults.md: no row was found")
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
