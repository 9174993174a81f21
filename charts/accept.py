#!/usr/bin/env python3
"""The chart on a real API server (etcd and kube-apiserver of `make e2e`, on loopback; nothing runs pods): every object of every set
of values, hooks and test included, every SessionPool in what people read, and examples/temporal, pass the server's own validation
without a warning; and a release goes through its life:
it takes over what `kubectl apply -f deploy/berth.yaml` made, is upgraded, rolled back, uninstalled and installed again, and pools stay.
Usage: accept.py [REPOSITORY]"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import yaml

ROOT = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
sys.path += [str(ROOT / "tests/e2e"), str(ROOT / "charts")]

import matrix  # noqa: E402
from stand import pki  # noqa: E402
from stand.process import Process, wait_until  # noqa: E402

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "berth-e2e/bin"
# Resources that the chart can make objects of and Kubernetes does not have.
OTHERS = {"sigs.k8s.io/gateway-api@v1.4.0": [f"config/crd/standard/gateway.networking.k8s.io_{k}.yaml"
                                                 for k in ("httproutes", "backendtlspolicies")],
          "github.com/prometheus-operator/prometheus-operator@v0.83.0":
              [f"example/prometheus-operator-crd/monitoring.coreos.com_{k}.yaml"
               for k in ("servicemonitors", "podmonitors", "prometheusrules")],
          "github.com/cert-manager/cert-manager@v1.19.1": ["deploy/crds/cert-manager.io_certificates.yaml"]}


def program(name: str) -> str:
    found = os.environ.get(name.upper().replace("-", "_")) or shutil.which(name) or str(CACHE / name)
    if not Path(found).exists():
        sys.exit(f"accept.py: needs {name}; `make chart-accept` builds it")
    return found


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def of_modules() -> list[Path]:
    files = []
    for module, paths in OTHERS.items():
        done = subprocess.run(["go", "mod", "download", "-json", module], capture_output=True, text=True, check=False, cwd="/")
        folder = json.loads(done.stdout or "{}").get("Dir")
        if not folder:
            sys.exit(f"accept.py: go mod download {module}: {done.stdout}{done.stderr}")
        files += [Path(folder) / p for p in paths]
    return files


class Server:
    def __init__(self, folder: Path):
        etcd_client, etcd_peer, port = free_ports(3)
        keys = pki.Pki(folder / "pki")
        certificate, key = keys.certificate("server", "/CN=kube-apiserver", "IP:127.0.0.1")
        self.kubeconfig = keys.kubeconfig("admin", "/O=system:masters/CN=admin")
        self.kubeconfig.write_text(self.kubeconfig.read_text().replace(pki.SERVER, f"https://127.0.0.1:{port}"))
        store = f"http://127.0.0.1:{etcd_client}"
        self.processes = [
            Process("etcd", [program("etcd"), "--data-dir", folder / "etcd", "--unsafe-no-fsync", "--log-level", "error",
                             "--listen-client-urls", store, "--advertise-client-urls", store, "--listen-peer-urls",
                             f"http://127.0.0.1:{etcd_peer}"], folder / "etcd.log"),
            # Accounts need a controller to be made; pods of dry runs would wait for theirs.
            Process("kube-apiserver", [program("kube-apiserver"), "--etcd-servers", store, "--secure-port", str(port),
                                       "--bind-address", "127.0.0.1", "--advertise-address", "127.0.0.1",
                                       "--service-cluster-ip-range", "10.96.0.0/16,fd00:96::/112", "--tls-cert-file", certificate,
                                       "--tls-private-key-file", key, "--client-ca-file", keys.ca,
                                       "--service-account-key-file", keys.account_public,
                                       "--service-account-signing-key-file", keys.account_key,
                                       "--service-account-issuer", "https://kubernetes.default.svc",
                                       "--authorization-mode", "RBAC", "--disable-admission-plugins", "ServiceAccount",
                                       "--shutdown-delay-duration", "0", "--cert-dir", folder / "certs"],
                    folder / "kube-apiserver.log")]

    def __enter__(self) -> "Server":
        for process in self.processes:
            process.start()
        try:
            wait_until("the API server is ready", lambda: self.run(program("kubectl"), "get", "--raw", "/readyz").returncode == 0,
                       90, 0.3, self.processes[1].tail)
        except AssertionError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        for process in reversed(self.processes):
            process.stop()

    def run(self, *command: str, stdin: str | None = None) -> subprocess.CompletedProcess:
        return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False,
                              env={**os.environ, "KUBECONFIG": str(self.kubeconfig)})

    def ok(self, *command: str, stdin: str | None = None) -> str:
        done = self.run(*command, stdin=stdin)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    def kubectl(self, *args: str, stdin: str | None = None) -> str:
        return self.ok(program("kubectl"), *args, stdin=stdin)

    def helm(self, *args: str) -> str:
        return self.ok(program("helm"), "--namespace", "berth-system", *args)


def accepted(server: Server, folder: Path) -> int:
    """What each set of values renders, and each choice turned alone, is valid for the server, which is asked once about what many sets
    render alike."""
    chart = ROOT / "charts/berth"
    for values in sorted((chart / "ci").glob("*.yaml")):
        (folder / values.name).write_text(matrix.render(program("helm"), chart, values, api=True).stdout)
    count, faults = matrix.turned_alone(program("helm"), chart, folder)
    faults += matrix.of_readme(program("helm"), chart, folder)
    sets = [file for place in (folder, folder / "readme", folder / "alone") for file in sorted(place.glob("*.yaml"))]
    in_sets: dict[str, list[str]] = {}
    for file in sets:
        for text in filter(None, map(str.strip, re.split(r"^---$", file.read_text(), flags=re.M))):
            in_sets.setdefault(text, []).append(file.stem)
    asked = list(in_sets)
    if refusal(server, asked):
        faults += [f"{', '.join(in_sets[o][:5])}: {why}" for o in asked if (why := refusal(server, [o]))]
    print("\n".join(faults), end="\n" if faults else "")
    print(f"{len(asked)} different objects tried, of {len(sets) - count} sets of values and {count} choices turned alone")
    return len(faults)


def refusal(server: Server, objects: list[str]) -> str:
    """Why the server does not take them all; empty: it does."""
    done = server.run(program("kubectl"), "apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict",
                      "--warnings-as-errors", "-f", "-", stdin="\n---\n".join(objects))
    taken = len(done.stdout.splitlines())
    return done.stderr.strip() if done.returncode != 0 else "" if taken == len(objects) else f"{taken} of {len(objects)} objects were taken"


def documents(server: Server, folder: Path) -> int:
    """The SessionPools that guides, READMEs, the chart's notes and Artifact Hub show."""
    folder.mkdir()
    shown = subprocess.run([sys.executable, ROOT / "docs/check_blocks.py", "--pools", folder], capture_output=True, text=True, check=False)
    faults = shown.stdout.splitlines()
    chart = ROOT / "charts/berth"
    notes = matrix.render_notes(program("helm"), chart, chart / "ci/default.yaml", folder)
    (folder / "notes.yaml").write_text(textwrap.dedent(notes.split("<<'POOL'\n")[1].split("     POOL\n")[0]))
    of_hub = yaml.safe_load((chart / "Chart.yaml").read_text())["annotations"]["artifacthub.io/crdsExamples"]
    for n, pool in enumerate(yaml.safe_load(of_hub)):
        (folder / f"artifact-hub-{n}.yaml").write_text(json.dumps(pool))
    for pool in sorted(folder.glob("*.yaml")):
        done = server.run(program("kubectl"), "create", "--dry-run=server", "--validate=strict", "--warnings-as-errors", "-f", str(pool))
        if done.returncode != 0:
            faults.append(f"{pool.stem}: {done.stderr.strip()}")
    print("\n".join(faults), end="\n" if faults else "")
    print(f"{len(list(folder.glob('*.yaml')))} SessionPools of documents tried")
    return len(faults)


