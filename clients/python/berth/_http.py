"""HTTP/1.1 over the standard library: kept connections, deadlines, calls that another thread can abort."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import threading
import time
import urllib.parse
from typing import Any, BinaryIO, Dict, Iterator, List, Mapping, Optional, Tuple, Union

from .errors import InvalidArgument

_MAX_IDLE = 8
_IDLE_SECONDS = 50.0  # Less than the servers' own 60 s, so that a kept connection is seldom stale.
_CHUNK = 64 * 1024
MAX_ANSWER = 64 << 20
# What a kept connection ends with that the server had closed meanwhile.
_STALE = (http.client.RemoteDisconnected, BrokenPipeError, ssl.SSLEOFError, ssl.SSLZeroReturnError)

Body = Union[bytes, BinaryIO, None]


class NoAnswer(Exception):
    """There was no answer. maybe_done: the request may have been carried out all the same."""

    def __init__(self, message: str, maybe_done: bool) -> None:
        super().__init__(message)
        self.maybe_done = maybe_done


class Answer:
    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.body = body

    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class Call:
    """One request on its way, as the handle by which another thread ends it early."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: Optional[socket.socket] = None
        self.aborted = False

    def abort(self) -> None:
        with self._lock:
            self.aborted = True
            if self._socket is not None:
                try:
                    self._socket.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def _holds(self, sock: Optional[socket.socket]) -> None:
        with self._lock:
            if self.aborted and sock is not None:
                raise NoAnswer("the call was cancelled", maybe_done=False)
            self._socket = sock


class Trust:
    """Whose signature makes a server's certificate good, for new connections: those in a CA bundle, read
    again when the file has changed; else what `context` says; else the system's. Thread-safe."""

    def __init__(self, ca_file: Optional[str] = None, context: Optional[ssl.SSLContext] = None) -> None:
        if ca_file and context:
            raise InvalidArgument("ca_file and tls exclude each other", field="ca_file")
        self._file = ca_file
        self._context = context
        self._read: Optional[Tuple[int, int, int]] = None
        self._lock = threading.Lock()
        if ca_file:
            try:
                self.context()
            except (OSError, ValueError) as e:
                raise InvalidArgument(f"{ca_file}: {e}", field="ca_file") from None

    def context(self) -> ssl.SSLContext:
        with self._lock:
            if self._file:
                try:
                    about = os.stat(self._file)
                    now = (about.st_mtime_ns, about.st_size, about.st_ino)
                    if now != self._read:
                        fresh = ssl.create_default_context(cafile=self._file)
                        fresh.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
                        self._context, self._read = fresh, now
                except (OSError, ValueError):
                    if self._context is None:  # Else the old bundle stays in force.
                        raise
            elif self._context is None:
                self._context = ssl.create_default_context()
            assert self._context is not None
            return self._context


class _NamedConnection(http.client.HTTPSConnection):
    """https to a server that proves another name than the address it is called by."""

    def __init__(self, host: str, port: Optional[int], timeout: float, context: ssl.SSLContext, name: str) -> None:
        super().__init__(host, port, timeout=timeout, context=context)
        self._tls, self._name = context, name

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._name)


