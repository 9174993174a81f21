"""One real node: its own containerd, kubelet, ports and cgroup root. All nodes share one bridge and address pool."""

import json
import os
import subprocess
import time
from pathlib import Path

from .process import Process, kill, wait_until

BRIDGE = "berth0"
BRIDGE_ADDRESS = "10.244.0.1"
POD_RANGE = "10.244.0.0/24"


def _cgroup_mounts() -> list[Path]:
    """Where groups are made: one folder per controller in version 1, one for all in version 2."""
    with open("/proc/mounts", encoding="utf-8") as mounts:
        return [Path(m.split()[1]) for m in mounts if m.split()[2] in ("cgroup", "cgroup2")]


class Node:
    def __init__(self, number: int, folder: Path, bin_folder: Path, pki, run_name: str):
        self.name = f"node-{number}"
        self._folder = folder / self.name
        self._log = folder / "log"
        self._group = f"{run_name}-{self.name}"
        self._socket = folder / f"c{number}.sock"
        self._state = folder / f"s{number}"
        self._cni = folder / "cni"
        self._write_files(number, folder, pki)
        self._containerd = Process(f"containerd-{number}", ["containerd", "--config", self._folder / "containerd.toml"],
                                   self._log / f"containerd-{number}.log")
        self._kubelet = Process(f"kubelet-{number}", [
            bin_folder / "kubelet", "--config", self._folder / "kubelet.yaml",
            "--kubeconfig", pki.kubeconfig(self.name, f"/O=system:nodes/CN=system:node:{self.name}",
                                           f"DNS:{self.name},IP:{BRIDGE_ADDRESS}"),
            "--root-dir", self._folder / "kubelet", "--hostname-override", self.name,
            "--node-ip", BRIDGE_ADDRESS, "--cert-dir", self._folder / "certs"],
            self._log / f"kubelet-{number}.log")

    def _write_files(self, number: int, folder: Path, pki) -> None:
        self._folder.mkdir()
        (self._folder / "containerd.toml").write_text(f"""version = 2
root = "{self._folder}/containerd"
state = "{self._state}"
[grpc]
  address = "{self._socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "berth.local/pause:1"
  disable_apparmor = true
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{self._cni}"
""")
        settings = {
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
            "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True},
                               "x509": {"clientCAFile": str(pki.ca)}},
            "authorization": {"mode": "Webhook"},
            "containerRuntimeEndpoint": f"unix://{self._socket}",
            "nodeStatusReportFrequency": "10s",  # Instead of five minutes: a node that was silent is soon known again.
            "port": 10250 + 10 * number, "healthzPort": 0,
            "cgroupDriver": "cgroupfs", "cgroupRoot": f"/{self._group}", "failCgroupV1": False,
            "failSwapOn": False, "clusterDNS": ["10.96.0.10"], "clusterDomain": "cluster.local", "podLogsDir": str(self._folder / "podlogs"), "maxPods": 100,
            "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
            "imageGCHighThresholdPercent": 100,
            "tlsCertFile": f"{pki.folder}/{self.name}.crt", "tlsPrivateKeyFile": f"{pki.folder}/{self.name}.key",
        }
        (self._folder / "kubelet.yaml").write_text(json.dumps(settings))

    def start(self, images: list[Path]) -> None:
        for mount in _cgroup_mounts():
            (mount / self._group).mkdir(exist_ok=True)
        self._containerd.start()
        wait_until(f"containerd of {self.name} listens", self._socket.exists, 30, context=self._containerd.tail)
        for image in images:
            subprocess.run(self.ctr("images", "import", str(image)), check=True, capture_output=True)
        self._kubelet.start()

    def ctr(self, *args: str) -> list[str]:
        return ["ctr", "-a", str(self._socket), "-n", "k8s.io", *args]

    def processes(self, pod_uid: str, executable: str) -> list[int]:
        """Pids of a pod's processes that run `executable`, from the pod's own cgroup."""
        found = set()
        for mount in _cgroup_mounts():
            for procs in _procs_below(mount / self._group):
                if f"pod{pod_uid}" in str(procs):
                    found.update(p for p in _read_pids(procs) if _runs(p, executable))
        return sorted(found)

    def sandbox(self, pod_uid: str) -> list[int]:
        """Pids of the pause process that holds the pod's network."""
        return self.processes(pod_uid, "pause")

    def network_namespaces(self) -> list[Path]:
        """Of its pods."""
        return sorted((self._state / "io.containerd.grpc.v1.cri/netns").iterdir())

    def restart_kubelet(self) -> None:
        self._kubelet.stop()
        self._kubelet.start()

    def kill_kubelet(self) -> None:
        self._kubelet.kill()


def end_groups(run_name: str) -> None:
    """Ends everything in the pods of a run, by pid, until nothing is left, and removes the run's groups."""
    groups = [g for mount in _cgroup_mounts() for g in mount.glob(f"{run_name}-node-*")]
    for _ in range(100):
        pids = {p for group in groups for procs in _procs_below(group) for p in _read_pids(procs)}
        if not pids:
            break
        for pid in pids:
            kill(pid)
        time.sleep(0.05)
    for group in groups:
        for folder, _, _ in os.walk(group, topdown=False):
            _remove_group(Path(folder))


def _remove_group(group: Path) -> None:
    try:
        group.rmdir()
    except OSError:
        pass  # Not there, or a process is still leaving; an empty group harms nobody.


def _procs_below(group: Path) -> list[Path]:
    # os.walk goes on when a group disappears under it.
    return [Path(folder, "cgroup.procs") for folder, _, _ in os.walk(group)]


def _read_pids(procs: Path) -> list[int]:
    try:
        return [int(line) for line in procs.read_text().split()]
    except OSError:
        return []


def _runs(pid: int, executable: str) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode().endswith(executable)
    except OSError:
        return False
