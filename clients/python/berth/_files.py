"""The files of a session's directory."""

from __future__ import annotations

import dataclasses
import datetime
import os
import stat
import tempfile
import urllib.parse
from typing import Any, List, Union

from . import _http
from .errors import InvalidArgument

Path = Union[str, "os.PathLike[str]"]


@dataclasses.dataclass(frozen=True)
class FileEntry:
    """One line of a directory. type: file, directory, symlink or other. size in bytes. name is as
    Python has file names: bytes that are no UTF-8 are surrogates (PEP 383)."""

    name: str
    type: str
    size: int
    modified: datetime.datetime


class SessionFiles:
    """What a Session does with files. Paths are relative to the session's directory."""

    def put_file(self, path: str, local: Path) -> int:
        """Uploads a local file, streamed. It appears whole or not at all. Gives its size."""
        with open(local, "rb") as source:
            info = os.fstat(source.fileno())
            if not stat.S_ISREG(info.st_mode):
                raise InvalidArgument(f"{os.fspath(local)!r} is not a regular file", field="local")
            return self._put(path, source, info.st_size)

    def put_bytes(self, path: str, data: bytes) -> int:
        return self._put(path, bytes(data), len(data))

    def get_file(self, path: str, local: Path) -> None:
        """Downloads a file, streamed. The local file is replaced only when all of it has come."""
        target = os.path.realpath(local)  # What a link leads to, not the link.
        if os.path.exists(target) and not os.path.isfile(target):
            raise InvalidArgument(
                f"{os.fspath(local)!r} is not a regular file; get_bytes() needs none", field="local"
            )
        with tempfile.NamedTemporaryFile(
            dir=os.path.dirname(target), prefix=".berth-", delete=False
        ) as sink:
            try:
                self._answered("GET", _file_path(path), sink=sink)
                sink.close()
                os.chmod(sink.name, 0o666 & ~_umask())
                os.replace(sink.name, target)
            except BaseException:
                sink.close()
                os.unlink(sink.name)
                raise

    def get_bytes(self, path: str, max_bytes: int = 64 << 20) -> bytes:
        return self._answered("GET", _file_path(path), max_answer=max_bytes).body

    def list_files(self, path: str = "") -> List[FileEntry]:
        """At most 10,000 entries, by name."""
        listing = self._answered("GET", _file_path(path, empty=True)).json()
        return [
            FileEntry(_name(e), e["type"], e["size"], _time(e["modified"]))
            for e in listing["entries"]
        ]

    def _put(self, path: str, body: _http.Body, length: int) -> int:
        answer = self._answered("PUT", _file_path(path), body=body, length=length)
        return int(answer.json()["bytes"])

    def _answered(self, method: str, suffix: str, **options: Any) -> _http.Answer:
        raise NotImplementedError


def _file_path(path: str, *, empty: bool = False) -> str:
    parts = path.split("/") if path else []
    if (not parts and not empty) or any(p in ("", ".", "..") for p in parts):
        raise InvalidArgument(
            f"must be relative, without empty parts, '.' and '..', is {path!r}", field="path"
        )
    return "/files/" + "/".join(
        urllib.parse.quote(p, safe="", errors="surrogateescape") for p in parts
    )


def _name(entry: Any) -> str:
    encoded = entry.get("encodedName")
    if encoded is None:
        return str(entry["name"])
    return urllib.parse.unquote(encoded, errors="surrogateescape")


def _time(text: str) -> datetime.datetime:
    base = text.split(".")[0].rstrip("Z")
    return datetime.datetime.strptime(base, "%Y-%m-%dT%H:%M:%S").replace(
        tzinfo=datetime.timezone.utc
    )


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
