"""The images of the cluster, built without a registry: Debian by debootstrap, ours by deploy/image/build.sh, the pause
program from its C file. Everything is cached by what went into it."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from .previous import worker_program

REPOSITORY = Path(__file__).resolve().parents[3]
TARGETS = ("operator", "gateway", "worker", "temporal", "example-file-processing")
BASE = "docker.io/library/debian:bookworm-slim"
TAG = "e2e"
PAUSE = "berth.local/pause:1"
KUBECTL = "berth.local/kubectl:1"
PREVIOUS = "berth.local/worker:previous"
# Options of buildah's and podman's build: no registry is asked, and packages come as they come to this machine.
OFFLINE = ["--pull=never", "--network", "host"]


class Images:
    def __init__(self, cache: Path, programs: Path | None):
        self._cache = cache
        self._programs = programs
        (cache / "images").mkdir(parents=True, exist_ok=True)
        (cache / "storage.conf").write_text(
            f'[storage]\ndriver = "overlay"\ngraphroot = "{cache}/storage"\nrunroot = "/var/tmp/berth-e2e-buildah"\n')
        self.environment = {**os.environ, "CONTAINERS_STORAGE_CONF": str(cache / "storage.conf"),
                             "BUILDAH_ISOLATION": "chroot", "BUILDER": "buildah"}

    def build(self) -> list[Path]:
        """Image archives for `ctr images import`."""
        kubectl = self._cache / "bin/kubectl"
        return [self._pause(), self._alone(KUBECTL, kubectl, [kubectl]), *self._ours()]

    def with_previous_worker(self) -> Path:
        """Today's image of the worker with the program of an earlier version in it."""
        program = worker_program(REPOSITORY, self._cache)
        archive = self._cache / "images" / f"previous@{_digest([program, *self._inputs()])}.tar"
        if not archive.exists():
            container = self._run("buildah", "from", "--pull=never", f"berth.local/worker:{TAG}").strip()
            self._run("buildah", "copy", container, program, "/usr/bin/berth-worker")
            self._run("buildah", "commit", "-q", "--rm", container, PREVIOUS)
            self._save(PREVIOUS, archive)
        return archive

    def _run(self, *command, **kwargs) -> str:
        done = subprocess.run([str(c) for c in command], env=self.environment, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **kwargs)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, command))}\n{done.stdout[-4000:]}")
        return done.stdout

    def _save(self, image: str, archive: Path) -> Path:
        # Only the newest of a name is kept, or the cache would grow with every build.
        for old in archive.parent.glob(f"{archive.name.split('@')[0]}@*.tar"):
            old.unlink()
        self._run("buildah", "push", "-q", image, f"docker-archive:{archive}:{image}")
        return archive

    def _pause(self) -> Path:
        source = REPOSITORY / "tests/e2e/cluster/pause.c"
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder) / "pause"
            self._run("cc", "-static", "-O2", "-o", program, source)
            return self._alone(PAUSE, program, [source])

    def _alone(self, image: str, program: Path, inputs: list[Path]) -> Path:
        """An image of one static program and nothing else."""
        archive = self._cache / "images" / f"{program.name}@{_digest(inputs)}.tar"
        if not archive.exists():
            container = self._run("buildah", "from", "scratch").strip()
            self._run("buildah", "add", container, program, f"/{program.name}")
            self._run("buildah", "config", "--entrypoint", f'["/{program.name}"]', "--user", "65535:65535", container)
            self._run("buildah", "commit", "-q", "--rm", container, image)
            self._save(image, archive)
        return archive

    def make_base(self) -> None:
        if BASE.encode() in self._run("buildah", "images", "--format", "{{.Name}}:{{.Tag}}").encode():
            return
        print("making the Debian base image (debootstrap, once)", flush=True)
        with tempfile.TemporaryDirectory(dir=self._cache) as folder:
            self._run("debootstrap", "--variant=minbase", "bookworm", f"{folder}/root")
            for unneeded in ("var/cache/apt/archives", "var/lib/apt/lists", "usr/share/man", "usr/share/locale"):
                shutil.rmtree(f"{folder}/root/{unneeded}")
            container = self._run("buildah", "from", "scratch").strip()
            self._run("buildah", "add", container, f"{folder}/root", "/")
            self._run("buildah", "commit", "-q", "--rm", container, BASE)

    def save_base(self, archive: Path, name: str) -> None:
        """Debian as an archive for `docker load`, by another name only: a push would write all names down that it has here."""
        container = self._run("buildah", "from", "--pull=never", BASE).strip()
        self._run("buildah", "commit", "-q", "--rm", container, f"docker-archive:{archive}:{name}")

    def _inputs(self) -> list[Path]:
        files = sorted(self._programs.iterdir()) + [
            REPOSITORY / f for f in ("Dockerfile", "deploy/image/build.sh", "deploy/image/collect.sh")]
        return [f for f in files if f.is_file()]

    def _ours(self) -> list[Path]:
        digest = _digest(self._inputs())
        archives = {t: self._cache / "images" / f"{t}@{digest}.tar" for t in TARGETS}
        if not all(a.exists() for a in archives.values()):
            self.make_base()
            self._run(REPOSITORY / "deploy/image/build.sh", "--tag", TAG, "--base", BASE,
                      "--prebuilt", self._programs.relative_to(REPOSITORY), *TARGETS, "--", *OFFLINE)
            for target, archive in archives.items():
                self._save(f"berth.local/{target}:{TAG}", archive)
        return list(archives.values())


def _digest(files: list[Path]) -> str:
    hasher = hashlib.sha256()
    for file in files:
        hasher.update(file.name.encode() + b"\0" + file.read_bytes())
    return hasher.hexdigest()[:16]
