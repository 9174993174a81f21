"""Evaluates the rendered NetworkPolicies, since a test cluster's network need not enforce them: exactly the flows of docs/architecture.md
are allowed. A connection is allowed if the policies of its source let it out and those of its target let it in; who is selected by no
policy of a direction is open in it. Usage: flows.py RENDERED.yaml   (of ci/network.yaml)"""

import ipaddress
import sys
from typing import NamedTuple, Optional

import yaml

NAME, NAMESPACE = "app.kubernetes.io/name", "kubernetes.io/metadata.name"


class End(NamedTuple):
    """A pod, or with an address somebody who is none."""
    namespace: str
    labels: dict
    address: Optional[str] = None


PODS = {
    "operator": End("berth-system", {NAME: "berth-operator"}),
    "gateway": End("berth-system", {NAME: "berth-gateway"}),
    "test": End("berth-system", {NAME: "berth-test"}),
    "hook": End("berth-system", {NAME: "berth-delete-pools"}),
    "worker-a": End("team-a", {"berth.dev/pool": "files"}),
    "worker-b": End("team-b", {"berth.dev/pool": "files"}),
    "worker-elsewhere": End("team-c", {"berth.dev/pool": "files"}),
    "temporal": End("team-a", {NAME: "berth-temporal-renders"}),
    "caller": End("team-a", {"role": "caller"}),
    "neighbour": End("team-a", {"app": "other"}),
    "stranger": End("team-c", {"role": "caller"}),
    "beside": End("berth-system", {"app": "other"}),
    "prometheus": End("monitoring", {NAME: "prometheus"}),
    "api server": End("", {}, "192.0.2.10"),
    "internet": End("", {}, "203.0.113.9"),
}
PORTS = (22, 53, 443, 6443, 7070, 7071, 7600, 7601, 8081, 9000)
# Whom the chart's policies are about: from where everything is judged, and to where. What workers may reach is their pool's to say.
SOURCES = ("operator", "gateway", "test", "hook")
TARGETS = ("operator", "gateway", "test", "hook", "worker-a", "worker-b")

ALLOWED = {
    *((source, "api server", 6443) for source in ("operator", "gateway", "hook")),
    *((source, worker, 7600) for source in ("operator", "gateway") for worker in ("worker-a", "worker-b")),
    *((source, "gateway", 7070) for source in ("operator", "test", "caller", "temporal")),
    ("caller", "worker-a", 7600),
    *(("temporal", worker, 7600) for worker in ("worker-a", "worker-b")),
    ("prometheus", "operator", 8081),
    ("prometheus", "gateway", 7071),
    ("prometheus", "worker-a", 7601),
    ("prometheus", "worker-b", 7601),
}


def selects(selector: dict, labels: dict) -> bool:
    for expression in selector.get("matchExpressions", []):
        key, operator = expression["key"], expression["operator"]
        if operator == "In" and labels.get(key) not in expression["values"] or operator == "Exists" and key not in labels:
            return False
        if operator not in ("In", "Exists"):
            raise SystemExit(f"flows.py does not know the operator {operator}")
    return all(labels.get(k) == v for k, v in selector.get("matchLabels", {}).items())


def is_peer(peer: dict, end: End, namespace: str) -> bool:
    if "ipBlock" in peer:
        block = peer["ipBlock"]
        address = ipaddress.ip_address(end.address) if end.address else None
        return address is not None and address in ipaddress.ip_network(block["cidr"]) and not any(
            address in ipaddress.ip_network(e) for e in block.get("except", []))
    if end.address:
        return False
    if "namespaceSelector" in peer:
        if not selects(peer["namespaceSelector"], {NAMESPACE: end.namespace}):
            return False
    elif end.namespace != namespace:
        return False
    return selects(peer.get("podSelector", {}), end.labels)


def lets(policies: list[dict], direction: str, whose: End, other: End, port: int) -> bool:
    about = [p for p in policies if not whose.address and p["metadata"]["namespace"] == whose.namespace
             and direction in p["spec"]["policyTypes"] and selects(p["spec"]["podSelector"], whose.labels)]
    if not about:
        return True
    rules = [(r, p["metadata"]["namespace"]) for p in about for r in p["spec"].get(direction.lower(), [])]
    side = "from" if direction == "Ingress" else "to"
    return any((not rule.get("ports") or any(q.get("protocol", "TCP") == "TCP" and q["port"] == port for q in rule["ports"]))
               and (not rule.get(side) or any(is_peer(peer, other, namespace) for peer in rule[side]))
               for rule, namespace in rules)


def main() -> int:
    with open(sys.argv[1], encoding="utf-8") as text:
        policies = [o for o in yaml.safe_load_all(text) if o and o["kind"] == "NetworkPolicy"]
    judged, faults = 0, []
    for source, whence in PODS.items():
        for target, where in PODS.items():
            if source == target or source not in SOURCES and target not in TARGETS:
                continue
            for port in PORTS:
                judged += 1
                allowed = lets(policies, "Egress", whence, where, port) and lets(policies, "Ingress", where, whence, port)
                if allowed != ((source, target, port) in ALLOWED):
                    faults.append(f"{source} to {target}, port {port}: {'allowed' if allowed else 'refused'}")
    print("\n".join(faults or [f"{judged} connections judged, {len(ALLOWED)} of them allowed"]))
    return 1 if faults or not policies else 0


if __name__ == "__main__":
    sys.exit(main())
