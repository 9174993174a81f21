"""http-api.md from docs/openapi.yaml; build.py writes it."""

import re
from pathlib import Path

import yaml

from text import bounds, cell

API = Path(__file__).resolve().parents[1] / "openapi.yaml"
METHODS = ("get", "post", "put", "delete")
READERS_ORDER = ["gateway", "session", "control", "probes"]
HEAD = """<!-- Made by docs/reference/build.py from docs/openapi.yaml; make lint compares. -->

# HTTP API, version {version}

For programs: [openapi.yaml](../openapi.yaml). This page is the same for people.

{description}
"""


class Page:
    def __init__(self, api: dict) -> None:
        self.api = api
        self.out: list[str] = []

    def follow(self, node: dict) -> dict:
        """The node, or what its reference names."""
        if "$ref" not in node:
            return node
        found = self.api
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return found

    def type_of(self, schema: dict) -> str:
        if "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[1]
            return f"[{name}](#{name.lower()})"
        kind = schema.get("type", "any")
        if isinstance(kind, list):
            return " or ".join(kind)
        if kind == "array":
            return f"list of {self.type_of(schema['items'])}"
        if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
            return f"map to {self.type_of(schema['additionalProperties'])}"
        return kind

    def meaning(self, schema: dict) -> str:
        text = schema.get("description", "")
        if "enum" in schema:
            text += " One of " + ", ".join(f"`{v}`" for v in schema["enum"]) + "."
        if "default" in schema:
            text += f" Default: `{schema['default']}`."
        return (cell(text) + bounds(schema)).strip()

    def content(self, node: dict) -> tuple[str, list[str]]:
        """Type of a body, and the codes that an error may have."""
        for media, body in node.get("content", {}).items():
            schema = body.get("schema", {})
            parts = schema.get("allOf", [schema])
            codes = [c for part in parts for c in part.get("properties", {}).get("code", {}).get("enum", [])]
            if "properties" in schema:  # No schema with a name: its members are told here.
                members = (f"`{name}`: {self.type_of(field)}" for name, field in schema["properties"].items())
                return "object of " + ", ".join(members), codes
            return (self.type_of(parts[0]) if media == "application/json" else f"`{media}`"), codes
        return "", []

    def operation(self, method: str, path: str, op: dict, shared: list) -> None:
        self.out.append(f"\n### {method.upper()} {path}\n\n{op['summary'].rstrip('.')}.\n")
        if op.get("description"):
            self.out.append(f"\n{op['description'].strip()}\n")
        tokens = [name for choice in op.get("security", []) for name in choice]
        self.out.append("\nBearer token: " + (" or ".join(f"[{t}](#tokens)" for t in tokens) if tokens else "none") + ".\n")
        parameters = [self.follow(p) for p in shared + op.get("parameters", [])]
        if parameters:
            self.out.append("\n| parameter | in | type | meaning |\n|---|---|---|---|\n")
            for p in parameters:
                schema = p.get("schema", {})
                told = {**self.follow(schema), "description": p.get("description", self.follow(schema).get("description", ""))}
                self.out.append(f"| `{p['name']}` | {p['in']} | {self.type_of(schema)} | {self.meaning(told)} |\n")
        if "requestBody" in op:
            body, _ = self.content(op["requestBody"])
            self.out.append(f"\nBody: {body}{'' if op['requestBody'].get('required') else ', optional'}.\n")
        self.out.append("\n| status | body | `code` | meaning |\n|---|---|---|---|\n")
        for status, response in op["responses"].items():
            named = response.get("$ref", "").rsplit("/", 1)[-1]
            if status == "default":  # The same on every route.
                self.out.append(f"| others | [Error](#error) | | [{named}](#{named.lower()}) |\n")
                continue
            response = self.follow(response)
            body, codes = self.content(response)
            self.out.append(f"| {status} | {body} | {' '.join(f'`{c}`' for c in codes)} | {cell(response['description'])} |\n")

    def fields(self, path: str, schema: dict) -> list[str]:
        """Rows for each member, those of inner objects below it."""
        rows = []
        for name, field in schema.get("properties", {}).items():
            must = "required" if name in schema.get("required", []) else ""
            rows.append(f"| `{path}{name}` | {self.type_of(field)} | {must} | {self.meaning(field)} |\n")
            inner, step = field, f"{path}{name}"
            while isinstance(inner, dict) and "properties" not in inner:
                if inner.get("type") == "array":
                    inner, step = inner["items"], step + "[]"
                else:
                    inner, step = inner.get("additionalProperties"), step + ".NAME"
            if isinstance(inner, dict):
                rows += self.fields(step + ".", inner)
        return rows

    def text(self) -> str:
        info, components = self.api["info"], self.api["components"]
        self.out.append(HEAD.format(version=info["version"], description=info["description"].strip()))
        self.out.append("\n## Tokens\n\n| | |\n|---|---|\n")
        self.out += [f"| {name} | {cell(scheme['description'])} |\n" for name, scheme in components["securitySchemes"].items()]
        for tag in sorted(self.api["tags"], key=lambda t: READERS_ORDER.index(t["name"])):
            about = cell(tag["description"])
            self.out.append(f"\n## {tag['name'].capitalize()}\n" + (f"\n{about}\n" if about.lower() != f"{tag['name']}." else ""))
            for path, item in self.api["paths"].items():
                for method in METHODS:
                    if method in item and item[method]["tags"][0] == tag["name"]:
                        self.operation(method, path, item[method], item.get("parameters", []))
        self.out.append("\n## Errors of every route\n")
        for name, response in components["responses"].items():
            if name.endswith(("ServerError", "AnyError")):
                self.out.append(f"\n### {name}\n\n{response['description'].strip()}\n")
        self.out.append("\n## Bodies\n\nA body of answers may gain members.\n")
        for name, schema in components["schemas"].items():
            self.out.append(f"\n### {name}\n\n" + (f"{self.meaning(schema)}\n" if "properties" not in schema else ""))
            if "properties" in schema:
                if schema.get("description"):
                    self.out.append(f"{cell(schema['description'])}\n\n")
                self.out.append("| member | type | | meaning |\n|---|---|---|---|\n")
                self.out += self.fields("", schema)
        return "".join(self.out)


def page() -> str:
    text = Page(yaml.safe_load(API.read_text())).text()
    anchors = {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in re.findall(r"^#+ (.+)$", text, re.M)}
    broken = {a for a in re.findall(r"\]\(#([^)]+)\)", text) if a not in anchors}
    assert not broken, f"links to nothing: {broken}"
    return text
