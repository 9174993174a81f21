#!/usr/bin/env python3
"""The YAML in what people read. Every fenced block parses; every SessionPool in it has only fields that the resource knows, of the right
type, and all that are required. Needs PyYAML.

    check_blocks.py               checks README.md, docs/, charts/, deploy/, examples/ and clients/
    check_blocks.py --pools DIR   also writes each SessionPool to a file in DIR, for a real API server to judge
"""

import re
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
PLACES = ("README.md", "docs", "charts", "deploy", "examples", "clients", "dashboards", "tests/e2e")
FENCE = re.compile(r"^(?P<in>[ ]*)```(?P<kind>[a-z]*)\n(?P<text>.*?)^(?P=in)```", re.M | re.S)
HEREDOC = re.compile(r"<<'(?P<word>[A-Z]+)'\n(?P<text>.*?)^\s*(?P=word)$", re.M | re.S)
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)}


def blocks(file: Path):
    """(line, text) of what is YAML in it: fenced as such, or handed to a command."""
    text = file.read_text()
    for fence in FENCE.finditer(text):
        line = text.count("\n", 0, fence.start()) + 2
        if fence["kind"] == "yaml":
            yield line, fence["text"]
        elif fence["kind"] in ("sh", "bash"):
            for here in HEREDOC.finditer(fence["text"]):
                if "apiVersion:" in here["text"]:
                    yield line + fence["text"].count("\n", 0, here.start()) + 1, here["text"]


def faults_of(schema: dict, value: object, path: str) -> list[str]:
    if schema.get("x-kubernetes-int-or-string"):
        return [] if isinstance(value, (int, str)) else [f"{path}: must be an integer or a string"]
    kind = TYPES.get(schema.get("type", ""))
    if kind and (not isinstance(value, kind) or kind is int and isinstance(value, bool)):
        return [f"{path}: must be of type {schema['type']}, is {value!r}"]
    if isinstance(value, list):
        return [f for i, item in enumerate(value) for f in faults_of(schema.get("items", {}), item, f"{path}[{i}]")]
    if not isinstance(value, dict):
        return []
    fields, rest = schema.get("properties", {}), schema.get("additionalProperties")
    faults = [f"{path}.{name}: is required" for name in schema.get("required", []) if name not in value]
    for name, item in value.items():
        if name in fields:
            faults += faults_of(fields[name], item, f"{path}.{name}")
        elif isinstance(rest, dict):
            faults += faults_of(rest, item, f"{path}.{name}")
        elif fields and not schema.get("x-kubernetes-preserve-unknown-fields"):
            faults.append(f"{path}.{name}: there is no such field")
    return faults


def main() -> int:
    schema = yaml.safe_load((ROOT / "deploy/crd/sessionpools.yaml").read_text())["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    folder = Path(sys.argv[2]) if sys.argv[1:2] == ["--pools"] else None
    files = [f for place in PLACES for f in sorted([ROOT / place] if (ROOT / place).is_file() else (ROOT / place).rglob("*.md"))]
    faults, pools = [], 0
    for file in files:
        for line, text in blocks(file):
            where = f"{file.relative_to(ROOT)}:{line}"
            try:
                objects = [o for o in yaml.safe_load_all(text) if o]
            except yaml.YAMLError as e:
                faults.append(f"{where}: {' '.join(str(e).split())}")
                continue
            for pool in (o for o in objects if isinstance(o, dict) and o.get("kind") == "SessionPool"):
                pools += 1
                faults += [f"{where}: {f}" for f in faults_of(schema, pool, "SessionPool")]
                if folder:
                    pool["metadata"].setdefault("namespace", "default")
                    name = re.sub(r"\W+", "-", where)
                    (folder / f"{name}.yaml").write_text(yaml.safe_dump(pool, sort_keys=False))
    if pools < 10:
        faults.append(f"only {pools} SessionPools were found; are they read as they should be?")
    print("\n".join(faults), end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