def examples(server: Server) -> int:
    """What an example has `kubectl apply -k` send."""
    done = server.run(program("kubectl"), "apply", "--server-side", "--dry-run=server", "--validate=strict", "--warnings-as-errors",
                      "-k", str(ROOT / "examples/temporal"))
    print(f"examples/temporal: {done.stderr.strip() or f'{len(done.stdout.splitlines())} objects tried'}")
    return int(done.returncode != 0 or not done.stdout)


def life(server: Server) -> None:
    """Nothing runs here, so what is shown is what Helm and the API server make of the chart's objects."""
    chart, everything = str(ROOT / "charts/berth"), str(ROOT / "charts/berth/ci/everything.yaml")
    server.kubectl("apply", "-f", str(ROOT / "deploy/berth.yaml"))
    uid = ["get", "deployment,service", "-n", "berth-system", "-o", "jsonpath={.items[*].metadata.uid}"]
    before = server.kubectl(*uid)
    notes = server.helm("install", "berth", chart, "--take-ownership").split("NOTES:")[1]
    assert "helm -n berth-system test berth" in notes and "kind: SessionPool" in notes, f"the notes do not lead on: {notes}"
    assert before and server.kubectl(*uid) == before, "taking over deploy/ made something anew"
    print("install took over what kubectl had applied")

    spec = {"sessions": {"maxPerWorker": 2}, "scaling": {"maxWorkers": 1}}
    pools = ["--set-json", f"pools={json.dumps([{'name': 'shell', 'namespace': 'team-a', 'spec': spec}])}"]
    server.helm("upgrade", "berth", chart, *pools)
    pool = server.kubectl("get", "spool", "shell", "-n", "team-a", "-o", "jsonpath={.metadata.uid}")
    server.helm("upgrade", "berth", chart, "--values", everything, "--set", "crds.keep=true", *pools)
    server.helm("rollback", "berth", "2")
    server.helm("upgrade", "berth", chart)  # A pool that is no longer named stays.
    server.helm("uninstall", "berth")
    left = server.kubectl("get", "deployments,clusterroles", "-A", "-l", "app.kubernetes.io/part-of=berth", "-o", "name")
    assert not left, f"uninstall left {left}"
    server.helm("install", "berth", chart)
    now = server.kubectl("get", "spool", "shell", "-n", "team-a", "-o", "jsonpath={.metadata.uid}")
    assert pool and now == pool, "the pool did not outlive its release"
    print("upgrade, rollback, uninstall and install again; the pool stayed")

    server.kubectl("create", "namespace", "berth-b")
    server.ok(program("helm"), "--namespace", "berth-b", "install", "b-berth", chart, "--set", "watchNamespaces={team-a}",
              "--set", "crds.install=false", "--set", "rbac.userRoles=false")
    print("a second release, confined to one namespace, beside it")


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="berth-chart-") as name:
        folder = Path(name)
        others = of_modules()
        with Server(folder) as server:
            for file in others:
                server.kubectl("apply", "--server-side", "-f", str(file))
            namespaces = ("berth-system", "team-a", "team-b")
            for namespace in namespaces:
                server.kubectl("create", "namespace", namespace)
            for namespace in (*namespaces, "default"):
                server.kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted",
                               "pod-security.kubernetes.io/warn=restricted")
            # As at a test or a hook: the resource is there already.
            server.kubectl("apply", "--server-side", "-f", str(ROOT / "deploy/crd/sessionpools.yaml"))
            wait_until("the resource is served", lambda: server.run(program("kubectl"), "get", "spool").returncode == 0)
            faults = accepted(server, folder) + documents(server, folder / "documents") + examples(server)
            life(server)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
