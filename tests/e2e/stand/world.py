"""What a scenario works with: the cluster with Berth in it, pools, callers, and looks from outside."""

import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from .api import POOLS, Api
from .audit import now, refused_calls
from .cluster import Cluster
from .metrics import Metrics
from .process import wait_until
from .sessions import Caller

SYSTEM = "berth-system"
DEPLOY = Path(__file__).resolve().parents[1] / "deploy"
PROBE_PORT = {"berth-operator": 8081, "berth-gateway": 7071, "worker": 7601}


class World:
    def __init__(self, cluster: Cluster, programs: Path, browser: Path | None = None):
        """`programs`: the folder with `berth`, the command line. `browser`: the one with the browser's driver."""
        self.cluster, self.programs, self.browser = cluster, programs, browser and browser / "node_modules"
        self.api = Api(cluster.pki.ca, cluster.pki.folder / "admin.crt", cluster.pki.folder / "admin.key")
        self._rights_away: list[tuple[str, str]] = []

    def kubectl(self, *args: str, stdin: str | None = None) -> str:
        return self.cluster.kubectl(*args, stdin=stdin)

    def install(self, overlay: Path = DEPLOY) -> None:
        """Applies deploy/ by an overlay and waits until Berth serves."""
        if overlay == DEPLOY:
            overlay = Path(os.environ.get("BERTH_E2E_OVERLAY", DEPLOY))
        self.kubectl("apply", "-f", "-", stdin=self.kubectl("kustomize", str(overlay), "--load-restrictor", "LoadRestrictionsNone"))
        self.wait_for_berth()

    @contextmanager
    def rights_away(self):
        """While the programs' roles are taken from under them, what is refused to them is no fault of theirs."""
        begin = now()
        try:
            yield
        finally:
            self._rights_away.append((begin, now()))

    def refused_calls(self) -> list[str]:
        return refused_calls(self.cluster.audit_log, self._rights_away)

    # Berth's own pods.

    def system_pods(self, name: str) -> list[dict]:
        return [p for p in self.api.pods(SYSTEM, f"app.kubernetes.io/name={name}")
                if "deletionTimestamp" not in p["metadata"]]

    def wait_for_berth(self, timeout: float = 90) -> None:
        def ready():
            pods = self.system_pods("berth-operator") + self.system_pods("berth-gateway")
            return len(pods) == 4 and all(is_ready(p) for p in pods) and self.leader()

        wait_until("two operators and two gateways are ready", ready, timeout, 0.3,
                   lambda: self.kubectl("get", "pods", "-A", "-o", "wide") +
                   self.kubectl("get", "events", "-n", SYSTEM))

    def leader(self) -> dict | None:
        """The operator pod that holds the Lease."""
        lease = self.api.find(f"/apis/coordination.k8s.io/v1/namespaces/{SYSTEM}/leases/berth-operator")
        holder = (lease or {}).get("spec", {}).get("holderIdentity") or ""
        return next((p for p in self.system_pods("berth-operator") if holder.startswith(p["metadata"]["name"])), None)

    def metrics_of(self, pod: dict) -> Metrics:
        labels = pod["metadata"].get("labels", {})
        port = PROBE_PORT[labels.get("app.kubernetes.io/name", "worker")]
        return Metrics(f"{pod['status']['podIP']}:{port}")

    def gateways(self) -> list[str]:
        service = self.api.get(f"/api/v1/namespaces/{SYSTEM}/services/berth-gateway")
        return [f"{service['spec']['clusterIP']}:7070"]

    def gateway_addresses(self) -> dict[str, str]:
        """Each replica by itself: pod name and address."""
        return {p["metadata"]["name"]: f"{p['status']['podIP']}:7070" for p in self.system_pods("berth-gateway")}

    # A namespace with a pool and somebody who may use it.

    def namespace(self, prefix: str) -> str:
        name = f"{prefix}-{secrets.token_hex(2)}"
        self.api.call("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": {
            "pod-security.kubernetes.io/enforce": "restricted"}}})
        return name

    def caller(self, namespace: str, account: str = "caller", role: str | None = "berth-session-user") -> Caller:
        """A service account with that ClusterRole in its namespace, and a token for Berth."""
        self.kubectl("create", "serviceaccount", account, "-n", namespace)
        if role:
            self.kubectl("create", "rolebinding", account, "-n", namespace, f"--clusterrole={role}",
                         f"--serviceaccount={namespace}:{account}")
        return Caller(self.gateways(), self.token(namespace, account), namespace)

    def token(self, namespace: str, account: str, audience: str = "berth") -> str:
        return self.kubectl("create", "token", account, "-n", namespace, f"--audience={audience}",
                            "--duration=1h").strip()

    def pool(self, prefix: str, **spec) -> "Pool":
        return Pool(self, self.namespace(prefix), "pool").create(spec)


