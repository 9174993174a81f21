"""Renders the chart with each file of charts/berth/ci/ and holds the outcome against what the file's comments promise:
`# renders: KIND/NAME`, `# lacks: KIND/NAME`, `# says: TEXT`, `# omits: TEXT`. Files of ci/refused/ must be refused with the
text of `# because:`. Usage: matrix.py HELM CHART FOLDER   (what was rendered is left in FOLDER, one file for each)"""

import re
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
        if "app.kubernetes.io/instance" not in labels and not name.endswith(("-extra", "from-text")):
            faults.append(f"{name} has no instance label")
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
    if not taken or not refused:
        print("no values were found")
        return 1
    print(f"{len(taken)} sets of values rendered as promised, {len(refused)} refused" if not faults else f"{faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
