#!/usr/bin/env python3
"""Builds the Dockerfile with each of buildah, podman and docker that works on this machine, as a user does with
deploy/image/build.sh, and looks at all images. Says which builders it did not try and why.

    tests/e2e/images_check.py                              the whole Dockerfile, programs too: 5 to 10 min a builder
    tests/e2e/images_check.py --prebuilt build/release/bin podman docker

Needs root and buildah: with it the Debian base is made by debootstrap, so no registry is asked. What docker and podman
were given is removed at the end. A builder that is named must work.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISDIR

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from run import CACHE  # noqa: E402
from stand.images import BASE, OFFLINE, REPOSITORY, Images  # noqa: E402

PROGRAM = {"operator": "berth-operator", "gateway": "berth-gateway", "worker": "berth-worker",
           "temporal": "berth-temporal", "example-file-processing": "file-processing-worker"}
WITHOUT_SHELL = {"operator", "gateway", "temporal"}
LARGEST = {"operator": 40, "gateway": 40, "worker": 250, "temporal": 45, "example-file-processing": 260}  # MB, base included.
# Not Debian's own name, which somebody's docker may know already.
LOADED_BASE = "berth.local/debian:check"


class Builder:
    """A program that builds images, as build.sh calls it. Subclasses add `base`, its name for Debian, and how it looks at an
    image: config, files (mode and size by path) and run (what a program of it says of its version)."""

    def __init__(self, name: str, program: str, options: list[str], environment: dict[str, str]):
        self.name, self.program, self.options, self.environment = name, program, options, environment

    def call(self, *args: str) -> str:
        done = subprocess.run([self.program, *args], env=self.environment, text=True, check=False, capture_output=True)
        assert done.returncode == 0, f"{self.program} {' '.join(args)}: {done.stderr}"
        return done.stdout

    def hindrance(self) -> str:
        """Why it cannot build here, in its own words; empty where it can."""
        if not shutil.which(self.program):
            return "not installed"
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "Dockerfile").write_text("FROM scratch\nLABEL purpose=probe\n")
            try:
                self.call("rmi", self.call("build", "-q", folder).strip())
            except AssertionError as e:
                return " ".join(str(e).split())
        return ""


class Buildah(Builder):
    base = BASE

    def __init__(self, images: Images):
        super().__init__("buildah", "buildah", OFFLINE, images.environment)

    @contextmanager
    def prepared(self) -> Iterator[None]:
        yield

    def config(self, image: str) -> dict:
        return json.loads(self.call("inspect", "--type", "image", image))["OCIv1"]["config"]

    def files(self, image: str) -> dict[str, tuple[int, int]]:
        with self._container(image) as container:
            root = Path(self.call("mount", container).strip())
            found = {str(f.relative_to(root)): f.lstat() for f in root.rglob("*")}
            return {path: (stat.st_mode & 0o7777, 0 if S_ISDIR(stat.st_mode) else stat.st_size) for path, stat in found.items()}

    def run(self, image: str, program: str) -> str:
        # It runs no entrypoint and knows no read-only root.
        with self._container(image) as container:
            return self.call("run", "--user", "65532:65532", container, "--", f"/usr/bin/{program}", "--version")

    @contextmanager
    def _container(self, image: str) -> Iterator[str]:
        container = self.call("from", "--pull=never", image).strip()
        try:
            yield container
        finally:
            self.call("rm", container)


class Engine(Builder):
    """Docker or podman, which also run what they build."""
    base = LOADED_BASE

    def __init__(self, images: Images, name: str, program: str, options: list[str], environment: dict[str, str]):
        super().__init__(name, program, options, {**os.environ, **environment})
        self._images = images

    @contextmanager
    def prepared(self) -> Iterator[None]:
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            archive = Path(folder) / "base.tar"
            self._images.save_base(archive, LOADED_BASE)
            self.call("load", "-i", str(archive))
        try:
            yield
        finally:
            for image in [*(reference(target, self) for target in PROGRAM), LOADED_BASE]:
                subprocess.run([self.program, "rmi", "-f", image], env=self.environment, check=False, capture_output=True)

    def config(self, image: str) -> dict:
        return json.loads(self.call("image", "inspect", image))[0]["Config"]

    def files(self, image: str) -> dict[str, tuple[int, int]]:
        container = self.call("create", image).strip()
        try:
            with subprocess.Popen([self.program, "export", container], env=self.environment, stdout=subprocess.PIPE) as export:
                with tarfile.open(fileobj=export.stdout, mode="r|") as tar:
                    found = {member.name.removeprefix("./").rstrip("/"): (member.mode & 0o7777, member.size) for member in tar}
            assert export.returncode == 0, f"{self.program} export {container} failed"
            return found
        finally:
            self.call("rm", container)

    def run(self, image: str, program: str) -> str:
        return self.call("run", "--rm", "--read-only", "--network", "none", image, "--version")


class Podman(Engine):
    """With a storage of its own, so that nothing is there that buildah has built."""

    def __init__(self, images: Images):
        self._storage = CACHE / "podman"
        self._configuration = CACHE / "podman-storage.conf"
        super().__init__(images, "podman", "podman", OFFLINE, {"CONTAINERS_STORAGE_CONF": str(self._configuration)})
        self._configuration.write_text(f'[storage]\ndriver = "overlay"\ngraphroot = "{self._storage}"\n'
                                       'runroot = "/var/tmp/berth-e2e-podman"\n')

    @contextmanager
    def prepared(self) -> Iterator[None]:
        try:
            with super().prepared():
                yield
        finally:
            self.call("rmi", "--all", "--force")
            shutil.rmtree(self._storage)


def builders(images: Images) -> list[Builder]:
    # Both of docker's builders: BuildKit is the default since 23, the other one is what Debian 12's does unasked.
    return [Buildah(images), Podman(images),
            Engine(images, "docker-buildkit", "docker", ["--network", "host"], {"DOCKER_BUILDKIT": "1"}),
            Engine(images, "docker-legacy", "docker", ["--network", "host"], {"DOCKER_BUILDKIT": "0"})]


def reference(target: str, builder: Builder) -> str:
    return f"berth.local/{target}:check-{builder.name}"


def look(builder: Builder, target: str) -> str:
    image = reference(target, builder)
    program = PROGRAM[target]
    config = builder.config(image)
    assert config["User"] == "65532:65532", config
    assert config["Entrypoint"] == [f"/usr/bin/{program}"], config
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    assert labels["title"] == f"berth-{target}", labels
    assert labels["revision"], "the image does not say what it was built from"

    files = builder.files(image)
    shell = not files.keys().isdisjoint({"bin/sh", "usr/bin/sh"})
    assert shell != (target in WITHOUT_SHELL), f"a shell is {'' if shell else 'not '}there"
    assert files["tmp"][0] == 0o1777, f"/tmp has mode {files['tmp'][0]:o}"
    size = sum(size for _, size in files.values()) >> 20
    assert size <= LARGEST[target], f"{size} MB"

    said = builder.run(image, program).strip()
    version = labels["version"]
    assert version and said.endswith(version), f"{program} says {said!r}, its label {version!r}"
    return f"{size} MB, {said}"


def check(builder: Builder, prebuilt: list[str]) -> bool:
    print(f"{builder.name}: {builder.call('--version').strip()}", flush=True)
    began = time.monotonic()
    with builder.prepared():
        built = subprocess.run([REPOSITORY / "deploy/image/build.sh", "--tag", f"check-{builder.name}", "--base", builder.base,
                                *prebuilt, "--", *builder.options], env={**builder.environment, "BUILDER": builder.program},
                               text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if built.returncode != 0:
            print(f"{built.stdout[-4000:]}\nFAILED  {builder.name}: the build", flush=True)
            return False
        print(f"built in {time.monotonic() - began:.0f} s", flush=True)
        good = True
        for target in PROGRAM:
            try:
                print(f"ok      {builder.name}, {target}: {look(builder, target)}", flush=True)
            except (AssertionError, KeyError) as e:
                good = False
                print(f"FAILED  {builder.name}, {target}: {e!r}", flush=True)
        return good


def main() -> int:
    images = Images(CACHE, None)
    known = {builder.name: builder for builder in builders(images)}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prebuilt", metavar="DIR", help="as build.sh takes it: programs that were built on Debian 12")
    parser.add_argument("builders", nargs="*", metavar="BUILDER", help=f"{', '.join(known)}; default: all that work")
    options = parser.parse_args()
    if unknown := set(options.builders) - known.keys():
        parser.error(f"there is no builder {', '.join(sorted(unknown))}; there are {', '.join(known)}")

    images.make_base()
    failed = False
    hindrances = {name: builder.hindrance() for name, builder in known.items()
                  if name in (options.builders or known)}
    for name, hindrance in hindrances.items():
        if not hindrance:
            failed |= not check(known[name], ["--prebuilt", options.prebuilt] if options.prebuilt else [])
    for name, hindrance in hindrances.items():
        if hindrance:
            failed |= bool(options.builders) or name == "buildah"
            print(f"not tried: {name}: {hindrance}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
