"""A real Berth under load with a real Prometheus that scrapes it, for proof.py. Standard library only."""

import contextlib
import http.server
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
EXAMPLE = HERE.parent / "examples" / "file-processing"


def get(url, token=""):
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read().decode()


def wait_for(what, ready, process, log, seconds=60):
    deadline = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"{what} did not start: see {log}")
        time.sleep(0.2)


# honor_labels: the operator's and the gateways' `namespace` and `pool` are those of the pool.
ONE_JOB = "scrape_configs:\n  - job_name: berth\n    honor_labels: true\n    kubernetes_sd_configs:\n      - role: pod\n"


class Prometheus:
    """A Prometheus of its own with the alert rules. Its targets are what set_targets was told last, wherever `scrape_configs` says
    that Kubernetes tells them: Debian's Prometheus is built without that."""

    def __init__(self, directory, interval, scrape_configs=ONE_JOB):
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.targets = directory / "targets.json"
        self.set_targets([])
        (directory / "prometheus.yml").write_text(
            f"global: {{scrape_interval: {interval}, evaluation_interval: {interval}}}\n"
            f"rule_files: ['{HERE}/alerts.yaml']\n"
            + scrape_configs.replace("kubernetes_sd_configs:\n      - role: pod\n",
                                     f"file_sd_configs: [{{files: ['{self.targets}'], refresh_interval: 1s}}]\n"))
        self.log = directory / "prometheus.log"
        self.process = None
        for _ in range(5):  # Prometheus cannot be asked for any free port.
            self.origin = f"http://127.0.0.1:{random.randint(20000, 30000)}"
            with self.log.open("w") as log:
                self.process = subprocess.Popen(
                    ["prometheus", f"--config.file={directory}/prometheus.yml", f"--storage.tsdb.path={directory}/data",
                     f"--web.listen-address={self.origin[7:]}"], stdout=log, stderr=log)
            try:
                wait_for("prometheus", self.ready, self.process, self.log)
                return
            except SystemExit:
                self.stop()
        raise SystemExit(f"prometheus did not start: see {self.log}")

    def ready(self):
        try:
            return self.process.poll() is None and get(self.origin + "/-/ready") != ""
        except OSError:
            return False

    def set_targets(self, targets):
        new = self.targets.with_suffix(".new")
        new.write_text(json.dumps([{"targets": [address], "labels": labels} for address, labels in targets]))
        new.rename(self.targets)

    def api(self, path, **parameters):
        try:
            text = get(f"{self.origin}/api/v1/{path}?{urllib.parse.urlencode(parameters, doseq=True)}")
        except urllib.error.HTTPError as e:
            raise ValueError(f"{e.read().decode()}: {parameters}") from e
        return json.loads(text)["data"]

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()


