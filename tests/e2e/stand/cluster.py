"""A real Kubernetes on this machine: etcd, control plane and real nodes, inside the caller's network namespace. Without nodes
it is a control plane alone, for nodes that somebody else plays.

Everything that a cluster writes is below one folder, whose name is in each of its processes' command lines; so `stop`
finds what is left by that name alone, also what a killed run left behind (`remove_stale`).
"""

import fcntl
import json
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .addresses import Addresses
from .node import BRIDGE, BRIDGE_ADDRESS, POD_RANGE, Node, end_groups
from .pki import Pki
from .process import Process, kill, noted, processes_of, wait_until

STATE_ROOT = Path("/var/tmp/berth-e2e")
SERVICE_RANGE = "10.96.0.0/16"
NETWORK = "berth"


class Cluster:
    def __init__(self, bin_folder: Path, nodes: int):
        self.run_name = f"berth-e2e-{os.getpid()}"
        self.folder = STATE_ROOT / str(os.getpid())
        self.log = self.folder / "log"
        self.audit_log = self.log / "audit.jsonl"
        self.kubectl_folder = self._bin = bin_folder
        self.folder.mkdir(parents=True)
        if _available_memory() > 6 << 30:
            # Images unpacked for each node are most of it, and of the time that removing it takes on a disk.
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=5g", "berth-e2e", str(self.folder)], check=True)
        self._lock = (self.folder / "lock").open("w", encoding="ascii")  # Held as long as this run lives, however it ends.
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.log.mkdir()
        self.pki = Pki(self.folder / "pki")
        self.admin = self.pki.kubeconfig("admin", "/O=system:masters/CN=admin")
        self.addresses = Addresses(self.folder / "addresses", NETWORK)
        self._write_cni()
        self._write_audit_policy()
        self.nodes = [Node(n, self.folder, bin_folder, self.pki, self.run_name) for n in range(1, nodes + 1)]
        self._make_processes()

    def _write_cni(self) -> None:
        (self.folder / "cni").mkdir()
        plugin = {"type": "bridge", "bridge": BRIDGE, "isGateway": True, "hairpinMode": True, "ipMasq": False,
                  "ipam": {"type": "host-local", "dataDir": str(self.addresses.folder),
                           "ranges": [[{"subnet": POD_RANGE, "rangeStart": "10.244.0.10"}]],
                           "routes": [{"dst": "0.0.0.0/0"}]}}
        (self.folder / "cni" / "10-bridge.conflist").write_text(
            json.dumps({"cniVersion": "0.4.0", "name": NETWORK, "plugins": [plugin]}))

    def _write_audit_policy(self) -> None:
        # Every call that Berth's programs make, so that rights and writes are judged from outside.
        rules = [{"level": "Metadata", "omitStages": ["RequestReceived"], "userGroups": ["system:serviceaccounts:berth-system"]},
                 {"level": "None"}]
        (self.folder / "audit.json").write_text(
            json.dumps({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": rules}))

    def _make_processes(self) -> None:
        def process(name: str, *args) -> Process:
            return Process(name, [self._bin / name, *args], self.log / f"{name}.log")

        pki = self.pki
        certificate, key = pki.certificate("server", "/CN=kube-apiserver",
                                           "DNS:localhost,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:10.96.0.1,"
                                           f"IP:{BRIDGE_ADDRESS}")
        kubelet_certificate, kubelet_key = pki.folder / "admin.crt", pki.folder / "admin.key"
        self.etcd = process("etcd", "--data-dir", self.folder / "etcd", "--unsafe-no-fsync", "--log-level", "error")
        self.apiserver = process(
            "kube-apiserver", "--etcd-servers", "http://127.0.0.1:2379", "--secure-port", "6443",
            "--advertise-address", BRIDGE_ADDRESS, "--service-cluster-ip-range", SERVICE_RANGE,
            "--tls-cert-file", certificate, "--tls-private-key-file", key, "--client-ca-file", pki.ca,
            "--service-account-key-file", pki.account_public, "--service-account-signing-key-file", pki.account_key,
            "--service-account-issuer", "https://kubernetes.default.svc", "--authorization-mode", "Node,RBAC",
            "--enable-admission-plugins", "NodeRestriction", "--kubelet-preferred-address-types", "InternalIP",
            "--kubelet-client-certificate", kubelet_certificate, "--kubelet-client-key", kubelet_key,
            "--audit-policy-file", self.folder / "audit.json", "--audit-log-path", self.audit_log,
            "--shutdown-delay-duration", "0", "--cert-dir", self.folder / "certs")
        self._controllers = [
            process("kube-controller-manager", "--kubeconfig",
                    pki.kubeconfig("controller-manager", "/CN=system:kube-controller-manager"),
                    "--service-account-private-key-file", pki.account_key, "--root-ca-file", pki.ca,
                    "--use-service-account-credentials", "--leader-elect=false",
                    "--cluster-signing-cert-file", pki.ca, "--cluster-signing-key-file", pki.folder / "ca.key",
                    # A minute instead of five: a node that leaves is part of the tests.
                    "--node-monitor-grace-period", "20s"),
            process("kube-scheduler", "--kubeconfig", pki.kubeconfig("scheduler", "/CN=system:kube-scheduler"),
                    "--leader-elect=false"),
        ]
        self._proxies = []
        if self.nodes:
            self._proxies.append(process(
                "kube-proxy", "--kubeconfig", pki.kubeconfig("proxy", "/CN=system:kube-proxy"),
                "--proxy-mode", "nftables", "--cluster-cidr", POD_RANGE, "--hostname-override", "node-1",
                "--conntrack-max-per-core", "0", "--healthz-bind-address", "127.0.0.1:10256",
                "--metrics-bind-address", "127.0.0.1:10249"))

    def start(self, images: list[Path] = ()) -> None:
        self._make_network()
        self.etcd.start()
        self.start_apiserver()
        for process in self._controllers + self._proxies:
            process.start()
        if self.nodes:
            self._start_nodes(images)
        wait_until("the default service account exists",
                   lambda: self._try_kubectl("get", "serviceaccount", "default"), 60)

    def _start_nodes(self, images: list[Path]) -> None:
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda node: node.start(images), self.nodes))
        self.kubectl("create", "clusterrolebinding", "e2e-proxy", "--clusterrole=system:node-proxier",
                     "--user=system:kube-proxy")
        wait_until("all nodes are Ready", self._nodes_ready, 120, 0.3, self._why_not_ready)

    def _make_network(self) -> None:
        for command in ("link set lo up", f"link add {BRIDGE} type bridge", f"addr add {BRIDGE_ADDRESS}/24 dev {BRIDGE}",
                        f"link set {BRIDGE} up",
                        # Service addresses need some route before the proxy rewrites them.
                        f"route add default dev {BRIDGE}"):
            subprocess.run(["ip", *command.split()], check=True)

    def start_apiserver(self) -> None:
        self.apiserver.start()
        wait_until("the API server is ready", lambda: self._try_kubectl("get", "--raw", "/readyz"), 60, 0.2,
                   self.apiserver.tail)

    def stop_apiserver(self) -> None:
        self.apiserver.kill()

    def restart_followers(self) -> None:
        """Starts controllers and kubelets again, which then look for the API server at once. After it was away for long they would
        do that for each of their watches only when up to a minute had passed."""
        for process in self._controllers:
            process.stop()
            process.start()
        for node in self.nodes:
            node.restart_kubelet()

    def forget_owner(self, address: str) -> None:
        """This machine and all pods ask anew whose a pod's address is. Networks tell them when it has another owner; the CNI plugin
        of Debian 12 does not, and they would look for the last one for up to a minute."""
        flush = ["ip", "neigh", "flush", "to", address]
        subprocess.run(flush, check=True)
        for namespace in (n for node in self.nodes for n in node.network_namespaces()):
            subprocess.run(["nsenter", f"--net={namespace}", *flush], check=False)  # A pod may have ended meanwhile.

    def kubectl_command(self, *args: str) -> list[str]:
        return [str(self._bin / "kubectl"), "--kubeconfig", str(self.admin), *args]

    def kubectl(self, *args: str, stdin: str | None = None) -> str:
        with noted(f"kubectl {' '.join(args)}"):
            done = subprocess.run(self.kubectl_command(*args), input=stdin, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(args)}: {done.stderr.strip()}")
        return done.stdout

    def _try_kubectl(self, *args: str) -> bool:
        done = subprocess.run(self.kubectl_command("--request-timeout", "2s", *args), capture_output=True, check=False)
        return done.returncode == 0

    def _nodes_ready(self) -> bool:
        nodes = json.loads(self.kubectl("get", "nodes", "-o", "json"))["items"]
        ready = [c["status"] for n in nodes for c in n["status"].get("conditions", []) if c["type"] == "Ready"]
        return ready == ["True"] * len(self.nodes)

    def _why_not_ready(self) -> str:
        return "\n".join(p.tail() for n in self.nodes for p in (n._kubelet, n._containerd))

    def stop(self) -> None:
        for node in self.nodes:
            node.kill_kubelet()  # Before its pods, or it would start them again.
        remove_run(self.folder)


def _available_memory() -> int:
    with open("/proc/meminfo", encoding="ascii") as lines:
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable"))


def remove_run(folder: Path) -> None:
    """Ends what runs for `folder`, mounts and pods included, and removes it."""
    for pid in processes_of(f"{folder}/"):
        kill(pid)
    end_groups(f"berth-e2e-{folder.name}")
    with open("/proc/mounts", encoding="utf-8") as mounts:
        below = [m.split()[1] for m in mounts if f"{m.split()[1]}/".startswith(f"{folder}/")]
    for mount in sorted(below, reverse=True):
        subprocess.run(["umount", "-l", mount], check=False)
    shutil.rmtree(folder, ignore_errors=True)


def remove_stale() -> None:
    """What killed runs left behind: nobody holds their lock any more."""
    for folder in STATE_ROOT.iterdir() if STATE_ROOT.exists() else []:
        try:
            with (folder / "lock").open(encoding="ascii") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        except FileNotFoundError:
            pass
        remove_run(folder)
