"""Sessions as a client program has them: opened at a gateway, used at their worker, renewed in the background."""

import base64
import hashlib
import http.client
import json
import secrets
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from pathlib import Path

_RETRY = {"StillWaiting", "ShuttingDown", "Starting", "Unavailable", "ConnectFailed", "ConnectionLost", "ApiServerUnreachable",
          "AccessCheckFailed", "TooManyAccessChecks"}


class Refused(Exception):
    """An error answer. `code` is for programs, as in docs/openapi.yaml."""

    def __init__(self, status: int, body: dict):
        super().__init__(f"{status} {body.get('code')}: {body.get('message')}")
        self.status, self.code, self.body = status, body.get("code", ""), body


class SessionLost(Exception):
    """The session is over and not by its owner. `reason` is the worker's word, or "Unreachable"."""

    def __init__(self, session_id: str, reason: str):
        super().__init__(f"session {session_id}: {reason}")
        self.reason = reason


class Untrusted(AssertionError):
    """A server has not proved its name. Never tried again: it is no weather."""


@dataclass(frozen=True)
class Trust:
    """By whose word a server of https is believed, a file read anew for each call, and to be whom."""

    bundle: Path
    name: str


class _Https(http.client.HTTPConnection):
    """http.client's own asks for the address's name."""

    def __init__(self, address: str, trust: Trust, timeout: float):
        super().__init__(address, timeout=timeout)
        self._trust = trust

    def connect(self) -> None:
        plain = socket.create_connection((self.host, self.port), self.timeout)
        try:
            self.sock = ssl.create_default_context(cafile=str(self._trust.bundle)).wrap_socket(
                plain, server_hostname=self._trust.name)
        except ssl.SSLCertVerificationError as e:
            plain.close()
            raise Untrusted(f"{self.host}:{self.port} as {self._trust.name}: {e}") from e


