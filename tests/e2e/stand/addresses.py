"""Which address the next pod gets. The CNI plugin host-local hands addresses out in turn and keeps its book in files: one a
reserved address, and one with the last that it gave."""

import ipaddress
from pathlib import Path


class Addresses:
    def __init__(self, folder: Path, network: str):
        self.folder = folder
        self._book = folder / network

    def taken(self, address: str) -> bool:
        return (self._book / address).exists()

    def give_after(self, address: str) -> None:
        """The next pod gets the first free address behind this one."""
        (self._book / "last_reserved_ip.0").write_text(address)

    def give_next(self, address: str) -> None:
        """The next pod gets this address, which is free."""
        assert not self.taken(address), f"{address} is in use"
        self.give_after(str(ipaddress.ip_address(address) - 1))