class Origin:
    """One server, "http://host:port" or https, whose certificate is for server_name, or for the host
    without one. Thread-safe."""

    def __init__(
        self, url: str, field: str, trust: Optional[Trust] = None, server_name: Optional[str] = None
    ) -> None:
        parts = urllib.parse.urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = -1
        if (
            parts.scheme not in ("http", "https")
            or not parts.hostname
            or port == -1
            or parts.path not in ("", "/")
            or parts.query
            or parts.username
        ):
            raise InvalidArgument(
                f"{url!r} must be http://host:port or https://host:port, without a path", field=field
            )
        self.url = f"{parts.scheme}://{parts.netloc}"
        self._host, self._port = parts.hostname, port
        self._trust = (trust or Trust()) if parts.scheme == "https" else None
        self._name = server_name or parts.hostname
        self._lock = threading.Lock()
        self._closed = False
        self._idle: List[Tuple[float, http.client.HTTPConnection]] = []

    def close(self) -> None:
        """Keeps no connection from now on. A call may still be made, on one of its own."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for _, connection in idle:
            connection.close()

    def reachable(self, timeout: float) -> bool:
        try:
            connection = self._new(timeout)
            try:
                connection.connect()
            finally:
                connection.close()
            return True
        except OSError:
            return False

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: Body = None,
        length: Optional[int] = None,
        timeout: float,
        call: Optional[Call] = None,
        sink: Optional[BinaryIO] = None,
        max_answer: int = MAX_ANSWER,
    ) -> Answer:
        """Sends and waits. timeout bounds each wait for the other side, and, unless bytes stream in
        or out, the whole. With sink, the bytes of a 200 go there. Raises NoAnswer."""
        call = call or Call()
        sent = False
        try:
            connection, kept = self._take(timeout)
        except OSError as e:
            raise NoAnswer(f"{self.url}: {e}", maybe_done=False) from None
        try:
            if connection.sock is None:
                connection.connect()
            assert connection.sock is not None
            connection.sock.settimeout(timeout)
            call._holds(connection.sock)
            sent = True
            self._send(connection, method, path, headers, body, length)
            response = connection.getresponse()
            answer = self._read(connection, response, timeout, sink, max_answer)
            call._holds(None)
            if response.will_close:
                connection.close()
            else:
                self._keep(connection)
            return answer
        except (OSError, http.client.HTTPException, ValueError) as e:
            connection.close()
            stale = kept and isinstance(e, _STALE)
            if stale and not call.aborted and (body is None or isinstance(body, bytes)):
                # The server had closed it meanwhile. Every call of this package may be repeated:
                # it carries an id, or says the same thing twice.
                return self.request(
                    method, path, headers=headers, body=body, length=length,
                    timeout=timeout, call=call, sink=sink, max_answer=max_answer,
                )
            what = "the call was cancelled" if call.aborted else (str(e) or type(e).__name__)
            raise NoAnswer(f"{self.url}: {what}", maybe_done=sent) from None
        except NoAnswer:
            connection.close()
            raise
        finally:
            with call._lock:
                call._socket = None

    def _take(self, timeout: float) -> Tuple[http.client.HTTPConnection, bool]:
        with self._lock:
            while self._idle:
                since, connection = self._idle.pop()
                if time.monotonic() - since < _IDLE_SECONDS:
                    return connection, True
                connection.close()
        return self._new(timeout), False

    def _new(self, timeout: float) -> http.client.HTTPConnection:
        if self._trust is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=timeout)
        return _NamedConnection(self._host, self._port, timeout, self._trust.context(), self._name)

    def _keep(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            if not self._closed and len(self._idle) < _MAX_IDLE:
                self._idle.append((time.monotonic(), connection))
                return
        connection.close()

    @staticmethod
    def _send(
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: Body,
        length: Optional[int],
    ) -> None:
        all_headers: Dict[str, str] = {"User-Agent": "berth-python", **headers}
        if length is not None:
            all_headers["Content-Length"] = str(length)
        elif body is None and method in ("POST", "PUT"):
            all_headers["Content-Length"] = "0"
        if body is None or isinstance(body, bytes):
            connection.request(method, path, body, all_headers)
            return
        connection.putrequest(method, path)
        chunked = length is None
        if chunked:
            all_headers["Transfer-Encoding"] = "chunked"
        for name, value in all_headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        for chunk in _chunks(body):
            connection.send(b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunked else chunk)
        if chunked:
            connection.send(b"0\r\n\r\n")

    @staticmethod
    def _read(
        connection: http.client.HTTPConnection,
        response: http.client.HTTPResponse,
        timeout: float,
        sink: Optional[BinaryIO],
        max_answer: int,
    ) -> Answer:
        if sink is not None and response.status == 200:
            while True:
                chunk = response.read(_CHUNK)
                if not chunk:
                    break
                sink.write(chunk)
            if response.length:
                raise http.client.IncompleteRead(b"", response.length)
            return Answer(200, b"")
        deadline = time.monotonic() + timeout
        parts, total = [], 0
        while True:
            chunk = response.read(_CHUNK)
            if not chunk:
                break
            parts.append(chunk)
            total += len(chunk)
            if total > max_answer:
                raise ValueError(f"the answer is longer than {max_answer} bytes")
            if time.monotonic() > deadline:
                raise TimeoutError("timed out")
        if response.length:
            raise http.client.IncompleteRead(b"", response.length)
        return Answer(response.status, b"".join(parts))


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while True:
        chunk = stream.read(_CHUNK)
        if not chunk:
            return
        yield chunk
