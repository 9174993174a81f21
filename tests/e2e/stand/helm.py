"""Helm against the cluster: the chart packed as this version, one of before as an earlier one, and a release of it."""

import os
import shutil
import subprocess
from pathlib import Path

from .process import noted
from .world import SYSTEM

REPOSITORY = Path(__file__).resolve().parents[3]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "berth-e2e"
EARLIER = "e2e-earlier"


class Helm:
    def __init__(self, world, folder: Path):
        self._world, self._folder = world, folder
        self._program = shutil.which("helm") or str(CACHE / "bin/helm")

    def run(self, *args: str) -> str:
        with noted(f"helm {' '.join(map(str, args))}"):
            done = subprocess.run([self._program, "--kubeconfig", str(self._world.cluster.admin), "--namespace", SYSTEM,
                                   *map(str, args)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"helm {' '.join(map(str, args))}: {done.stderr.strip()}\n{done.stdout.strip()}\n"
                                 + self._world.kubectl("get", "pods,events", "-n", SYSTEM))
        return done.stdout + done.stderr

    def package(self, version: str, tag: str, chart: Path = REPOSITORY / "charts/berth") -> Path:
        """The chart as a version of its own whose programs are the images with `tag`."""
        self.run("package", chart, "--version", version, "--app-version", tag,
                 "--destination", self._folder)
        return self._folder / f"berth-{version}.tgz"


def tag_images_as_earlier(cluster) -> None:
    """There is no release before the first one: the same programs by another name, which the older chart starts by its older flags."""
    for node in cluster.nodes:
        for image in ("operator", "gateway", "worker"):
            subprocess.run(node.ctr("images", "tag", "--force", f"berth.local/{image}:e2e", f"berth.local/{image}:{EARLIER}"),
                           check=True, capture_output=True)
