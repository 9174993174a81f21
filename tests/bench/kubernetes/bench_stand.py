"""What is measured: a real control plane, nodes and pods that kwok plays, one process that answers for every worker pod, and
the programs under test as they are released, run here with the service accounts and rights of deploy/."""

import base64
import http.client
import json
import os
import secrets
import subprocess
from pathlib import Path

from stand.api import ApiError
from stand.cluster import Cluster
from stand.metrics import Metrics
from stand.process import Process, wait_until
from stand.world import SYSTEM, World

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[2]
NODES = 10
POD_RANGE = "10.245.0.0/16"
GATEWAYS = ["127.0.1.1", "127.0.1.2"]
OPERATOR_PROBES = "127.0.2.1:8081"


class Stand(World):
    def __init__(self, programs: Path, cluster_programs: Path):
        super().__init__(Cluster(cluster_programs, nodes=0), programs)
        self.folder = self.cluster.folder
        log = self.cluster.log
        self._kwok = Process("kwok", [cluster_programs / "kwok", "--kubeconfig", self.cluster.admin, "--manage-all-nodes",
                                      "--config", HERE / "kwok.yaml", "--cidr", POD_RANGE,
                                      # Without Leases the nodes would be given up after a while.
                                      "--node-lease-duration-seconds", "20"], log / "kwok.log")
        self._workers = Process("workers", [programs / "bench-workers", "--kubeconfig", self.cluster.admin,
                                            "--jwks", self.folder / "jwks.json"], log / "workers.log")
        self.operator = Process("operator", [
            programs / "berth-operator", "--kubeconfig", self.folder / "berth-operator.kubeconfig",
            *(f"--gateway=http://{a}:7070" for a in GATEWAYS), "--worker-image=berth.local/worker:bench",
            "--probe-listen", OPERATOR_PROBES, "--log-format=json"], log / "operator.log")
        self._gateways = [Process(f"gateway-{n}", [
            programs / "berth-gateway", "--kubeconfig", self.folder / "berth-gateway.kubeconfig",
            "--listen", f"{address}:7070", "--probe-listen", f"{address}:7071", "--replica", f"gateway-{n}",
            "--signing-key", self.folder / "gateway.jwk", "--jwks", self.folder / "jwks.json", "--log-format=json"],
            log / f"gateway-{n}.log") for n, address in enumerate(GATEWAYS, 1)]

    def start(self) -> None:
        self.cluster.start()
        subprocess.run(["ip", "route", "add", "local", POD_RANGE, "dev", "lo"], check=True)
        self._kwok.start()
        for n in range(1, NODES + 1):
            room = {"cpu": "1k", "memory": "1Ti", "pods": "1k"}
            self.api.call("POST", "/api/v1/nodes", {"metadata": {"name": f"kwok-{n}"},
                                                    "status": {"allocatable": room, "capacity": room}})
        self._install()
        self.operator.start()
        self._fetch_keys()
        for process in (self._workers, *self._gateways):
            process.start()
        for address in GATEWAYS:
            wait_until(f"gateway {address} is ready", lambda a=address: answers(f"{a}:7071", "/readyz"), 30, 0.1,
                       self._gateways[0].tail)

    def _install(self) -> None:
        """deploy/ without its Deployments; kubeconfigs with the tokens of its accounts instead."""
        objects = self.kubectl("kustomize", str(REPOSITORY / "deploy")).split("\n---\n")
        self.kubectl("apply", "-f", "-", stdin="\n---\n".join(o for o in objects if "\nkind: Deployment\n" not in f"\n{o}"))
        wait_until("pools are served", self._pools_served, 30)
        for account in ("berth-operator", "berth-gateway"):
            token = self.folder / f"{account}.token"
            token.write_text(self.token(SYSTEM, account, "https://kubernetes.default.svc"))
            (self.folder / f"{account}.kubeconfig").write_text(json.dumps({
                "apiVersion": "v1", "kind": "Config", "current-context": "bench",
                "clusters": [{"name": "bench", "cluster": {"server": "https://127.0.0.1:6443",
                                                           "certificate-authority": str(self.cluster.pki.ca)}}],
                "users": [{"name": account, "user": {"tokenFile": str(token)}}],
                "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": account, "namespace": SYSTEM}}]}))

    def _pools_served(self) -> bool:
        try:
            return bool(self.api.get("/apis/berth.dev/v1alpha1/sessionpools"))
        except ApiError:  # 404, then 429 while the server opens the store.
            return False

    def _fetch_keys(self) -> None:
        """As the gateway's and the workers' pods would have them mounted."""
        core = f"/api/v1/namespaces/{SYSTEM}"
        secret = wait_until("the operator has made the keys", lambda: self.api.find(f"{core}/secrets/berth-gateway-key"), 30,
                            context=self.operator.tail)
        keys = wait_until("... and published them", lambda: self.api.find(f"{core}/configmaps/berth-keys"), 30,
                          context=self.operator.tail)
        (self.folder / "gateway.jwk").write_bytes(base64.b64decode(secret["data"]["key.json"]))
        (self.folder / "jwks.json").write_text(keys["data"]["jwks.json"])

    def stop(self) -> None:
        self.cluster.stop()

    def gateways(self) -> list[str]:
        return [f"{a}:7070" for a in GATEWAYS]

    # Looks from outside.

    def operator_metrics(self) -> Metrics:
        return Metrics(OPERATOR_PROBES)

    def operator_ready(self) -> bool:
        return answers(OPERATOR_PROBES, "/readyz")

    def slots_tracked(self, pool) -> float:
        return self.operator_metrics().sum("berth_pool_session_slots", namespace=pool.namespace, pool=pool.name,
                                           state="capacity")

    def wait_tracked(self, pool, slots: int, timeout: float) -> None:
        wait_until(f"the operator tracks {slots} slots", lambda: self.slots_tracked(pool) == slots, timeout, 0.02,
                   lambda: f"it tracks {self.slots_tracked(pool):g}\n{self.operator.tail()}")

    def crowd(self, pool, *args: str) -> subprocess.Popen:
        """The load generator, with callers of `pool` at both gateways."""
        token = self.folder / f"caller-{secrets.token_hex(4)}.token"
        token.write_text(pool.caller.token)
        return subprocess.Popen(
            [self.programs / "bench-sessions", *(f"--gateway={g}" for g in self.gateways()), "--token-file", token,
             "--sessions", f"/v1/namespaces/{pool.namespace}/pools/{pool.name}/sessions", *args],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def answers(address: str, path: str) -> bool:
    host, port = address.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def resident_bytes(process: Process) -> int:
    return int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def peak_resident_bytes(process: Process) -> int:
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM"))


def cpu_seconds(process: Process) -> float:
    """Of all its threads, by the scheduler's own count."""
    tasks = Path(f"/proc/{process.pid}/task")
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e9
