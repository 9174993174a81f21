"""The way in: a gateway, and the sessions opened through it."""

from __future__ import annotations

import atexit
import hashlib
import json
import logging
import os
import pathlib
import secrets
import ssl
import threading
import time
import urllib.parse
import weakref
from typing import Any, Callable, Dict, List, Mapping, Optional, Union

from . import _http
from ._values import (
    Backoff,
    Duration,
    check_id,
    duration_text,
    member,
    now,
    parse_duration,
    random_id,
    seconds,
    to_json,
)
from .errors import (
    BerthError,
    CreationTimeout,
    InternalError,
    InvalidArgument,
    PoolNotFound,
    Unavailable,
    WorkerGone,
    from_answer,
)
from .session import Session, SessionHandle

_log = logging.getLogger("berth")
_WINDOW = 25.0  # A gateway answers StillWaiting after that long.
_CLOSE_SECONDS = 5.0
_WORKER_CLOSED = ("Cordoned", "Draining", "Retired", "WorkerGone", "WrongWorker")


class Client:
    """Opens sessions. Thread-safe. close(), or leaving its `with` block, completes what is open.

    gateway: "http://host:port"; several, comma-separated, are tried in turn. Default: BERTH_GATEWAY,
        else the `berth dev` that runs on this machine.
    token: the bearer token for the gateway, or a function that gives a fresh one (Kubernetes tokens
        expire). token_file is read anew for every call. Defaults: BERTH_TOKEN, BERTH_TOKEN_FILE.
    direct: True: activities and files go straight to the worker, False: through the gateway. Default:
        straight if the worker's address can be reached within a second.
    call_timeout: seconds that one call may take before it is repeated; repeats are always safe.
    ca_file: CA bundle (PEM) that gateways and workers of https are checked with, read again when it has
        changed. A worker must have a certificate for workers.NAMESPACE.berth. Default: BERTH_CA_FILE,
        else the system's authorities.
    server_name: the name that a gateway's certificate must be for. Default: BERTH_SERVER_NAME, else the
        host in gateway.
    tls: instead of ca_file, a context of your own.
    """

    def __init__(
        self,
        gateway: Optional[str] = None,
        *,
        token: Union[str, Callable[[], str], None] = None,
        token_file: Optional[str] = None,
        namespace: Optional[str] = None,
        direct: Optional[bool] = None,
        call_timeout: Duration = 10,
        ca_file: Union[str, "os.PathLike[str]", None] = None,
        server_name: Optional[str] = None,
        tls: Optional[ssl.SSLContext] = None,
    ) -> None:
        env = os.environ
        if ca_file is None and tls is None:
            ca_file = env.get("BERTH_CA_FILE") or None
        self._trust = _http.Trust(os.fspath(ca_file) if ca_file is not None else None, tls)
        server_name = server_name or env.get("BERTH_SERVER_NAME") or None
        gateway = gateway or env.get("BERTH_GATEWAY")
        if token is None and token_file is None:
            token, token_file = env.get("BERTH_TOKEN"), env.get("BERTH_TOKEN_FILE")
        if not gateway:
            dev = _dev_context()
            gateway = dev["gateway"]
            if token is None and token_file is None:
                token_file = dev["tokenFile"]
        self._namespace = namespace or env.get("BERTH_NAMESPACE") or "default"
        self._token, self._token_file = token, token_file
        self._direct = direct
        self._timeout = seconds(call_timeout, "call_timeout")
        self._gateways = [
            _http.Origin(one.strip(), "gateway", self._trust, server_name)
            for one in gateway.split(",")
            if one.strip()
        ]
        if not self._gateways:
            raise InvalidArgument("is empty; expected http://host:port", field="gateway")
        self._preferred = 0
        self._lock = threading.Lock()
        self._open: Dict[str, Session] = {}
        self._closed = False
        self._at_exit = _complete_at_exit(self)

    # --- sessions

    def session(
        self,
        pool: str,
        *,
        creation_timeout: Duration = 60,
        execution_timeout: Optional[Duration] = None,
        heartbeat_timeout: Optional[Duration] = None,
        resources: Optional[Mapping[str, int]] = None,
        id: Optional[str] = None,
    ) -> Session:
        """Opens a session on a worker with a free slot, waiting in line until creation_timeout.

        execution_timeout: its longest life; heartbeat_timeout: the length of its lease; without them
        the pool's defaults. resources: typed resources besides the slot, {"gpu": 1}. id: for the
        caller's own records, [a-z0-9-]{1,63}.
        """
        return self._create(pool, None, creation_timeout, execution_timeout, heartbeat_timeout,
                            resources, id)

    def recreate(
        self,
        pool: str,
        recreate_token: str,
        *,
        creation_timeout: Duration = 60,
        execution_timeout: Optional[Duration] = None,
        heartbeat_timeout: Optional[Duration] = None,
        resources: Optional[Mapping[str, int]] = None,
        id: Optional[str] = None,
    ) -> Session:
        """As session(), on the worker of the token and nowhere else; WorkerGone if that is gone."""
        return self._create(pool, recreate_token, creation_timeout, execution_timeout,
                            heartbeat_timeout, resources, id)

    def attach(self, handle: SessionHandle, *, keep_alive: bool = False) -> Session:
        """A session that somebody else opened and owns: leaving its `with` block completes nothing.
        keep_alive renews its lease too."""
        return Session(self, handle, leased_from=now(), owned=False, keep_alive=keep_alive)

    def sessions(self, pool: str) -> List[Dict[str, Any]]:
        """The pool's sessions, as SessionInfo of docs/openapi.yaml. At most 10,000."""
        path = f"{self._pool_path(self._namespace, pool)}/sessions"
        out: List[Dict[str, Any]] = member(self._get(path), "sessions", list)
        return out

    def pools(self) -> List[Dict[str, Any]]:
        """Pools with their numbers, as PoolSummary of docs/openapi.yaml."""
        query = urllib.parse.urlencode({"namespace": self._namespace})
        out: List[Dict[str, Any]] = member(self._get(f"/v1/pools?{query}"), "pools", list)
        return out

    def close(self) -> None:
        """Completes open sessions, in at most 5 s. What is left frees itself by its lease."""
        with self._lock:
            self._closed = True
            still_open = list(self._open.values())
        atexit.unregister(self._at_exit)
        threads = [threading.Thread(target=_complete, args=(s,), daemon=True) for s in still_open]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + _CLOSE_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        for gateway in self._gateways:
            gateway.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    # --- inside

    def _bearer(self) -> Dict[str, str]:
        token = self._token() if callable(self._token) else self._token
        if token is None and self._token_file:
            token = pathlib.Path(self._token_file).read_text().strip()
        return {"Authorization": f"Bearer {token}"} if token else {}

    @staticmethod
    def _pool_path(namespace: str, pool: str) -> str:
        quote = urllib.parse.quote
        return f"/v1/namespaces/{quote(namespace, safe='')}/pools/{quote(pool, safe='')}"

    def _worker_at(self, address: str, namespace: str) -> _http.Origin:
        url = address if "://" in address else f"http://{address}"
        return _http.Origin(url, "address", self._trust, f"workers.{namespace}.berth")

    def _goes_direct(self, worker: _http.Origin) -> bool:
        return worker.reachable(1.0) if self._direct is None else self._direct

    def _forget(self, session: Session) -> None:
        with self._lock:
            self._open.pop(session.id, None)

    def _gateway_request(self, method: str, path: str, **options: Any) -> _http.Answer:
        """To the preferred gateway; one that gives no answer is preferred no more."""
        with self._lock:
            index = self._preferred
        try:
            return self._gateways[index].request(method, path, **options)
        except _http.NoAnswer:
            with self._lock:
                if self._preferred == index:
                    self._preferred = (index + 1) % len(self._gateways)
            raise

    def _get(self, path: str) -> Any:
        last: Optional[BerthError] = None
        for _ in self._gateways:
            try:
                answer = self._gateway_request(
                    "GET", path, headers=self._bearer(), timeout=self._timeout
                )
            except _http.NoAnswer as e:
                last = Unavailable(str(e))
                continue
            if answer.status < 400:
                return answer.json()
            raise _pool_error(answer)
        assert last is not None
        raise last

    def _create(
        self,
        pool: str,
        recreate_token: Optional[str],
        creation_timeout: Duration,
        execution_timeout: Optional[Duration],
        heartbeat_timeout: Optional[Duration],
        resources: Optional[Mapping[str, int]],
        id: Optional[str],
    ) -> Session:
        with self._lock:
            if self._closed:
                raise InvalidArgument("this client is closed", field="client")
        limit = seconds(creation_timeout, "creation_timeout")
        body: Dict[str, Any] = {}
        for name, value in (
            ("executionTimeout", execution_timeout),
            ("heartbeatTimeout", heartbeat_timeout),
        ):
            if value is not None:
                body[name] = duration_text(seconds(value, name))
        if resources:
            body["resources"] = dict(resources)
        if recreate_token is not None:
            body["recreateToken"] = recreate_token
        creation = _Creation(self, pool, body, limit, id)
        answer, sent_at = creation.run()
        worker = member(answer, "worker", dict)
        handle = SessionHandle(
            self._namespace, pool, member(worker, "name", str), member(worker, "address", str),
            member(answer, "id", str), creation.token,
            parse_duration(member(answer, "heartbeatTimeout", str)),
        )
        session = Session(
            self, handle, recreate_token=answer.get("recreateToken", ""), leased_from=sent_at,
            owned=True, keep_alive=True,
        )
        with self._lock:
            self._open[session.id] = session
        return session


