"""One record as it lies on its topic."""

from typing import NamedTuple

Headers = tuple[tuple[str, bytes | None], ...]


class Entry(NamedTuple):
    """One record; `topic` is the catalogue's name, without prefix."""

    topic: str
    partition: int
    offset: int
    timestamp: int  # milliseconds since the epoch: the time of the record (DESIGN §6)
    key: bytes | None
    value: bytes | None
    headers: Headers

    @property
    def place(self) -> str:
        """Where it lies, for people."""
        return f"{self.topic}[{self.partition}]@{self.offset}"

    def __repr__(self) -> str:
        """Where it lies; never its key, which is a subscriber's number (law 11)."""
        return f"Entry({self.place})"
