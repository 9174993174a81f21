"""Renders the chart with each file of charts/berth/ci/ and holds the outcome against what the file's comments promise:
`# renders: KIND/NAME`, `# lacks: KIND/NAME`, `# says: TEXT`, `# omits: TEXT`, `# notes: TEXT` and `# notes omit: TEXT` of
NOTES.txt. Files of ci/refused/ must be refused with the text of `# because:`. A Kubernetes that is too old is refused. The values that README.md shows must render. Then every switch is turned alone, and every value that is one of a few takes each of them: all must render.
Usage: matrix.py HELM CHART FOLDER   (what was rendered is left in FOLDER, one file for each)"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

KUBERNETES = "1.36.0"
API = "berth.dev/v1alpha1/SessionPool"
CLUSTER_WIDE = {"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"}


def render(helm: str, chart: Path, values: Path, api: bool) -> subprocess.CompletedProcess:
    command = [helm, "template", "berth", str(chart), "--namespace", "berth-system", "--kube-version", KUBERNETES,
               "--values", str(values)] + (["--api-versions", API] if api else [])
    return subprocess.run(command, capture_output=True, text=True, check=False)


def render_notes(helm: str, chart: Path, values: Path, folder: Path) -> str:
    """NOTES.txt as it would be said: `helm template` leaves it out, so a copy of the chart says it in a ConfigMap."""
    copy = folder / "with-notes"
    if not copy.exists():
        shutil.copytree(chart, copy)
        told = (copy / "templates/NOTES.txt").read_text()
        (copy / "templates/said.yaml").write_text(
            '{{- define "said" }}' + told + '{{ end }}\nkind: ConfigMap\napiVersion: v1\nmetadata: {name: said}\n'
            'data: {notes: {{ include "said" . | toJson }}}\n')
    done = render(helm, copy, values, api=True)
    said = next(o for o in yaml.safe_load_all(done.stdout) if o and o["metadata"]["name"] == "said")
    return said["data"]["notes"]


def promises(text: str, word: str) -> list[str]:
    return re.findall(rf"^# {word}: (.+)$", text, re.M)


def faults_of_objects(objects: list[dict], common_labels: dict) -> list[str]:
    faults, seen = [], set()
    for o in objects:
        metadata = o["metadata"]
        name = f"{o['kind']}/{metadata.get('namespace', '')}/{metadata['name']}"
        if name in seen:
            faults.append(f"{name} is there twice")
        seen.add(name)
        labels = metadata.get("labels", {})
        missing = {"app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/part-of", "helm.sh/chart"} - set(labels)
        if missing and not name.endswith(("-extra", "from-text")):
            faults.append(f"{name} has no label {', '.join(sorted(missing))}")
        if "app.kubernetes.io/instance" in labels and not common_labels.items() <= labels.items():
            faults.append(f"{name} lacks the common labels")
        if o["kind"] in CLUSTER_WIDE and "namespace" in metadata:
            faults.append(f"{name} is cluster-wide and names a namespace")
    return faults


def faults_of(helm: str, chart: Path, values: Path, folder: Path) -> list[str]:
    text = values.read_text()
    done = render(helm, chart, values, api=True)
    if done.returncode != 0:
        return [done.stderr.strip()]
    (folder / values.name).write_text(done.stdout)
    objects = [o for o in yaml.safe_load_all(done.stdout) if o]
    rendered = {f"{o['kind']}/{o['metadata']['name']}" for o in objects}
    # Without the resource's descriptions, which say much.
    said = "\n".join(yaml.safe_dump({**o, "spec": {}} if o["kind"] == "CustomResourceDefinition" else o, width=1000)
                     for o in objects).replace("'", '"')
    faults = faults_of_objects(objects, (yaml.safe_load(text) or {}).get("commonLabels", {}))
    faults += [f"does not render {p}" for p in promises(text, "renders") if p not in rendered]
    faults += [f"renders {p}" for p in promises(text, "lacks") if p in rendered]
    faults += [f"does not say {p}" for p in promises(text, "says") if p not in said]
    faults += [f"says {p}" for p in promises(text, "omits") if p in said]
    notes = render_notes(helm, chart, values, folder)
    faults += [f"NOTES do not say {p}" for p in promises(text, "notes") if p not in notes]
    faults += [f"NOTES say {p}" for p in promises(text, "notes omit") if p in notes]
    faults += [f"NOTES have a line that is left over: {line!r}" for line in notes.splitlines() if "<no value>" in line or "%!" in line]
    if not re.search(r"^# (renders|says|lacks): ", text, re.M):
        faults.append("promises nothing")
    return faults


def fault_of_refused(helm: str, chart: Path, values: Path) -> list[str]:
    text = values.read_text()
    because = promises(text, "because")
    done = render(helm, chart, values, api="# without-api:" not in text)
    if done.returncode == 0:
        return ["is accepted"]
    return [f"is refused, but not because of {b}: {done.stderr.strip()}" for b in because if b not in done.stderr] \
        if because else ["does not say why it is refused"]


# What a choice means nothing without.
COMPANIONS = {"operator.dnsPolicy": {"operator.dnsConfig": {"nameservers": ["192.0.2.53"]}},
              "gateway.dnsPolicy": {"gateway.dnsConfig": {"nameservers": ["192.0.2.53"]}},
              "tls.certManager.enabled": {"tls.certManager.issuerRef.name": "internal-ca"},
              "gateway.ingress.pathType": {"gateway.ingress.enabled": True},
              "gateway.service.externalTrafficPolicy": {"gateway.service.type": "LoadBalancer"},
              "gateway.httpRoute.enabled": {"gateway.httpRoute.parentRefs": [{"name": "edge"}]},
              "operator.serviceAccount.create": {"operator.serviceAccount.name": "mine"},
              "gateway.serviceAccount.create": {"gateway.serviceAccount.name": "mine"}}


def of_readme(helm: str, chart: Path, folder: Path) -> list[str]:
    """Renders each block of values that README.md shows into folder/readme. The faults."""
    (folder / "readme").mkdir(exist_ok=True)
    blocks = re.findall(r"^```yaml\n(.*?)^```", (chart / "README.md").read_text(), re.M | re.S)
    faults = [] if len(blocks) >= 4 else [f"README.md: only {len(blocks)} blocks of values were found"]
    for n, text in enumerate(blocks):
        values = folder / f"readme/block-{n}.values"
        values.write_text(text)
        done = render(helm, chart, values, api=True)
        values.with_suffix(".yaml").write_text(done.stdout)
        if done.returncode != 0:
            faults.append(f"README.md: {text}{done.stderr.strip()}")
    return faults


def too_old(helm: str, chart: Path) -> list[str]:
    """The chart's bound is the Kubernetes that its README names: that one renders, the one before does not."""
    needed = re.search(r"Needs Kubernetes 1\.(\d+)", (chart / "README.md").read_text())
    faults = [] if needed else ["README.md names no Kubernetes"]
    for minor, taken in ((int(needed[1]), True), (int(needed[1]) - 1, False)) if needed else ():
        done = subprocess.run([helm, "template", "berth", str(chart), "--kube-version", f"1.{minor}.0"], capture_output=True,
                              text=True, check=False)
        if (done.returncode == 0) != taken or not taken and "kubeVersion" not in done.stderr:
            faults.append(f"Kubernetes 1.{minor} is {'refused' if taken else 'taken'}: {done.stderr.strip()}")
    return faults


