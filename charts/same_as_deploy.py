"""Holds what the chart renders by default against `kubectl kustomize deploy/`, object by object.
Usage: same_as_deploy.py CHART.yaml KUSTOMIZE.yaml"""

import sys

import yaml

# What Helm and kustomize each add; and the namespace, which a chart leaves to `helm install --create-namespace`.
TOOLS_LABELS = {"helm.sh/chart", "app.kubernetes.io/instance", "app.kubernetes.io/managed-by", "app.kubernetes.io/version",
                "app.kubernetes.io/component", "app.kubernetes.io/part-of"}
ONLY_OF_DEPLOY = {"Namespace//berth-system"}


def plain(metadata: dict, names_program: bool) -> dict:
    drop = TOOLS_LABELS | (set() if names_program else {"app.kubernetes.io/name"})
    out = {k: v for k, v in metadata.items() if k not in ("labels", "annotations")}
    for field, dropped in (("labels", drop), ("annotations", {"helm.sh/resource-policy"})):
        kept = {k: v for k, v in (metadata.get(field) or {}).items() if k not in dropped}
        if kept:
            out[field] = kept
    return out


def objects(path: str) -> dict[str, dict]:
    found = {}
    with open(path, encoding="utf-8") as text:
        for o in yaml.safe_load_all(text):
            if not o or "helm.sh/hook" in (o["metadata"].get("annotations") or {}):
                continue
            # Which program an object belongs to is a label that only pods and what selects them need.
            o["metadata"] = plain(o["metadata"], o["kind"] == "Deployment")
            if o["kind"] == "Deployment":
                o["spec"]["template"]["metadata"] = plain(o["spec"]["template"]["metadata"], True)
            key = f"{o['kind']}/{o['metadata'].get('namespace', '')}/{o['metadata']['name']}"
            if key in found:
                raise SystemExit(f"{path}: {key} is there twice")
            found[key] = o
    return found


def differences(path: str, a: object, b: object) -> list[str]:
    if isinstance(a, dict) and isinstance(b, dict):
        return [d for k in sorted(a.keys() | b.keys()) for d in differences(f"{path}.{k}", a.get(k), b.get(k))]
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return [d for i, (x, y) in enumerate(zip(a, b)) for d in differences(f"{path}[{i}]", x, y)]
    return [] if a == b else [f"{path}: chart {a!r}, deploy {b!r}"]


def main() -> int:
    chart, deploy = objects(sys.argv[1]), objects(sys.argv[2])
    faults = [f"only in deploy/: {k}" for k in sorted(deploy.keys() - chart.keys() - ONLY_OF_DEPLOY)]
    faults += [f"only in the chart: {k}" for k in sorted(chart.keys() - deploy.keys())]
    if len(deploy) < 15:
        faults.append(f"only {len(deploy)} objects in deploy/; is it read as it should be?")
    for key in sorted(chart.keys() & deploy.keys()):
        faults += differences(key, chart[key], deploy[key])
    print("\n".join(faults), end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
