"""A door for pods to a program that listens on loopback alone."""

import socket
import threading


class Forward:
    """Everything that connects to `address`, of this machine on the pods' bridge, comes out at 127.0.0.1 on the same port."""

    def __init__(self, address: str, port: int):
        self.address = f"{address}:{port}"
        self._port = port
        self._door = socket.create_server((address, port))

    def __enter__(self) -> "Forward":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self._door.close()

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._door.accept()
                inside = socket.create_connection(("127.0.0.1", self._port))
            except OSError:
                return  # Closed, or the program has gone.
            for here, there in ((caller, inside), (inside, caller)):
                threading.Thread(target=_copy, args=(here, there), daemon=True).start()


def _copy(here: socket.socket, there: socket.socket) -> None:
    try:
        while data := here.recv(65536):
            there.sendall(data)
    except OSError:
        pass  # The other direction notices too.
    finally:
        for end in (here, there):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