def choices(schema: dict, node: dict, default: object, path: str = "") -> dict[str, list]:
    """Dotted name -> what it may be besides its default, of every switch and every value that is one of a few."""
    if "$ref" in node:
        node = schema["definitions"][node["$ref"].rsplit("/", 1)[1]]
    if node.get("type") == "boolean":
        return {path: [not default]}
    if "enum" in node:
        return {path: [v for v in node["enum"] if v != default]}
    found = {}
    for name, child in node.get("properties", {}).items():
        if isinstance(default, dict) and name in default:
            found |= choices(schema, child, default[name], f"{path}.{name}".lstrip("."))
    return found


def turned_alone(helm: str, chart: Path, folder: Path) -> tuple[int, list[str]]:
    """Renders each choice alone into folder/alone. How many there were, and the faults."""
    schema = json.loads((chart / "values.schema.json").read_text())
    default = yaml.safe_load((chart / "values.yaml").read_text())
    (folder / "alone").mkdir(exist_ok=True)
    count, faults = 0, []
    plain = render(helm, chart, chart / "ci/default.yaml", api=True).stdout
    for path, others in choices(schema, schema, default).items():
        for value in others:
            count += 1
            file = folder / "alone" / f"{path}={value or 'empty'}.values"
            values: dict = {}
            for name, setting in {path: value, **COMPANIONS.get(path, {})}.items():
                *way, last = name.split(".")
                place = values
                for step in way:
                    place = place.setdefault(step, {})
                place[last] = setting
            file.write_text(json.dumps(values))
            done = render(helm, chart, file, api=True)
            if done.returncode != 0:
                faults.append(f"{path}={value}: {done.stderr.strip()}")
            elif done.stdout == plain:
                faults.append(f"{path}={value}: changes nothing")
            else:
                faults += [f"{path}={value}: {f}" for f in faults_of_objects([o for o in yaml.safe_load_all(done.stdout) if o], {})]
                file.with_suffix(".yaml").write_text(done.stdout)
    return count, faults


def main() -> int:
    helm, chart, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    taken, refused = sorted((chart / "ci").glob("*.yaml")), sorted((chart / "ci/refused").glob("*.yaml"))
    faults = 0
    for values in taken + refused:
        found = fault_of_refused(helm, chart, values) if values in refused else faults_of(helm, chart, values, folder)
        for fault in found:
            print(f"{values.relative_to(chart)}: {fault}")
        faults += len(found)
    found = too_old(helm, chart) + of_readme(helm, chart, folder)
    print("\n".join(found), end="\n" if found else "")
    faults += len(found)
    count, found = turned_alone(helm, chart, folder)
    print("\n".join(found), end="\n" if found else "")
    faults += len(found)
    if not taken or not refused or count < 20:
        print(f"too few values were found: {len(taken)} sets, {len(refused)} refused ones, {count} choices")
        return 1
    print(f"{len(taken)} sets of values rendered as promised, {len(refused)} refused, {count} choices turned alone" if not faults
          else f"{faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
