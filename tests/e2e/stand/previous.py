"""What there was before, from the project's own history: a worker as it was before the wire last changed, which lives beside a new
operator and gateway after an upgrade; and the chart that such a release was made by."""

import os
import shutil
import subprocess
from pathlib import Path

# The last one whose workers tell nothing of owners (`owners` in /v1/slots) and do not know attempts that were given back
# before they came. Raise it when a minor version is released: workers one minor version behind are supported.
REVISION = "9d559c7"
# A chart with an older resource, fewer rights and no value for TLS, several namespaces or alerts. Raise it likewise.
CHART_REVISION = "a4944d3"


def check_history(repository: Path, cache: Path) -> None:
    """Ends the run, with the way out, if the program must be built and the history is not there."""
    known = subprocess.run(["git", "-C", repository, "cat-file", "-e", f"{REVISION}^{{commit}}"], stderr=subprocess.PIPE,
                           text=True, check=False)
    if known.returncode != 0 and not _program(cache).exists():
        raise SystemExit(f"the scenario of old workers builds revision {REVISION}, which this clone does not have "
                         f"({known.stderr.strip()}); a shallow clone gets its history with: git fetch --unshallow")


def worker_program(repository: Path, cache: Path) -> Path:
    """The program, from the cache or built into it (minutes)."""
    program = _program(cache)
    if program.exists():
        return program
    print(f"building the worker of {REVISION} (once)", flush=True)
    shutil.rmtree(program.parent, ignore_errors=True)
    source = program.parent / "source"
    source.mkdir(parents=True)
    archived = subprocess.run(["git", "-C", repository, "archive", REVISION], capture_output=True, check=True)
    subprocess.run(["tar", "-x", "-C", source], input=archived.stdout, check=True)
    build = source / "build/release"
    for command in (["cmake", "--preset", "release", "-DBERTH_BUILD_TESTS=OFF"],
                    ["cmake", "--build", build, "-j", str(os.cpu_count()), "--target", "berth_worker_program"]):
        done = subprocess.run(command, cwd=source, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout[-4000:]}")
    (build / "bin/berth-worker").rename(program)
    shutil.rmtree(source)
    return program


def chart(repository: Path, folder: Path) -> Path:
    """The chart as a folder in `folder`."""
    archived = subprocess.run(["git", "-C", repository, "archive", CHART_REVISION, "charts/berth"], capture_output=True, check=False)
    if archived.returncode != 0:
        raise SystemExit(f"the scenario of Helm upgrades from the chart of revision {CHART_REVISION}, which this clone does not have "
                         f"({archived.stderr.decode().strip()}); a shallow clone gets its history with: git fetch --unshallow")
    subprocess.run(["tar", "-x", "-C", folder], input=archived.stdout, check=True)
    return folder / "charts/berth"


def _program(cache: Path) -> Path:
    return cache / "previous" / REVISION / "berth-worker"
