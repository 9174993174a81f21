"""What README and guides tell a newcomer to do on one machine, done to the letter: pools, programs and commands are taken from
the pages. BERTH_BIN: the folder of the built programs. BERTH_GUIDE_WORKER: the worker of cpp-worker.md, built; without it that
guide is skipped here, since install_test builds and runs it."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
import unittest.mock
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).parent))
from pages import ROOT, blocks  # noqa: E402

sys.path.insert(0, str(ROOT / "clients/python"))
import berth  # noqa: E402

READY = "See the metrics"  # The last line of what `berth dev` greets with.
GATEWAY = "http://127.0.0.1:7070"


class Newcomer(unittest.TestCase):
    """A folder, a home and a `berth` in the path. `berth dev` listens on a free port, since 7070 may be somebody's."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="berth-guide-", dir="/var/tmp")  # /tmp is a pod's own.
        self.addCleanup(folder.cleanup)
        self.cwd = Path(folder.name)
        real = Path(os.environ["BERTH_BIN"]).resolve() / "berth"
        shim = self.cwd / "bin" / "berth"
        shim.parent.mkdir()
        shim.write_text(f'#!/bin/sh\n[ "$1" != dev ] || set -- "$@" --listen 127.0.0.1:0\nexec {real} "$@"\n')
        shim.chmod(0o755)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("BERTH_", "XDG_", "KUBECONFIG"))}
        self.env = {**kept, "HOME": str(self.cwd), "PATH": f"{shim.parent}:{os.environ['PATH']}", "NO_COLOR": "1"}

    def write(self, name: str, text: str) -> Path:
        (self.cwd / name).write_text(text)
        return self.cwd / name

    def dev(self, command: str) -> None:
        """`berth dev` as the page starts it, in a terminal of its own, until it has greeted."""
        log = open(self.cwd / "dev.log", "w")
        self.addCleanup(log.close)
        process = subprocess.Popen(["bash", "-c", f"exec {command}"], cwd=self.cwd, env=self.env, stdout=subprocess.PIPE,
                                   stderr=log, text=True)

        def stop():
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)

        self.addCleanup(stop)
        self.greeting = ""
        for line in process.stdout:
            self.greeting += line
            if line.startswith(READY):
                break
        else:
            self.fail(f"{command}: {self.greeting}{(self.cwd / 'dev.log').read_text()}")
        self.gateway = next(line.split()[1] for line in self.greeting.splitlines() if line.startswith("  gateway"))

    def sh(self, script: str, status: int = 0) -> str:
        """Like a newcomer's terminal that stops at the first error."""
        ran = subprocess.run(["bash", "-euo", "pipefail", "-c", script.replace(GATEWAY, self.gateway)], cwd=self.cwd, env=self.env,
                             stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        self.assertEqual(ran.returncode, status, f"{script}\n{ran.stdout}{ran.stderr}")
        return ran.stdout + ran.stderr

    def client(self) -> berth.Client:
        token = next(self.cwd.rglob("token"))
        client = berth.Client(self.gateway, token_file=str(token))
        self.addCleanup(client.close)
        return client

    def in_environment(self, **variables: str) -> None:
        patch = unittest.mock.patch.dict(os.environ, variables)
        patch.start()
        self.addCleanup(patch.stop)

    def python(self, text: str, **names) -> str:
        """A piece of a program of the page, with what it leaves to the reader."""
        out = self.cwd / "out"
        with open(out, "w") as file, contextlib.redirect_stdout(file):
            exec(compile(text, "page", "exec"), {"berth": berth, **names})
        return out.read_text()


def pool_of(text: str) -> dict:
    return yaml.safe_load(text)


class Readme(Newcomer):
    def setUp(self):
        super().setUp()
        self.write("pool.yaml", blocks("README.md", "yaml", "Use it")[0])
        self.dev("berth dev -f pool.yaml")

    def test_from_the_shell_and_with_curl(self):
        self.write("data.csv", "a\nb\nc\n")
        script = blocks("README.md", "sh", "From the shell")[0]
        if shutil.which("kubectl") is None:
            script = "\n".join(line for line in script.splitlines() if not line.startswith("kubectl"))
        said = self.sh(script + "echo all of it\n")
        self.assertIn("note\n", said)
        self.assertIn("3 data.csv", said)
        self.assertIn("sessionpool/shell fixed at 3 workers", said)
        self.assertTrue(said.endswith("all of it\n"), said)
        opened = json.loads(self.sh(blocks("README.md", "sh", "With curl")[0].replace("curl ", "curl -fsS ", 1)))
        self.assertEqual(opened["worker"]["name"].rpartition("-")[0], "shell")

    def test_in_a_cluster_a_program_reads_both_variables(self):
        token = next(self.cwd.rglob("token"))
        self.in_environment(BERTH_GATEWAY=self.gateway, BERTH_TOKEN_FILE=str(token))
        said = self.python(blocks("README.md", "python", "First session of a program.")[0])
        self.assertEqual(said.split()[0], os.uname().sysname)
        self.env.update(BERTH_GATEWAY=self.gateway, BERTH_TOKEN_FILE=str(token))
        curl = blocks("README.md", "sh", "First session of a program.")[0]
        self.assertIn("token", json.loads(self.sh(curl.replace("curl ", "curl -fsS ", 1))))


class ReadmeFromPython(Newcomer):
    def test_a_file_goes_in_and_a_result_comes_out(self):
        pool = pool_of(blocks("README.md", "yaml", "Use it")[0])
        pool["metadata"]["name"] = "files"
        pool["spec"]["worker"]["activities"] = [{"name": "process", "command": ["sh", "-c", "wc -c < in.csv"]}]
        self.write("pool.yaml", yaml.safe_dump(pool))
        data = self.write("in.csv", "1,2\n")
        self.dev("berth dev -f pool.yaml")
        self.in_environment(XDG_STATE_HOME=str(self.cwd / ".local/state"))  # Of the `berth dev` of this home.
        text = blocks("README.md", "python", "From Python")[0].replace("/data/in.csv", str(data))
        self.assertEqual(self.python(text + "print(result.result)\n"), "4\n")


class GpuPool(Newcomer):
    PAGE = "docs/guides/gpu-pool.md"

    def test_without_a_gpu(self):
        pool = pool_of(blocks(self.PAGE, "yaml")[0])
        del pool["spec"]["template"], pool["spec"]["worker"]["image"], pool["spec"]["worker"]["resources"]
        pool["spec"]["worker"]["activities"] = [{"name": "train", "command": ["cat"]}]  # For the page's Python.
        self.write("pool.yaml", yaml.safe_dump(pool))
        start, use = blocks(self.PAGE, "sh", "Try it without a GPU")
        self.dev(start)
        mine, never = use.splitlines()
        self.assertEqual(self.sh(mine), "mine\n")
        refused = self.sh(never, status=2)
        self.assertIn(never.partition("# refused: ")[2], refused)
        self.assertNotIn("never", refused)
        self.python(blocks(self.PAGE, "python")[0], client=self.client())

    def test_a_free_gpu_is_taken_by_a_lock(self):
        self.gateway = ""
        self.write("train.py", 'import os\nprint("on", os.environ["CUDA_VISIBLE_DEVICES"])\n')
        script = blocks(self.PAGE, "sh", "Several GPUs in one worker")[0].replace("/tmp/gpu-", f"{self.cwd}/gpu-")
        self.assertEqual(self.sh(script), "on 0\n")
        with contextlib.ExitStack() as held:
            for gpu in range(4):
                file = held.enter_context(open(self.cwd / f"gpu-{gpu}.lock", "w"))
                subprocess.run(["flock", "-n", str(file.fileno())], check=True, pass_fds=[file.fileno()])
                said = self.sh(script, status=1 if gpu == 3 else 0)
                self.assertIn('"type": "NoGpu"' if gpu == 3 else f"on {gpu + 1}", said)


class SidecarApp(Newcomer):
    PAGE = "docs/guides/sidecar-app.md"

    def test_on_one_machine(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        pool = pool_of(blocks(self.PAGE, "yaml")[0].replace("9000", port))
        pool["spec"]["scaling"]["maxWorkers"] = 1
        self.write("pool.yaml", yaml.safe_dump(pool))
        self.write("app.py", "#!/usr/bin/env python3\n" + blocks(self.PAGE, "python")[0].replace("9000", port))
        start, use = blocks(self.PAGE, "sh", "Try it on one machine")
        chmod, command = start.splitlines()
        subprocess.run(["sh", "-c", chmod], cwd=self.cwd, check=True)
        self.dev(command)
        self.assertIn('"pages":1', "".join(self.sh(use).split()))
        with self.client().session("ocr") as session:  # What the page promises of a cancel.
            activity = session.start("read-page", {"seconds": 600})
            activity.cancel()
            with self.assertRaises(berth.Cancelled):
                activity.result(timeout=60)
            self.assertEqual(session.run("read-page", {}).result["session"], session.id)


class PythonActivities(Newcomer):
    PAGE = "docs/guides/python-activities.md"

    def test_on_one_machine(self):
        program = self.write("resize.py", blocks(self.PAGE, "python")[0])
        self.write("client.py", blocks(self.PAGE, "python", "Call it")[0])
        text = blocks(self.PAGE, "yaml", "Try it on one machine")[0]
        self.write("pool.yaml", text.replace("/home/me/resize.py", str(program)))
        start, use = blocks(self.PAGE, "sh", "Try it on one machine")
        self.dev(start)
        said = self.sh(use.replace("clients/python", str(ROOT / "clients/python")))
        self.assertIn("{'done': 3, 'of': 3}", said)
        self.assertIn("'written': 3", said)
        self.assertIn("['image-0.txt', 'image-1.txt', 'image-2.txt']", said)
        with self.client().session("images") as session, self.assertRaises(berth.ActivityFailed) as caught:
            session.run("resize", {"images": 101})
        self.assertEqual(caught.exception.type, "TooMany")


class FromKeda(Newcomer):
    PAGE = "docs/guides/from-keda.md"

    def test_the_consumer_hands_a_message_on(self):
        pool = pool_of(blocks(self.PAGE, "yaml", "After")[0])
        self.assertEqual(pool["spec"]["worker"]["activities"][0]["command"], ["python3", "/app/crawl.py"])
        pool["spec"]["worker"]["activities"][0]["command"] = ["tee", "message"]
        del pool["spec"]["worker"]["image"], pool["spec"]["worker"]["resources"]
        pool["spec"]["scaling"]["schedules"][0]["cron"] = "0 0 1 1 *"  # Not while this runs.
        self.write("pool.yaml", yaml.safe_dump(pool))
        self.dev("berth dev -f pool.yaml")
        self.python(blocks(self.PAGE, "python")[0] + "handle(client, {'url': 'x'})\n", client=self.client())


class CppWorker(Newcomer):
    PAGE = "docs/guides/cpp-worker.md"

    @unittest.skipUnless(os.environ.get("BERTH_GUIDE_WORKER"), "its worker is built and run by install_test")
    def test_on_one_machine(self):
        build = self.cwd / "build"
        build.mkdir()
        (build / "thumbnail-worker").symlink_to(os.environ["BERTH_GUIDE_WORKER"])
        self.write("pool.yaml", blocks(self.PAGE, "yaml")[0])
        start, use = blocks(self.PAGE, "sh", "Try it on one machine")
        self.dev(start)
        self.assertRegex(self.sh(use), r'"thumbnail": *".*/picture\.png"')


if __name__ == "__main__":
    unittest.main()
