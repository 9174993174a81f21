#!/usr/bin/env python3
"""Builds the whole Dockerfile, programs and all, as somebody without a build of their own does, and looks at the four images.

    tests/e2e/images_check.py        as root, with buildah; the Debian base is made by debootstrap, so no registry is needed
"""

import json
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from run import CACHE  # noqa: E402
from stand.images import TARGETS, Images  # noqa: E402

PROGRAM = {"operator": "berth-operator", "gateway": "berth-gateway", "worker": "berth-worker",
           "example-file-processing": "file-processing-worker"}
WITHOUT_SHELL = {"operator", "gateway"}
LARGEST = {"operator": 40, "gateway": 40, "worker": 250, "example-file-processing": 260}  # MB, base included.


def buildah(images: Images, *args: str) -> str:
    done = subprocess.run(["buildah", *args], env=images.environment, text=True, check=False, capture_output=True)
    assert done.returncode == 0, f"buildah {' '.join(args)}: {done.stderr}"
    return done.stdout


def check(images: Images, target: str, image: str) -> str:
    config = json.loads(buildah(images, "inspect", "--type", "image", image))["OCIv1"]
    assert config["config"]["User"] == "65532:65532", config["config"]
    assert config["config"]["Entrypoint"] == [f"/usr/bin/{PROGRAM[target]}"], config["config"]
    assert config["config"]["Labels"]["org.opencontainers.image.revision"], "the image does not say what it was built from"
    container = buildah(images, "from", "--pull=never", image).strip()
    try:
        root = Path(buildah(images, "mount", container).strip())
        shell = (root / "bin/sh").exists() or (root / "usr/bin/sh").exists()
        assert shell != (target in WITHOUT_SHELL), f"{target}: a shell is {'' if shell else 'not '}there"
        size = sum(f.lstat().st_size for f in root.rglob("*") if not f.is_dir() or f.is_symlink()) >> 20
        assert size <= LARGEST[target], f"{target} has {size} MB"
        said = buildah(images, "run", "--user", "65532:65532", container, "--", f"/usr/bin/{PROGRAM[target]}", "--version").strip()
        assert said, f"{PROGRAM[target]} does not start in its image"
        return f"{size} MB, {said}"
    finally:
        buildah(images, "rm", container)


def main() -> int:
    began = time.monotonic()
    images = Images(CACHE, None)
    built = images.build_whole("check")
    print(f"built in {time.monotonic() - began:.0f} s", flush=True)
    failed = 0
    for target in TARGETS:
        try:
            print(f"ok      {target}: {check(images, target, built[target])}")
        except AssertionError as e:
            failed = 1
            print(f"FAILED  {target}: {e}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
