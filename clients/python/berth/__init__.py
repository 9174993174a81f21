"""Sessions on Berth workers.

A session is a reservation of one slot on one worker. Its activities all run there, one machine, one
directory, until it is completed::

    import berth

    with berth.Client() as client:
        with client.session("files", execution_timeout=600) as s:
            s.put_file("in.dat", "/data/in.dat")
            result = s.run("process", {"file": "in.dat"})
            s.get_file("out.dat", "/data/out.dat")

The operations and errors are those of the C++ client; README.md lists what differs.
"""

from ._files import FileEntry
from .activity import Activity, ActivityResult
from .client import Client
from .errors import (
    ActivityFailed,
    BerthError,
    Cancelled,
    CreationTimeout,
    InternalError,
    InvalidArgument,
    NoSession,
    PermissionDenied,
    PoolNotFound,
    SessionFailed,
    SessionFileNotFound,
    Unauthenticated,
    Unavailable,
    WorkerGone,
)
from .session import Session, SessionHandle, SessionState

__all__ = [
    "Activity",
    "ActivityFailed",
    "ActivityResult",
    "BerthError",
    "Cancelled",
    "Client",
    "CreationTimeout",
    "FileEntry",
    "InternalError",
    "InvalidArgument",
    "NoSession",
    "PermissionDenied",
    "PoolNotFound",
    "Session",
    "SessionFailed",
    "SessionFileNotFound",
    "SessionHandle",
    "SessionState",
    "Unauthenticated",
    "Unavailable",
    "WorkerGone",
]
__version__ = "0.1.0"
