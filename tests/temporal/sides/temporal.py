"""A real Temporal server, the workflows' worker, and workflows as their starter sees them."""

import json
import secrets
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from stand.process import Process, wait_until

QUEUE = "files"
Json = dict[str, Any]
T = TypeVar("T")


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


def program(name: str, argv: list[str | Path], logs: Path, orphaned: str = "KILL") -> Process:
    """It ends with this process, however that ends: `orphaned` is the signal that it gets then."""
    return Process(name, ["setpriv", "--pdeathsig", orphaned, *argv], logs / f"{name}.log")


class WorkflowFailed(AssertionError):
    """`chain`: the errors from the outside in, as in workflows.go."""

    def __init__(self, workflow: str, chain: list[Json]):
        super().__init__(f"{workflow}: " + " <- ".join(f"{e['kind']} {e['message']}" for e in chain))
        self.chain = chain


class Workflow:
    def __init__(self, temporal: "Temporal", name: str, terms: Json):
        self._temporal, self.id = temporal, f"{name.lower()}-{secrets.token_hex(4)}"
        temporal.call("start", name, self.id, json.dumps(terms))

    def go(self) -> None:
        """Lets it go on whose session is open."""
        self._temporal.call("signal", self.id, "go")

    def cancel(self) -> None:
        self._temporal.call("cancel", self.id)

    def terminate(self) -> None:
        self._temporal.call("terminate", self.id)

    def outcome(self, timeout: float = 120) -> Json:
        """{"result"} or {"error"}, once it is over."""
        try:
            outcome: Json = self._temporal.call("result", self.id, timeout=timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.id} is not over after {timeout:g} s: {self.brief()}") from None
        return outcome

    def result(self) -> Json:
        result: Json = self._success()
        return result

    def results(self) -> list[Json]:
        results: list[Json] = self._success()
        return results

    def _success(self) -> Any:
        outcome = self.outcome()
        if "error" in outcome:
            raise WorkflowFailed(self.id, outcome["error"])
        return outcome["result"]

    def open_sessions(self) -> list[Json]:
        sessions: list[Json] = self._temporal.call("query", self.id, "__open_sessions")
        return sessions

    def pending(self, activity: str) -> list[Json]:
        """Activities of this type that are scheduled or run."""
        return [a for a in self.describe()["pending"] if a["type"] == activity]

    def describe(self) -> Json:
        description: Json = self._temporal.call("describe", self.id)
        return description

    def wait(self, what: str, condition: Callable[[], T], timeout: float = 60) -> T:
        """Until the condition holds; fails at once when the workflow has ended before."""
        def now() -> T:
            value = condition()
            status = self.describe()["status"]
            assert value or status == "Running", f"{self.id} is {status}, and not yet: {what}\n{self.brief()}"
            return value

        return wait_until(f"{self.id}: {what}", now, timeout, context=self.brief)

    def wait_open(self) -> Json:
        return self.wait("its session is open", self.open_sessions)[0]

    def history(self) -> list[Json]:
        events: list[Json] = self._temporal.call("history", self.id)
        return events

    def brief(self) -> str:
        """What happened last, and what is going on."""
        return " ".join(e["type"] for e in self.history()[-8:]) + f"; now: {self.describe()}"


class Temporal:
    def __init__(self, tools: Path, logs: Path):
        self._tools, self._logs = tools, logs
        self.address = f"127.0.0.1:{free_port()}"
        self._server = program("temporal-server", [tools / "temporal-server", self.address.rpartition(":")[2]], logs)
        self._worker = program("workflow-worker", self.command("worker"), logs)
        self.started: list[Workflow] = []
        """By the present scenario."""

    def command(self, *arguments: str) -> list[str | Path]:
        return [self._tools / "temporal-workflows", "--address", self.address, "--task-queue", QUEUE, *arguments]

    def call(self, *arguments: str, timeout: float = 60) -> Any:
        done = subprocess.run(self.command(*arguments), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                              timeout=timeout)
        assert done.returncode == 0, f"{' '.join(arguments)}: {done.stderr.strip()}"
        return json.loads(done.stdout)

    def workflow(self, name: str, **terms: Any) -> Workflow:
        self.started.append(Workflow(self, name, terms))
        return self.started[-1]

    def start(self) -> None:
        self._server.start()
        self.call("ready")
        self._worker.start()

    def stop(self) -> None:
        self._worker.stop()
        self._server.stop(20)

    def save_histories(self) -> None:
        for workflow in self.started:
            (self._logs / f"{workflow.id}.history").write_text("".join(e["all"] + "\n" for e in workflow.history()))

    def terminate_all(self) -> None:
        for workflow in self.started:
            if workflow.describe()["status"] == "Running":
                workflow.terminate()