class Berth:
    """`berth dev` with two pools, and a berth-temporal for one of them whose Temporal never answers."""

    def __init__(self, binaries, directory):
        self.binaries = binaries
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        ready = directory / "ready.json"
        log = directory / "dev.log"
        with log.open("w") as out:
            self.process = subprocess.Popen(
                [binaries / "berth", "dev", "--name", f"dashboards-{os.getpid()}", "--listen", "127.0.0.1:0",
                 "-f", EXAMPLE / "pool.yaml", "-f", HERE / "proof-pool.yaml",
                 "--image", f"berth.local/example-file-processing={binaries}/file-processing-worker",
                 "--data-dir", directory / "dev", "--ready-file", ready],
                stdout=out, stderr=out, env=os.environ | {"XDG_STATE_HOME": str(directory / "state")})
        wait_for("berth dev", ready.exists, self.process, log)
        self.at = json.loads(ready.read_text())
        kubeconfig = pathlib.Path(self.at["kubeconfig"]).read_text()
        self.server = re.search(r"server: (\S+)", kubeconfig)[1]
        self.token = re.search(r"token: (\S+)", kubeconfig)[1]
        self.temporal, self.temporal_at = self.start_temporal()

    def start_temporal(self):
        """Its process, and the address of its metrics."""
        ports, log = self.directory / "temporal.json", self.directory / "temporal.log"
        with log.open("w") as out:
            process = subprocess.Popen(
                [self.binaries / "berth-temporal", "--temporal-address", "127.0.0.1:9", "--task-queue", "proof", *self.access(),
                 "--pool", "shell", "--probe-listen", "127.0.0.1:0", "--port-file", ports],
                stdout=out, stderr=out)
        wait_for("berth-temporal", ports.exists, process, log)
        return process, json.loads(ports.read_text())["probe"]

    def targets(self):
        """(address, labels) of each program that runs, as dashboards/prometheus.yaml labels them in a cluster."""
        out = []
        for program in ("operator", "gateway"):
            address = self.at[f"{program}Probes"].removeprefix("http://")
            out.append((address, {"job": f"berth-{program}", "namespace": "berth-system", "pod": f"berth-{program}-0"}))
        for pod in json.loads(get(f"{self.server}/api/v1/pods", self.token))["items"]:
            meta, ip = pod["metadata"], pod.get("status", {}).get("podIP")
            if ip and pod["status"].get("phase") == "Running":
                labels = {"job": "berth-workers", "namespace": meta["namespace"], "pod": meta["name"],
                          "pool": meta["labels"]["berth.dev/pool"]}
                out.append((f"{ip}:7601", labels))
        out.append((self.temporal_at, {"job": "berth-temporal", "namespace": "default", "pod": "berth-temporal-0", "pool": "shell"}))
        return out

    def access(self):
        return ["--gateway", self.at["gateway"], "--token-file", self.at["tokenFile"]]

    def stop(self):
        for process in (self.temporal, self.process):
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.wait()


class Load:
    """Clients of both pools, each again and again until stop(); some of what they ask for must fail."""

    def __init__(self, berth):
        self.berth = berth
        self.over = threading.Event()
        self.counts = {}
        session = [berth.binaries / "berth", *berth.access(), "session"]
        run = [*session, "run", "--pool", "shell"]
        create = [*session, "create"]
        files = [berth.binaries / "file-processing", *berth.access(), "--output", berth.directory / "out",
                 "--max-files", "300", "--parallel", "30"]
        commands = {
            "files": files,
            "command": [*run, "--", "sleep", "1"],
            "command beside it": [*run, "--", "sleep", "3"],
            "command that fails": [*run, "--", "false"],
            "session left alone": [*create, "--pool", "shell", "--heartbeat-timeout", "5s"],
            "impatient caller": [*create, "--pool", "shell", "--creation-timeout", "1s", "--heartbeat-timeout", "5s"],
            "resource nobody has": [*create, "--pool", "shell", "--resource", "gpu=1", "--creation-timeout", "1s"],
            "unknown pool": [*create, "--pool", "nowhere"],
        }
        self.threads = [threading.Thread(target=self.repeat, args=c) for c in commands.items()]
        for t in self.threads:
            t.start()

    def repeat(self, name, command):
        environment = os.environ | {"XDG_STATE_HOME": str(self.berth.directory / "state")}
        while not self.over.is_set():
            status = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment,
                                    check=False).returncode
            self.counts.setdefault(name, []).append(status)
            self.over.wait(0.5)

    def stop(self):
        self.over.set()
        for t in self.threads:
            t.join()


def multiplied(text, copies, namespace):
    """Each line that carries the label pool, once for every one of `copies` pools."""
    out, seen = [], set()
    for line in text.splitlines():
        if 'pool="' not in line:
            out.append(line)
            continue
        blank = re.sub(r'namespace="[^"]*"', f'namespace="{namespace}"', re.sub(r'pool="[^"]*"', 'pool="@"', line))
        series = blank.rsplit(" ", 1)[0]
        if series not in seen:
            seen.add(series)
            out += [blank.replace('pool="@"', f'pool="pool-{i}"') for i in range(copies)]
    return "\n".join(out) + "\n"


class Pages:
    """Serves fixed texts on a free port of 127.0.0.1, each under a path of its own."""

    def __init__(self, pages):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = pages[self.path].encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(BrokenPipeError):  # A scrape that Prometheus has given up.
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