class _Creation:
    """One session from "wanted" to "open": the same id and token over StillWaiting, lost answers and
    dead gateways, until the creation timeout. Only the token's hash travels."""

    def __init__(
        self, client: Client, pool: str, body: Dict[str, Any], limit: float, id: Optional[str]
    ) -> None:
        self._client, self._pool = client, pool
        self._body, self._limit = body, limit
        self._id_is_ours = id is None
        self._deadline = now() + limit
        self._backoff = Backoff()
        self._heard = False
        self._last: Optional[BerthError] = None
        self.token = secrets.token_hex(32)
        self._name(random_id() if id is None else check_id(id, "id"))

    def _name(self, id: str) -> None:
        self._body["id"] = id
        self._body["tokenHash"] = hashlib.sha256(self.token.encode()).hexdigest()

    def run(self) -> Any:
        path = f"{Client._pool_path(self._client._namespace, self._pool)}/sessions"
        failures = 0
        while True:
            left = self._deadline - now()
            if left <= 0:
                raise self._time_is_up()
            self._body["creationTimeout"] = duration_text(left)
            sent_at = now()
            try:
                answer = self._client._gateway_request(
                    "POST", path, body=to_json(self._body, "resources"),
                    headers={**self._client._bearer(), "Content-Type": "application/json"},
                    timeout=min(left, _WINDOW) + self._client._timeout,
                )
            except _http.NoAnswer as e:
                self._last = Unavailable(str(e))
                failures += 1
                if failures % len(self._client._gateways) == 0:
                    self._pause(self._backoff.next())
                continue
            self._heard = True
            if answer.status < 300:
                return answer.json(), sent_at
            self._pause(self._judge(answer, now() - sent_at))

    def _judge(self, answer: _http.Answer, waited: float) -> float:
        """How long to pause before the next try; raises when there is none."""
        error = _pool_error(answer)
        self._last = error
        if "recreateToken" in self._body and error.code in _WORKER_CLOSED:
            raise WorkerGone(error.message, code=error.code)
        if error.code == "CreationTimeout":
            raise CreationTimeout(error.message, code=error.code)
        if error.code == "StillWaiting" and waited >= 1.0:
            self._backoff.reset()
            return 0.0
        if error.code == "SessionEnded" and self._id_is_ours:
            _log.warning("session %s ended before its creation was answered; opening another",
                         self._body["id"])
            self._name(random_id())
            return self._backoff.next()
        if answer.status in (408, 429, 500, 502, 503, 504) or error.code == "Superseded":
            return max(self._backoff.next(), error.retry_after or 0.0)
        raise error

    def _pause(self, pause: float) -> None:
        time.sleep(min(pause, max(0.0, self._deadline - now())))

    def _time_is_up(self) -> BerthError:
        if not self._heard and self._last is not None:
            return Unavailable(f"no gateway answered within {self._limit:g} s: {self._last}")
        message = f"pool {self._client._namespace}/{self._pool} had no free slot within {self._limit:g} s"
        if self._last is not None and self._last.code != "StillWaiting":
            message += f"; last answer: {self._last}"
        return CreationTimeout(message, code="CreationTimeout")


