"""What Prometheus' own discovery of pods tells, for a Prometheus that is built without it, as Debian's is."""

import re


def pod_targets(pods: list[dict]) -> list[tuple[str, dict]]:
    """(address, labels) of every port of every container, as role `pod` of kubernetes_sd_configs makes them. Labels are those that
    dashboards/prometheus.yaml may name."""
    return [target for pod in pods if pod["status"].get("podIP") for target in _targets(pod)]


def _targets(pod: dict) -> list[tuple[str, dict]]:
    meta, address = pod["metadata"], pod["status"]["podIP"]
    labels = {"namespace": meta["namespace"], "pod_name": meta["name"], "pod_ip": address, "pod_uid": meta["uid"],
              "pod_phase": pod["status"].get("phase", ""), "pod_node_name": pod["spec"].get("nodeName", "")}
    for key, value in meta.get("labels", {}).items():
        name = re.sub(r"[^a-zA-Z0-9_]", "_", key)
        labels |= {f"pod_label_{name}": value, f"pod_labelpresent_{name}": "true"}
    return [(f"{address}:{port['containerPort']}", {f"__meta_kubernetes_{key}": value for key, value in {
        **labels, "pod_container_name": container["name"], "pod_container_port_name": port.get("name", ""),
        "pod_container_port_number": str(port["containerPort"])}.items()})
            for container in pod["spec"]["containers"] for port in container.get("ports", [])]
