"""The API server over HTTPS as its administrator; fast enough to be polled. What users do goes through kubectl."""

import http.client
import json
import ssl
import threading
import time
from pathlib import Path

_IDLE = 60
"""Seconds after which the server may be about to close a connection that nobody used."""
POOLS = "/apis/berth.dev/v1alpha1/namespaces/{}/sessionpools"


class ApiError(AssertionError):
    def __init__(self, method: str, path: str, status: int, body: dict):
        super().__init__(f"{method} {path}: {status} {body.get('message', body)}")
        self.status, self.body = status, body


class Api:
    """Safe to use from any thread: each has a connection of its own."""

    def __init__(self, ca: Path, certificate: Path, key: Path):
        self._tls = ssl.create_default_context(cafile=str(ca))
        self._tls.load_cert_chain(str(certificate), str(key))
        self._local = threading.local()

    def call(self, method: str, path: str, body=None, content_type="application/json") -> dict:
        data = json.dumps(body) if body is not None else None
        for attempt in (1, 2):
            connection = getattr(self._local, "connection", None)
            if connection is None or time.monotonic() - self._local.used > _IDLE:
                connection = http.client.HTTPSConnection("127.0.0.1", 6443, context=self._tls, timeout=15)
                self._local.connection = connection
            try:
                connection.request(method, path, data, {"Content-Type": content_type})
                answer = connection.getresponse()
                text = answer.read()
                self._local.used = time.monotonic()
                break
            except (OSError, http.client.HTTPException):
                connection.close()
                self._local.connection = None
                if attempt == 2 or method not in ("GET", "DELETE"):
                    raise
        parsed = json.loads(text) if text[:1] == b"{" else {"message": text.decode(errors="replace")}
        if answer.status >= 400:
            raise ApiError(method, path, answer.status, parsed)
        return parsed

    def get(self, path: str) -> dict:
        return self.call("GET", path)

    def find(self, path: str) -> dict | None:
        try:
            return self.call("GET", path)
        except ApiError as e:
            if e.status == 404:
                return None
            raise

    def items(self, path: str) -> list[dict]:
        return self.get(path)["items"]

    def delete(self, path: str, grace: int | None = None) -> None:
        body = {} if grace is None else {"gracePeriodSeconds": grace}
        self.call("DELETE", path, body)

    def merge(self, path: str, patch: dict) -> dict:
        return self.call("PATCH", path, patch, "application/merge-patch+json")

    def pods(self, namespace: str, labels: str = "") -> list[dict]:
        return self.items(f"/api/v1/namespaces/{namespace}/pods?labelSelector={labels.replace('=', '%3D')}")