def _pool_error(answer: _http.Answer) -> BerthError:
    error = from_answer(answer.status, answer.json())
    if answer.status == 404 or error.code == "PoolDeleting":
        return PoolNotFound(error.message, code=error.code)
    if isinstance(error, InternalError) and answer.status == 410:
        return InvalidArgument(error.message, code=error.code, field="id")
    return error


def _complete(session: Session) -> None:
    try:
        session.complete()
    except BerthError:
        pass  # Logged there.


def _complete_at_exit(client: Client) -> Callable[[], None]:
    """So that a program that ends without close() does not hold slots until their leases end."""
    weak = weakref.ref(client)

    def close() -> None:
        left = weak()
        if left is not None:
            if left._open:
                _log.warning("%d sessions are still open at exit; completing them", len(left._open))
            left.close()

    atexit.register(close)
    return close


def _dev_context() -> Dict[str, str]:
    base = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    path = pathlib.Path(base) / "berth" / "dev" / "dev" / "context.json"
    try:
        context = json.loads(path.read_text())
        os.kill(int(context["pid"]), 0)
        return {"gateway": str(context["gateway"]), "tokenFile": str(context["tokenFile"])}
    except PermissionError:
        raise InvalidArgument(f"{path} belongs to another user", field="gateway") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise InvalidArgument(
            "is not given, BERTH_GATEWAY is not set, and no `berth dev` runs here", field="gateway"
        ) from None
