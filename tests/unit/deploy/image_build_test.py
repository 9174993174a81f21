#!/usr/bin/env python3
"""deploy/image/build.sh with stand-ins for docker, podman and buildah: which of them it takes, what it asks of it, and what
it says when it cannot. Usage: image_build_test.py REPOSITORY"""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

REPOSITORY = Path(sys.argv.pop(1)).resolve()
TOOLS = ("bash", "dirname", "sed", "tail", "cat")
PROGRAMS = ("berth-operator", "berth-gateway", "berth-worker", "berth-temporal", "file-processing-worker")
TARGETS = ["operator", "gateway", "worker", "temporal", "example-file-processing"]


class BuildTest(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.clone = self.folder / "a clone"
        (self.clone / "deploy/image").mkdir(parents=True)
        for file in ("CMakeLists.txt", "deploy/image/build.sh"):
            shutil.copy(REPOSITORY / file, self.clone / file)
        self.bin = self.folder / "bin"
        self.bin.mkdir()
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))

    def install(self, builder: str, refuses: str = ""):
        """A builder that writes down how it is called, one argument a line."""
        program = self.bin / builder
        program.write_text(f"""#!{shutil.which("bash")}
if [ "$1" = info ]; then
  [ -z "{refuses}" ] || {{ echo "{refuses}" >&2; exit 1; }}
  exit 0
fi
printf '%s\\n' {builder} "$@" --- >> "{self.folder}/calls"
""")
        program.chmod(0o755)

    def programs(self, folder: str):
        (self.clone / folder).mkdir(parents=True)
        for program in PROGRAMS:
            (self.clone / folder / program).write_text("")
            (self.clone / folder / program).chmod(0o755)

    def build(self, *arguments: str, builder: str = "") -> subprocess.CompletedProcess:
        environment = {"PATH": str(self.bin), "HOME": str(self.folder)}
        if builder:
            environment["BUILDER"] = builder
        return subprocess.run([self.clone / "deploy/image/build.sh", *arguments], env=environment, cwd=self.folder, text=True,
                              check=False, capture_output=True, timeout=30)

    def built(self, *arguments: str, builder: str = "") -> list[list[str]]:
        done = self.build(*arguments, builder=builder)
        self.assertEqual(done.returncode, 0, done.stderr)
        calls = (self.folder / "calls").read_text().split("---\n")[:-1]
        return [call.splitlines() for call in calls]

    def refused(self, *arguments: str, builder: str = "") -> str:
        done = self.build(*arguments, builder=builder)
        self.assertNotEqual(done.returncode, 0)
        self.assertFalse((self.folder / "calls").exists(), "it began to build")
        return done.stderr

    def test_docker_comes_first_then_podman_then_buildah(self):
        self.install("buildah")
        self.assertEqual(self.built("operator")[-1][:3], ["buildah", "bud", "--layers"])
        self.install("podman")
        self.assertEqual(self.built("operator")[-1][:2], ["podman", "build"])
        self.install("docker")
        self.assertEqual(self.built("operator")[-1][:2], ["docker", "build"])

    def test_a_builder_that_does_not_answer_is_passed_over(self):
        self.install("docker", refuses="Cannot connect to the Docker daemon")
        self.install("podman")
        self.assertEqual(self.built("operator")[0][0], "podman")

    def test_builder_chooses(self):
        for builder in ("docker", "podman", "buildah"):
            self.install(builder)
        self.assertEqual(self.built("operator", builder="podman")[0][0], "podman")

    def test_each_builder_says_why_it_cannot(self):
        self.install("docker", refuses="Cannot connect to the Docker daemon")
        said = self.refused()
        self.assertIn("docker: Cannot connect to the Docker daemon", said)
        self.assertIn("podman: not installed", said)
        self.assertIn("buildah: not installed", said)
        self.assertIn("apt-get install buildah", said)

    def test_a_chosen_builder_is_not_replaced(self):
        self.install("docker", refuses="Cannot connect to the Docker daemon")
        self.install("buildah")
        self.assertIn("docker: Cannot connect", self.refused(builder="docker"))
        self.assertIn("podman: not installed", self.refused(builder="podman"))
        self.assertIn("BUILDER=nerdctl is none of docker, podman and buildah", self.refused(builder="nerdctl"))

    def test_names_are_those_of_the_chart(self):
        self.install("docker")
        calls = self.built("--prefix", "registry.example.com/team/", "--tag", "2")
        self.assertEqual([call[call.index("-t") + 1] for call in calls],
                         [f"registry.example.com/team/{target}:2" for target in TARGETS])
        self.assertEqual([call[call.index("--target") + 1] for call in calls], TARGETS)

    def test_without_options_all_are_built_as_the_version(self):
        self.install("podman")
        version = next(line for line in (REPOSITORY / "CMakeLists.txt").read_text().splitlines() if line.startswith("project("))
        version = version.split()[2]
        for call, target in zip(self.built(), TARGETS, strict=True):
            self.assertEqual(call[call.index("-t") + 1], f"berth.local/{target}:{version}")
            self.assertIn(f"VERSION={version}", call)
            self.assertFalse([argument for argument in call if argument.startswith(("PREBUILT=", "BASE="))])

    def test_what_follows_two_dashes_is_the_builders(self):
        self.install("docker")
        call = self.built("--base", "debian:12", "worker", "--", "--network", "host")[0]
        self.assertEqual(call[call.index("--network") + 1], "host")
        self.assertIn("BASE=debian:12", call)
        self.assertEqual(call[-1], ".")

    def test_prebuilt_may_be_relative_to_the_clone_or_absolute(self):
        self.install("docker")
        self.programs("build/release/bin")
        for given in ("build/release/bin", "./build/release/bin/", f"{self.clone}/build/release/bin"):
            self.assertIn("PREBUILT=build/release/bin", self.built("--prebuilt", given, "worker")[-1])
        self.programs("programs")
        self.assertIn("PREBUILT=programs", self.built("--prebuilt", "programs", "worker")[-1])

    def test_prebuilt_that_the_build_would_not_see_is_refused(self):
        self.install("docker")
        self.assertIn("no program build/release/bin/berth-operator; `make build`", self.refused("--prebuilt", "build/release/bin"))
        self.programs("build/release/bin")
        (self.clone / "build/release/bin/berth-worker").unlink()
        self.assertIn("no program build/release/bin/berth-worker", self.refused("--prebuilt", "build/release/bin"))
        self.programs("build/dev/bin")
        self.assertIn("build/release/bin (.dockerignore)", self.refused("--prebuilt", "build/dev/bin"))
        for outside in ("/usr/bin", "../bin", "build/release/bin/../../../x"):
            self.assertIn("is outside of", self.refused("--prebuilt", outside))

    def test_wrong_arguments_are_named(self):
        self.install("docker")
        self.assertIn("no target operators; there are operator gateway", self.refused("operators"))
        self.assertIn("unknown option --push", self.refused("--push"))
        for option in ("--prefix", "--tag", "--prebuilt", "--base"):
            self.assertIn(f"{option} needs a value", self.refused(option))

    def test_help_needs_no_builder(self):
        done = self.build("--help")
        self.assertEqual(done.returncode, 0)
        self.assertIn("Usage: build.sh", done.stdout)

    @unittest.skipUnless(shutil.which("git"), "needs git")
    def test_the_revision_is_the_clones_and_says_when_files_differ(self):
        self.install("docker")
        self.assertIn("no commit of git here", self.build("worker").stderr)
        (self.bin / "git").symlink_to(shutil.which("git"))

        def git(folder: Path, *arguments: str) -> str:
            return subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", folder, *arguments], text=True,
                                  check=True, capture_output=True, env={**os.environ, "HOME": str(self.folder)}).stdout.strip()

        # An unpacked release inside of somebody's own repository is not of that repository.
        git(self.folder, "init", "-q")
        git(self.folder, "commit", "-q", "--allow-empty", "-m", "outer")
        self.assertIn("no commit of git here", self.build("worker").stderr)
        self.assertIn("REVISION=", self.built("worker")[-1])

        git(self.clone, "init", "-q")
        git(self.clone, "add", ".")
        git(self.clone, "commit", "-q", "-m", "inner")
        git(self.clone, "tag", "-a", "v1", "-m", "v1")
        commit = git(self.clone, "rev-parse", "HEAD")
        self.assertIn(f"REVISION={commit}", self.built("worker")[-1])
        with (self.clone / "CMakeLists.txt").open("a") as file:
            file.write("# changed\n")
        self.assertIn(f"REVISION={commit}-dirty", self.built("worker")[-1])


if __name__ == "__main__":
    unittest.main()
