"""The file-processing example as its README tells it: the pool applied, files sent from a laptop by berth, results checked."""

import gzip
import hashlib
import os
import random
import subprocess
import tempfile
from pathlib import Path

from stand.images import REPOSITORY, TAG
from stand.process import wait_until
from stand.world import SYSTEM, Pool

EXAMPLE = REPOSITORY / "examples/file-processing"
COLUMNS = ["NAME", "WORKERS", "READY", "SLOTS", "USED", "WAITING", "STATUS", "AGE"]


def run(world):
    namespace = world.namespace("example")
    manifest = (EXAMPLE / "pool-kubernetes.yaml").read_text().replace("processing:0.1.0", f"processing:{TAG}")
    world.kubectl("apply", "--validate=strict", "-n", namespace, "-f", "-", stdin=manifest)
    world.kubectl("create", "rolebinding", "files", "-n", namespace, "--clusterrole=berth-session-user",
                  f"--serviceaccount={namespace}:default")
    pool = Pool(world, namespace, "files")
    assert pool.workers() == []
    laptop = Laptop(world, namespace)
    with tempfile.TemporaryDirectory() as folder:
        send_files(laptop, Path(folder))
    look_at_it(world, pool, laptop)
    pool.change({"scaling": {"scaleToZeroAfter": "1s", "scaleDown": {"stabilizationWindow": "1s"}}})
    pool.wait_empty()
    laptop.leave()
    pool.remove()


def send_files(laptop: "Laptop", folder: Path) -> None:
    chance, files = random.Random(4), []
    for number in range(6):
        files.append(folder / f"file-{number}.txt")
        files[-1].write_text("\n".join(f"{chance.random()}" for _ in range(chance.randrange(1, 20_000))))
    laptop.run(str(EXAMPLE / "from-a-laptop.sh"), str(folder / "results"), *map(str, files))
    for file in files:
        unpacked = gzip.decompress((folder / "results" / f"{file.name}.gz").read_bytes())
        assert hashlib.sha256(unpacked).digest() == hashlib.sha256(file.read_bytes()).digest(), file
    assert len(list((folder / "results").iterdir())) == len(files)


def look_at_it(world, pool, laptop: "Laptop") -> None:
    assert laptop.run("berth", "session", "list", "--pool", "files") == "No sessions in pool files.\n", "every session has ended"
    header, row = world.kubectl("get", "spool", "-n", pool.namespace).splitlines()
    assert header.split() == COLUMNS, header
    values = dict(zip(COLUMNS, row.split()))
    assert values["NAME"] == "files" and int(values["READY"]) >= 1 and int(values["SLOTS"]) >= 4, row

    world.kubectl("scale", "spool/files", "-n", pool.namespace, "--replicas=2")
    pool.wait_ready(2)
    # Numbers that only count sessions are written every 30 s at most.
    wait_until("the columns follow", lambda: world.kubectl("get", "spool", "files", "-n", pool.namespace, "--no-headers").split()[:7]
               == ["files", "2", "2", "8", "0", "0", "Fixed"], 60, 0.3, pool.describe)
    described = world.kubectl("describe", "spool", "files", "-n", pool.namespace)
    for words in ("Conditions:", "Ready", "Progressing", "ScalingLimited", "Events:", "WorkerCreated"):
        assert words in described, f"{words} is not in\n{described}"
    assert "files" in world.kubectl("get", "berth", "-n", pool.namespace), "the category lists pools"
    world.kubectl("patch", "spool", "files", "-n", pool.namespace, "--type=json", "-p",
                  '[{"op": "remove", "path": "/spec/workers"}]')


class Laptop:
    """Somebody outside with `berth`, `kubectl` and a kubeconfig, and no more rights than docs/cli.md asks for."""

    def __init__(self, world, namespace: str):
        self._world, self._namespace, self._folder = world, namespace, tempfile.TemporaryDirectory()
        user = f"laptop-{namespace}"
        kubeconfig = world.cluster.pki.kubeconfig(user, f"/O=people/CN={user}")
        self._binding = user
        world.kubectl("create", "role", "tokens", "-n", namespace, "--verb=create", "--resource=serviceaccounts/token")
        world.kubectl("create", "rolebinding", "tokens", "-n", namespace, "--role=tokens", f"--user={user}")
        world.kubectl("create", "rolebinding", user, "-n", SYSTEM, "--role=berth-gateway-forwarder", f"--user={user}")
        self._environment = {
            "PATH": f"{world.programs}:{world.cluster.kubectl_folder}:/usr/bin:/bin", "HOME": self._folder.name,
            "BERTH": f"berth --kubeconfig {kubeconfig} --context e2e -n {namespace}"}

    def run(self, *command: str) -> str:
        if command[0] == "berth":
            command = (*self._environment["BERTH"].split(), *command[1:])
        done = subprocess.run(command, env={**self._environment, "LANG": os.environ.get("LANG", "C")}, timeout=240,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{done.stdout}"
        return done.stdout

    def leave(self) -> None:
        self._world.kubectl("delete", "rolebinding", self._binding, "-n", SYSTEM)
        self._folder.cleanup()
