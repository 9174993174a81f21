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


def check_history(repository: Path, cache: Path, *, worker: bool, chart: bool) -> None:
    """Ends the run, with the way out, if what is needed must come from the history and that is not there."""
    needed = [REVISION] * (worker and not _program(cache).exists()) + [CHART_REVISION] * chart
    for revision in needed:
        known = subprocess.run(["git", "-C", repository, "cat-file", "-e", f"{revision}^{{commit}}"], stderr=subprocess.PIPE,
                               text=True, check=False)
        if known.returncode != 0:
            raise SystemExit(f"the scenarios of old workers and of Helm need revision {revision}, which this clone does not have "
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
    _extract(repository, REVISION, source)
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
    _extract(repository, CHART_REVISION, folder, "charts/berth")
    return folder / "charts/berth"


def _extract(repository: Path, revision: str, folder: Path, *paths: str) -> None:
    archived = subprocess.run(["git", "-C", repository, "archive", revision, *paths], capture_output=True, check=True)
    subprocess.run(["tar", "-x", "-C", folder], input=archived.stdout, check=True)


def _program(cache: Path) -> Path:
    return cache / "previous" / REVISION / "berth-worker"
