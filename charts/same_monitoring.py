"""The chart's PrometheusRule, dashboards and monitors are those of dashboards/: the alerts as the PrometheusRule there, each dashboard
byte for byte, and monitors that give the labels which dashboards/README.md asks for. Usage: same_monitoring.py RENDERED.yaml REPOSITORY"""

import sys
from pathlib import Path

import yaml


def main() -> int:
    root = Path(sys.argv[2])
    with open(sys.argv[1], encoding="utf-8") as text:
        objects = {f"{o['kind']}/{o['metadata']['name']}": o for o in yaml.safe_load_all(text) if o}
    faults = []
    own = yaml.safe_load((root / "dashboards/prometheusrule.yaml").read_text())["spec"]
    if objects["PrometheusRule/berth"]["spec"] != own:
        faults.append("the PrometheusRule is not that of dashboards/prometheusrule.yaml")
    shown = {name: text for key, o in objects.items() if key.startswith("ConfigMap/berth-dashboard-")
             for name, text in o["data"].items()}
    boards = {p.name: p.read_text() for p in (root / "dashboards/grafana").glob("*.json")}
    faults += [f"dashboard {n} differs from dashboards/grafana" for n in sorted(shown.keys() | boards.keys())
               if shown.get(n) != boards.get(n)]
    programs, workers = (objects[f"PodMonitor/{n}"]["spec"]["podMetricsEndpoints"][0] for n in ("berth", "berth-workers"))
    if programs.get("honorLabels") is not True:
        faults.append("the programs' monitor must keep their namespace and pool: honorLabels")
    if {"sourceLabels": ["__meta_kubernetes_pod_label_berth_dev_pool"], "targetLabel": "pool"} not in workers.get("relabelings", []):
        faults.append("the workers' monitor must give the label pool")
    temporal = objects["PodMonitor/berth-temporal"]["spec"]["podMetricsEndpoints"][0]
    if {"sourceLabels": ["__meta_kubernetes_pod_label_berth_dev_temporal_pool"], "targetLabel": "pool"} not in temporal["relabelings"]:
        faults.append("the monitor of berth-temporal must give the label pool")
    print("\n".join(faults), end="\n" if faults else "")
    return 1 if faults or not boards else 0


if __name__ == "__main__":
    sys.exit(main())