def request(address: str, method: str, path: str, token: str | None, body=None, timeout: float = 35,
            trust: Trust | None = None) -> dict:
    """One call; OSError or HTTPException when there was no answer, Refused for an error answer. `address`: host:port, with
    https:// before it only with `trust`."""
    if address.startswith("https://"):
        connection = _Https(address.removeprefix("https://"), trust, timeout)
    else:
        connection = http.client.HTTPConnection(address, timeout=timeout)
    try:
        headers = {"Content-Type": "application/json", "Connection": "close"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        data = json.dumps(body) if body is not None else (b"" if method in ("POST", "PUT") else None)
        connection.request(method, path, data, headers)
        answer = connection.getresponse()
        text = answer.read()
    finally:
        connection.close()
    parsed = json.loads(text) if text[:1] == b"{" else {"message": text.decode(errors="replace")}
    if answer.status >= 400:
        raise Refused(answer.status, parsed)
    parsed["_status"] = answer.status
    return parsed


def seconds(duration: str) -> float:
    return float(duration[:-1]) * {"s": 1, "m": 60, "h": 3600}[duration[-1]]


class Caller:
    """Somebody with a Kubernetes token who may open sessions in a namespace. `addresses`: the gateway's; `trust`: of it."""

    def __init__(self, addresses: list[str], token: str, namespace: str):
        self.addresses, self.token, self.namespace = addresses, token, namespace
        self.trust: Trust | None = None

    def trust_in_workers(self) -> Trust | None:
        return self.trust and Trust(self.trust.bundle, f"workers.{self.namespace}.berth")

    def open(self, pool: str, session_id: str | None = None, creation_timeout: float = 60,
             heartbeat: str = "20s", secret: str | None = None, **more) -> "Session":
        """Asks until it has a session, with the same id and token at whichever gateway answers."""
        secret = secret or secrets.token_hex(32)
        body = {"id": session_id or "s-" + secrets.token_hex(8), "heartbeatTimeout": heartbeat,
                "tokenHash": hashlib.sha256(secret.encode()).hexdigest(), **more}
        path = f"/v1/namespaces/{self.namespace}/pools/{pool}/sessions"
        deadline, attempt = time.monotonic() + creation_timeout, 0
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Refused(504, {"code": "CreationTimeout", "message": "no slot in time, seen by the caller"})
            body["creationTimeout"] = f"{left:.3f}s"
            address = self.addresses[attempt % len(self.addresses)]
            sent = time.monotonic()
            try:
                return Session(self, pool, request(address, "POST", path, self.token, body, trust=self.trust), secret, sent)
            except (OSError, http.client.HTTPException):
                attempt += 1
                time.sleep(0.1)
            except Refused as e:
                if e.code not in _RETRY:
                    raise
                if e.code != "StillWaiting":
                    attempt += 1
                    time.sleep(0.1)

    def list(self, pool: str) -> list[dict]:
        path = f"/v1/namespaces/{self.namespace}/pools/{pool}/sessions"
        return request(self.addresses[0], "GET", path, self.token, trust=self.trust)["sessions"]


class Session:
    def __init__(self, caller: Caller, pool: str, created: dict, secret: str, sent: float):
        self.id, self.worker, self._secret = created["id"], created["worker"], secret
        self.recreate_token = created.get("recreateToken")
        self.heartbeat = seconds(created["heartbeatTimeout"])
        self._path = f"/v1/sessions/{self.id}"
        self._trust = caller.trust_in_workers()
        self.renewed = sent  # When the last call that was answered was sent.
        self.lost: SessionLost | None = None
        self.lost_at: float | None = None
        self._stop = threading.Event()
        self._renewer = threading.Thread(target=self._renew, daemon=True)
        self._renewer.start()

    def call(self, method: str, rest: str = "", body=None, timeout: float = 35) -> dict:
        sent = time.monotonic()
        answer = request(self.worker["address"], method, self._path + rest, self._secret, body, timeout, self._trust)
        self.renewed = max(self.renewed, sent)
        return answer

    def _renew(self) -> None:
        pause = self.heartbeat / 3
        while not self._stop.wait(pause):
            pause = self.heartbeat / 3
            try:
                left = self.renewed + self.heartbeat - time.monotonic()
                self.call("POST", "/heartbeat", timeout=max(0.1, min(self.heartbeat / 3, left)))
            except Refused as e:
                if e.code in ("SessionEnded", "SessionNotFound", "TokenMismatch"):
                    self._lose(e.body.get("endReason") or e.code)
                    return
                pause = 0.2
            except (OSError, http.client.HTTPException):
                if time.monotonic() - self.renewed > self.heartbeat:
                    self._lose("Unreachable")
                    return
                pause = 0.2

    def _lose(self, reason: str) -> None:
        if not self._stop.is_set():
            self.lost_at = time.monotonic()
            self.lost = SessionLost(self.id, reason)

    def run(self, *argv: str, timeout: float = 60, activity_id: str | None = None) -> str:
        """Runs a command in the session to its end and returns its output. Survives a worker that restarts, in the
        sense of the API: the same activity id never runs twice."""
        body = {"type": "exec", "input": {"argv": list(argv)}, "activityId": activity_id or "a-" + secrets.token_hex(8)}
        deadline = time.monotonic() + timeout
        started = False
        while True:
            if self.lost:
                raise self.lost
            if time.monotonic() > deadline:
                raise AssertionError(f"{argv} in session {self.id} did not end within {timeout} s")
            try:
                if not started:
                    info = self.call("POST", "/activities", body)
                    started = True
                else:
                    info = self.call("GET", f"/activities/{body['activityId']}?wait=10")
            except Refused as e:
                if e.code in ("SessionEnded", "SessionNotFound"):
                    raise SessionLost(self.id, e.body.get("endReason") or e.code) from e
                raise
            except (OSError, http.client.HTTPException):
                time.sleep(0.1)
                continue
            if info["state"] not in ("Running", "Cancelling"):
                break
        if info["state"] != "Succeeded":
            raise AssertionError(f"{argv} in session {self.id}: {info['state']} {info.get('failure')}")
        return _output(info)

    def info(self) -> dict:
        return self.call("GET")

    def complete(self) -> None:
        """Ends the session, however often the worker must be asked."""
        if self.lost:
            raise self.lost
        self._stop.set()
        deadline = time.monotonic() + self.heartbeat
        while True:
            try:
                self.call("DELETE")
                return
            except Refused as e:
                if e.body.get("endReason") == "Completed":
                    return  # By our first call, whose answer was lost.
                if e.code in ("SessionEnded", "SessionNotFound"):
                    raise SessionLost(self.id, e.body.get("endReason") or e.code) from e
                raise
            except (OSError, http.client.HTTPException):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def abandon(self) -> None:
        """The owner dies: no renewal any more, and no word."""
        self._stop.set()


def _output(info: dict) -> str:
    return base64.b64decode(info.get("stdoutBase64") or "").decode()
