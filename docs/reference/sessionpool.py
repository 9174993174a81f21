"""sessionpool.md from deploy/crd/sessionpools.yaml; build.py writes it."""

import json
from pathlib import Path

import yaml

from text import bounds, cell

CRD = Path(__file__).resolve().parents[2] / "deploy/crd/sessionpools.yaml"
HEAD = """<!-- Made by docs/reference/build.py from deploy/crd/sessionpools.yaml; make lint compares. -->

# SessionPool

`{version}`, namespaced, short name `{short}`. The same by `kubectl explain {short}.spec`. Unknown fields are refused by
`kubectl apply` and dropped by others; what is opaque is Kubernetes' own and checked by a trial of one pod.

{columns}"""
DURATION = "must be a duration like 20s, 1h30m or 250ms, "  # Descriptions say it.


def type_of(schema: dict) -> str:
    if schema.get("x-kubernetes-int-or-string"):
        return "integer or string"
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {type_of(schema['items'])}"
    extra = schema.get("additionalProperties")
    if kind == "object" and isinstance(extra, dict):
        return f"map to {type_of(extra)}"
    if kind == "object" and "properties" not in schema:
        return "object, opaque"
    return kind


def meaning(schema: dict) -> str:
    parts = [schema.get("description", "").rstrip(". ")]
    if "enum" in schema:
        parts.append("One of " + ", ".join(f"`{v}`" for v in schema["enum"]))
    # Those of objects are listed below their table.
    if "properties" not in schema:
        rules = (rule["message"].removeprefix(DURATION) for rule in schema.get("x-kubernetes-validations", []))
        parts += [rule[0].upper() + rule[1:] for rule in rules]
    text = ". ".join(p for p in parts if p)
    return cell(text) + bounds(schema)


def children(path: str, schema: dict) -> tuple[str, dict] | None:
    """The object that is described field by field below `path`, through lists and maps."""
    while True:
        if schema.get("properties"):
            return path, schema
        if schema.get("type") == "array":
            path, schema = f"{path}[]", schema["items"]
        elif isinstance(schema.get("additionalProperties"), dict):
            path, schema = f"{path}.NAME", schema["additionalProperties"]
        else:
            return None


def section(path: str, schema: dict, level: int) -> list[str]:
    out = [f"\n{'#' * min(level, 4)} {path}\n"]
    if level == 2:
        out.append(f"\n{cell(schema.get('description', ''))}\n")
    out.append("\n| field | type | default | meaning |\n|---|---|---|---|\n")
    below = []
    for name, field in schema["properties"].items():
        default = f"`{json.dumps(field['default'])}`" if "default" in field else "required" if name in schema.get("required", []) else ""
        out.append(f"| `{name}` | {type_of(field)} | {default} | {meaning(field)} |\n")
        if found := children(f"{path}.{name}", field):
            below.append(found)
    rules = [f"`{r.get('fieldPath', '').lstrip('.') or path}` {cell(r['message'])}" for r in schema.get("x-kubernetes-validations", [])]
    if rules:
        out.append("\nWhat is refused, and with which words:\n\n" + "".join(f"- {r}\n" for r in rules))
    for below_path, below_schema in below:
        out += section(below_path, below_schema, level + 1)
    return out


def page() -> str:
    crd = yaml.safe_load(CRD.read_text())["spec"]
    version = crd["versions"][0]
    schema = version["schema"]["openAPIV3Schema"]
    columns = "| column of `kubectl get` | meaning |\n|---|---|\n" + "".join(
        f"| {c['name'].upper()} | {c.get('description', 'Time since it was made')} |\n" for c in version["additionalPrinterColumns"])
    out = [HEAD.format(version=f"{crd['group']}/{version['name']}", short=crd["names"]["shortNames"][0], columns=columns)]
    out.append(f"\n{cell(schema['description'])}\n")
    for rule in schema.get("x-kubernetes-validations", []):
        out.append(f"\n{cell(rule['message'])}.\n")
    for part in ("spec", "status"):
        out += section(part, schema["properties"][part], 2)
    return "".join(out)