class Pool:
    """A SessionPool in a namespace of its own, and who may use it (`caller`, of `create`)."""

    def __init__(self, world: World, namespace: str, name: str):
        self.world, self.namespace, self.name = world, namespace, name
        self.path = POOLS.format(namespace) + "/" + name
        self._namespace_path = f"/api/v1/namespaces/{namespace}"

    def create(self, spec: dict) -> "Pool":
        """The defaults make its life short; `spec` overrides them, one level deep."""
        whole = {"worker": {"image": "berth.local/worker:e2e", "exec": True},
                 "sessions": {"maxPerWorker": 4},
                 "scaling": {"maxWorkers": 5, "freeSlots": 0, "scaleToZeroAfter": "2s",
                             "scaleDown": {"stabilizationWindow": "3s"}},
                 "drain": {"timeout": "60s"}}
        for key, value in spec.items():
            whole[key] = {**whole[key], **value} if isinstance(value, dict) and key in whole else value
        self.world.api.call("POST", POOLS.format(self.namespace), {
            "apiVersion": "berth.dev/v1alpha1", "kind": "SessionPool", "metadata": {"name": self.name}, "spec": whole})
        self.caller = self.world.caller(self.namespace)
        return self

    def get(self) -> dict:
        return self.world.api.get(self.path)

    def status(self) -> dict:
        return self.get().get("status", {})

    def change(self, spec: dict) -> None:
        self.world.api.merge(self.path, {"spec": spec})

    def condition(self, kind: str) -> dict:
        return next((c for c in self.status().get("conditions", []) if c["type"] == kind), {})

    def workers(self) -> list[dict]:
        return self.world.api.pods(self.namespace, f"berth.dev/pool={self.name}")

    def ready_workers(self) -> list[dict]:
        return [w for w in self.workers() if is_ready(w) and "deletionTimestamp" not in w["metadata"]]

    def wait_ready(self, count: int, timeout: float = 60) -> list[dict]:
        wait_until(f"{count} workers are ready", lambda: len(self.ready_workers()) == count, timeout, 0.2, self.describe)
        return self.ready_workers()

    def wait_empty(self, timeout: float = 90) -> None:
        wait_until("no worker is left", lambda: not self.workers(), timeout, 0.2, self.describe)

    def events(self) -> list[dict]:
        return [e for e in self.world.api.items(f"/apis/events.k8s.io/v1/namespaces/{self.namespace}/events")
                if e["regarding"].get("kind") == "SessionPool" and e["regarding"].get("name") == self.name]

    def reasons(self) -> set[str]:
        return {e["reason"] for e in self.events()}

    def open(self, **more):
        return self.caller.open(self.name, **more)

    def open_many(self, count: int, **more) -> list:
        with ThreadPoolExecutor(count) as threads:
            return list(threads.map(lambda _: self.open(**more), range(count)))

    def describe(self) -> str:
        show = ["--namespace", self.namespace]
        return "\n".join(self.world.kubectl(*c, *show) for c in (
            ("get", "pods", "-o", "wide"), ("describe", "sessionpool", self.name)))

    def remove(self, timeout: float = 120) -> None:
        """Deletes the pool and waits until it and its workers are gone. Its namespace follows by itself: Kubernetes waits for
        half of a pod's grace before it looks again."""
        if self.world.api.find(self.path):
            self.world.api.delete(self.path)
        wait_until("the pool and its workers are gone", lambda: self.world.api.find(self.path) is None and not self.workers(),
                   timeout, 0.2, self.describe)
        if self.world.api.find(self._namespace_path):
            self.world.api.delete(self._namespace_path)

    def wait_namespace_gone(self, timeout: float = 120) -> None:
        wait_until(f"namespace {self.namespace} is gone", lambda: self.world.api.find(self._namespace_path) is None, timeout, 0.3,
                   lambda: self.world.kubectl("get", "all,spool", "-n", self.namespace))


def is_ready(pod: dict) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))


def uid(pod: dict) -> str:
    return pod["metadata"]["uid"]


def name(pod: dict) -> str:
    return pod["metadata"]["name"]
