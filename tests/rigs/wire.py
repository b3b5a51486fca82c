"""What a proxy must read of Kafka's protocol: which request a frame is, from whom, about what.

A frame is four bytes of length and as many bytes. A request begins with API key (int16), version
(int16), correlation id (int32), client id (nullable string); an answer with the correlation id.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

from confluent_kafka import KafkaError

_HEAD = struct.Struct(">hhi")
_SHORT = struct.Struct(">h")
_END = struct.Struct(">qhb")


class Api(IntEnum):
    """The requests that faults are aimed at."""

    PRODUCE = 0
    FETCH = 1
    LIST_OFFSETS = 2
    METADATA = 3
    OFFSET_COMMIT = 8
    OFFSET_FETCH = 9
    FIND_COORDINATOR = 10
    JOIN_GROUP = 11
    HEARTBEAT = 12
    SYNC_GROUP = 14
    INIT_PRODUCER_ID = 22
    ADD_PARTITIONS_TO_TXN = 24
    ADD_OFFSETS_TO_TXN = 25
    END_TXN = 26
    TXN_OFFSET_COMMIT = 28


@dataclass(frozen=True, slots=True)
class Request:
    """One request as far as it was read; `about` says what an EndTxn ends."""

    api: int
    version: int
    correlation: int
    client: str
    about: str = ""
    transactional_id: str = ""
    """Of an EndTxn."""

    def __str__(self) -> str:
        name = Api(self.api).name if self.api in set(Api) else f"api {self.api}"
        return f"{name}{' ' + self.about if self.about else ''}"


def request(frame: bytes) -> Request:
    """Read a request's head (without the length); `frame` is the whole of it."""
    api, version, correlation = _HEAD.unpack_from(frame)
    (length,) = _SHORT.unpack_from(frame, _HEAD.size)
    start = _HEAD.size + _SHORT.size
    client = frame[start : start + max(0, length)].decode(errors="replace")
    about = name = ""
    if api == Api.END_TXN and version < 3:  # later ones are encoded in another way
        name, about = _end_of_transaction(frame[start + max(0, length) :])
    return Request(api, version, correlation, client, about, name)


def answers(frame: bytes) -> int:
    """The correlation id of the request that this frame answers."""
    (correlation,) = struct.unpack_from(">i", frame)
    return int(correlation)


def said(asked: Request, frame: bytes) -> str:
    """What an answer says: the error of an EndTxn by name, else its bytes."""
    if asked.api == Api.END_TXN and asked.version < 3:
        (code,) = _SHORT.unpack_from(frame, 8)  # behind correlation id and throttle time
        return str(KafkaError(code).name())
    return frame[4:].hex()


def _end_of_transaction(body: bytes) -> tuple[str, str]:
    (length,) = _SHORT.unpack_from(body)
    name = body[_SHORT.size : _SHORT.size + length].decode()
    producer, epoch, commits = _END.unpack_from(body, _SHORT.size + length)
    word = "commit" if commits else "abort"
    return name, f"{word} {name} producer {producer} epoch {epoch}"
