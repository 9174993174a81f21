#!/usr/bin/env python3
"""Holds the tables of docs/rbac.md against the roles of deploy/rbac, both ways. Prints each difference and fails on any.
Usage: rbac_check.py REPOSITORY"""

import re
import sys
from pathlib import Path


def listed(text: str) -> list[str]:
    return [part.strip().strip('"') for part in text.strip("[]").split(",")]


def rights_of_roles(text: str) -> set[tuple]:
    """(where, group/resource, name, verb) for each rule; the files have one flat form, anything else is an error."""
    rights = set()
    for document in re.split(r"^---$", text, flags=re.M):
        kind = re.search(r"^kind: (\w+)$", document, re.M)[1]
        if kind not in ("Role", "ClusterRole"):
            continue
        where = "cluster" if kind == "ClusterRole" else re.search(r"^  namespace: (\S+)$", document, re.M)[1]
        rules = document.split("rules:\n")[1].split("  - apiGroups: ")[1:]
        if not rules:
            raise ValueError(f"no rules found in {kind}")
        for rule in rules:
            fields = dict(re.findall(r"^ {4}(\w+): (\[.*\])$", rule, re.M), apiGroups=rule.split("\n")[0])
            group = listed(fields["apiGroups"])[0]
            for resource in listed(fields["resources"]):
                full = resource if group in ("", "berth.dev") else f"{group}/{resource}"
                for name in listed(fields.get("resourceNames", '[""]')):
                    rights |= {(where, full, name, verb) for verb in listed(fields["verbs"])}
    return rights


def rights_of_table(text: str, program: str) -> set[tuple]:
    rights = set()
    table = text.split(f"<!-- {program} -->\n")[1].split("\n\n")[0]
    for row in table.splitlines()[2:]:
        verbs, what, where, why = (cell.strip() for cell in row.strip("|").split("|"))
        if not why:
            raise ValueError(f"no reason: {row}")
        resource, _, names = what.partition(" ")
        for name in names.split(","):
            rights |= {(where, resource, name.strip(), verb.strip()) for verb in verbs.split(",")}
    return rights


def main() -> int:
    root = Path(sys.argv[1])
    differences = 0
    for program in ("operator", "gateway"):
        granted = rights_of_roles((root / f"deploy/rbac/{program}.yaml").read_text())
        told = rights_of_table((root / "docs/rbac.md").read_text(), program)
        for right in sorted(granted - told):
            print(f"{program}: granted, but not in docs/rbac.md: {' '.join(right)}")
        for right in sorted(told - granted):
            print(f"{program}: in docs/rbac.md, but not granted: {' '.join(right)}")
        differences += len(granted ^ told)
        if any("*" in part for right in granted for part in right):
            print(f"{program}: a wildcard is granted")
            differences += 1
        if len(granted) < 6:
            print(f"{program}: only {len(granted)} rights were found; are the files read as they should be?")
            differences += 1
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
