"""A member of the group that joins by hand and never sends an assignment: a leader that stalls."""

import socket
import struct
from typing import Protocol

_LEAVE_GROUP, _JOIN_GROUP = 13, 11


class Outsider(Protocol):
    """Joins alone first, and so leads; the others wait for the assignment that it does not send."""

    member: str

    def join(self) -> int:
        """Join, or join again; the generation, once all others have joined it too."""


class Wire:
    """Kafka's protocol by hand, as far as it is needed here."""

    def __init__(self, bootstrap: str) -> None:
        host, port = bootstrap.split(":")
        self._socket = socket.create_connection((host, int(port)), 30)

    def ask(self, api: int, version: int, body: bytes) -> bytes:
        """One request; the answer behind its head."""
        content = struct.pack(">hhi", api, version, 1) + text("contract") + body
        self._socket.sendall(struct.pack(">i", len(content)) + content)
        (length,) = struct.unpack(">i", self._read(4))
        return self._read(length)[4:]

    def _read(self, length: int) -> bytes:
        found = b""
        while len(found) < length:
            part = self._socket.recv(length - len(found))
            assert part, "the broker closed the connection"
            found += part
        return found

    def close(self) -> None:
        self._socket.close()


class RealOutsider:
    """On a real broker."""

    def __init__(self, bootstrap: str, group: str, topic: str) -> None:
        self.member = ""
        self._wire = Wire(bootstrap)
        self._group = group
        # A subscription of version 1: topics, no user data, nothing owned.
        self._subscription = struct.pack(">hi", 1, 1) + text(topic) + struct.pack(">ii", -1, 0)

    def join(self) -> int:
        subscription = self._subscription
        body = (
            text(self._group)
            + struct.pack(">ii", 30_000, 60_000)
            + text(self.member)
            + text("consumer")
            + struct.pack(">i", 1)
            + text("cooperative-sticky")
            + struct.pack(">i", len(subscription))
            + subscription
        )
        answer = self._wire.ask(_JOIN_GROUP, 2, body)
        _, error, generation = struct.unpack_from(">ihi", answer)
        assert error == 0, f"JoinGroup was answered with error {error}"
        place = 10
        for _ in range(3):  # protocol, leader, our member id
            (length,) = struct.unpack_from(">h", answer, place)
            self.member = answer[place + 2 : place + 2 + length].decode()
            place += 2 + length
        return int(generation)

    def close(self) -> None:
        self._wire.close()


def leave(bootstrap: str, group: str, member: str) -> None:
    """Tell the group that a member leaves."""
    wire = Wire(bootstrap)
    answer = wire.ask(_LEAVE_GROUP, 0, text(group) + text(member))
    wire.close()
    assert answer == b"\0\0", f"LeaveGroup was answered with {answer!r}"


def text(content: str) -> bytes:
    """A string of the protocol."""
    return struct.pack(">h", len(content)) + content.encode()
