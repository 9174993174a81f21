"""What of the chart is made from something else: the table of values in its README, and its copies of the SessionPool resource, the
alerts and the dashboards, since a chart can hold only what is below its folder.
Also holds values.schema.json against values.yaml, name by name, both ways, and every place that carries the version against the programs'.
Usage: chart_files.py check|write REPOSITORY"""

import json
import re
import sys
from pathlib import Path

import yaml

BEGIN, END = "<!-- values -->\n", "<!-- end of values -->\n"
COPIES = {"deploy/crd/sessionpools.yaml": "sessionpools.yaml", "dashboards/alerts.yaml": "alerts.yaml"}
# Released together, so they carry the version of the programs (CMakeLists.txt).
VERSIONS = {"charts/berth/Chart.yaml": r"^(?:v|appV)ersion: (\S+)$", "clients/python/pyproject.toml": r'^version = "(.+)"$',
            "clients/python/berth/__init__.py": r'^__version__ = "(.+)"$', "Dockerfile": r"^ARG VERSION=(.+)$",
            "deploy/operator/deployment.yaml": r"berth\.local/\w+:(\S+)$", "deploy/gateway/deployment.yaml": r"berth\.local/\w+:(\S+)$",
            "docs/versions.md": r"^(\d+\.\d+\.\d+), before the first release"}


class Value:
    """One key of values.yaml. A key is a section when keys below it have comments of their own."""

    def __init__(self, path: str, key: yaml.Node, node: yaml.Node, lines: list[str]):
        self.path, self.comment = path, comment_above(lines, key.start_mark.line)
        self.default = yaml.safe_load(yaml.serialize(node))
        children = []
        if isinstance(node, yaml.MappingNode):
            children = [Value(f"{path}.{k.value}", k, v, lines) for k, v in node.value]
        self.children = children if any(c.described() for c in children) else []

    def described(self) -> bool:
        return bool(self.comment) or any(c.described() for c in self.children)

    def leaves(self) -> list["Value"]:
        return [leaf for c in self.children for leaf in c.leaves()] if self.children else [self]


def comment_above(lines: list[str], line: int) -> str:
    words = []
    while line > 0 and lines[line - 1].lstrip().startswith("# "):
        line -= 1
        words.insert(0, lines[line].lstrip()[2:])
    return " ".join(words)


def read_values(text: str) -> list[Value]:
    lines = text.splitlines()
    values = [Value(k.value, k, v, lines) for k, v in yaml.compose(text).value]
    return [leaf for v in values for leaf in v.leaves()]


def table(values: list[Value]) -> str:
    rows = ["| value | default | what it does |", "|---|---|---|"]
    for v in values:
        default = json.dumps(v.default)
        if len(default) > 60:
            default = "see values.yaml"
        else:
            default = f"`{default}`"
        rows.append(f"| `{v.path}` | {default} | {v.comment.replace('|', chr(92) + '|')} |")
    return "\n".join(rows) + "\n"


def resolve(schema: dict, node: dict) -> dict:
    return schema["definitions"][node["$ref"].rsplit("/", 1)[1]] if "$ref" in node else node


def schema_faults(schema: dict, node: dict, default: object, path: str) -> list[str]:
    """Every name in values.yaml is in the schema, every name in the schema is in values.yaml, and sections are closed."""
    node = resolve(schema, node)
    if "properties" not in node:
        return []
    faults = []
    if node.get("additionalProperties") is not False:
        faults.append(f"values.schema.json: {path or 'the top'} accepts unknown names")
    known = set(node["properties"]) - ({"global"} if not path else set())
    if isinstance(default, dict) and (default or not path):
        optional = {"requests", "limits", "claims"} | ({"request", "backendRequest"} if path.endswith("timeouts") else set())
        faults += [f"values.schema.json: lacks {path}{k}" for k in sorted(set(default) - known)]
        faults += [f"values.yaml: lacks {path}{k}" for k in sorted(known - set(default) - optional)]
        for key in sorted(known & set(default)):
            faults += schema_faults(schema, node["properties"][key], default[key], f"{path}{key}.")
    return faults


def with_table(readme: str, rows: str) -> str:
    head, rest = readme.split(BEGIN)
    return head + BEGIN + rows + END + rest.split(END)[1]


def wrong_versions(root: Path, version: str) -> list[str]:
    """Places whose version is not that of the programs."""
    faults = []
    for file, pattern in VERSIONS.items():
        found = re.findall(pattern, (root / file).read_text(), re.M)
        faults += [f"{file}: the version is {v}, the programs are {version}" for v in found if v != version]
        if not found:
            faults.append(f"{file}: no version was found")
    return faults


def copies(root: Path) -> dict[Path, str]:
    """Path in the chart -> text."""
    sources = {root / source: name for source, name in COPIES.items()}
    sources |= {board: f"dashboards/{board.name}" for board in (root / "dashboards/grafana").glob("*.json")}
    return {root / "charts/berth/files" / name: source.read_text() for source, name in sources.items()}


def main() -> int:
    mode, root = sys.argv[1], Path(sys.argv[2])
    chart = root / "charts/berth"
    text = (chart / "values.yaml").read_text()
    values = read_values(text)
    faults = [f"values.yaml: {v.path} has no comment" for v in values if not v.comment]
    if len(values) < 100:
        faults.append(f"values.yaml: only {len(values)} values were found; is it read as it should be?")
    schema = json.loads((chart / "values.schema.json").read_text())
    faults += schema_faults(schema, schema, yaml.safe_load(text), "")

    readme = chart / "README.md"
    made = {readme: with_table(readme.read_text(), table(values))} | copies(root)
    boards = chart / "files/dashboards"
    faults += [f"{p.relative_to(root)} has no source in dashboards/grafana" for p in boards.glob("*") if p not in made]
    version = next(l for l in (root / "CMakeLists.txt").read_text().splitlines() if l.startswith("project(")).split()[2]
    faults += wrong_versions(root, version)
    for path, content in made.items():
        if path.exists() and path.read_text() == content:
            continue
        if mode == "write":
            path.parent.mkdir(exist_ok=True)
            path.write_text(content)
        else:
            faults.append(f"{path.relative_to(root)} is out of date: make generate")
    print("\n".join(faults), end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
