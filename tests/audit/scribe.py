"""Writes histories by hand: what a gate that keeps every law would have left on the topics.

The auditor's counterpart in tests. Identifiers, digests and seals are computed here from the
contract, a second time; Avro is written with fastavro. Nothing here decides: a story says what was
asked, heard and charged, and a doctored story says something else, with all its seals in order, so
that only the law that it breaks can tell.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from io import BytesIO
from typing import Any

from confluent_kafka import murmur2
from fastavro import parse_schema, schemaless_writer

from streams.audit import History
from streams.history import Entry
from streams.topics import (
    ALARMS,
    CHARGES,
    DEAD_LETTERS,
    DECISIONS,
    INPUTS,
    MESSAGES,
    REFERENCES,
    REFUNDS,
    TICKS,
    VERDICTS,
)

PARTITIONS = 2
MINUTE = 60_000
LIFE = 15 * MINUTE
GRACE = 10_000
# 10:00 in Shanghai, where the operator is.
MORNING = 1_709_258_400_000
DAY = 19_783

OUTPUTS = (MESSAGES, CHARGES, VERDICTS, REFUNDS, DECISIONS, ALARMS, DEAD_LETTERS)


@dataclass(slots=True, eq=False)
class Draft:
    """A record to be; `fields` are encoded when the history is written, `raw` is written as is."""

    topic: str
    partition: int
    offset: int
    at: int
    key: bytes | None
    fields: dict[str, Any] = field(default_factory=dict)
    raw: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    # A decision's: the record it answers, and what it produced.
    cause: "Draft | None" = None
    effects: list["Draft"] = field(default_factory=list)

    @property
    def where(self) -> tuple[str, int, int]:
        return self.topic, self.partition, self.offset

    @property
    def value(self) -> bytes | None:
        return encode(self.topic, self.fields) if self.fields else self.raw

    @property
    def id(self) -> str:
        """An output's own id: its schema's first field."""
        return str(next(iter(self.fields.values()))) if self.fields else "dead-letter"


@cache
def _schema(topic: str, number: int | None = None) -> tuple[int, Any]:
    folder = files("schemas") / "released"
    rows = json.loads((folder / "ids.json").read_text("utf-8"))
    number = number or max(row["id"] for row in rows if row["name"] == topic)
    return number, parse_schema(
        _bare(json.loads((folder / f"{number}-{topic}.avsc").read_text("utf-8")))
    )


def _bare(schema: Any) -> Any:
    """Times and days are written as the integers they are."""
    if isinstance(schema, dict):
        return {name: _bare(part) for name, part in schema.items() if name != "logicalType"}
    return [_bare(part) for part in schema] if isinstance(schema, list) else schema


def encode(topic: str, fields: dict[str, Any], number: int | None = None) -> bytes:
    """A value as it lies on its topic, by its latest schema or by one of that number."""
    number, schema = _schema(topic, number)
    stream = BytesIO()
    stream.write(b"\0" + number.to_bytes(4, "big"))
    schemaless_writer(stream, schema, fields)
    return stream.getvalue()


def digest(salt: bytes, key: bytes | None, value: bytes | None) -> bytes:
    """What a decision says of a record."""
    hashed = blake2b(key=salt, digest_size=16)
    hashed.update((0xFFFFFFFF if key is None else len(key)).to_bytes(4, "big"))
    hashed.update(key or b"")
    hashed.update(value or b"")
    return hashed.digest()


def base(msisdn: str, order_id: str) -> str:
    """What an order's ids are derived from."""
    return blake2b(f"{msisdn}|{order_id}".encode(), digest_size=16).hexdigest()


class Scribe:
    """The topics under way; each partition of a topic is a list of drafts in offset order."""

    def __init__(self, prefix: str = "vas.", partitions: int = PARTITIONS) -> None:
        self.prefix = prefix
        self.partitions = partitions
        self.logs: dict[tuple[str, int], list[Draft]] = defaultdict(list)
        self.watermark = dict.fromkeys(range(partitions), 0)
        self.committed: dict[tuple[str, int], int] | None = None

    def copy(self) -> "Scribe":
        """The same topics again, to be changed without changing these."""
        return deepcopy(self)

    def log(self, topic: str, partition: int) -> list[Draft]:
        return self.logs[topic, partition]

    def all(self, topic: str) -> list[Draft]:
        """The drafts of a topic, partition by partition."""
        return [draft for at in range(self.partitions) for draft in self.logs[topic, at]]

    def one(self, topic: str, chosen: Callable[[dict[str, Any]], bool]) -> Draft:
        """The only draft of a topic of which this is true."""
        (found,) = (draft for draft in self.all(topic) if chosen(draft.fields))
        return found

    def append(
        self, topic: str, partition: int, at: int, key: bytes | None, fields: dict[str, Any]
    ) -> Draft:
        """Write a record behind the last one."""
        log = self.logs[topic, partition]
        draft = Draft(topic, partition, log[-1].offset + 1 if log else 0, at, key, fields)
        log.append(draft)
        return draft

    def event(self, topic: str, msisdn: str, at: int, **fields: Any) -> Draft:
        """An input of a subscriber."""
        key = msisdn.encode()
        return self.append(
            topic, murmur2(key, self.partitions), at, key, {"msisdn": msisdn, **fields}
        )

    def raw(self, topic: str, msisdn: str, at: int, value: bytes | None) -> Draft:
        """An input that is not what its schema says."""
        draft = self.event(topic, msisdn, at)
        draft.fields, draft.raw = {}, value
        return draft

    def tick(self, at: int) -> None:
        """Time passes, on every partition."""
        for partition in range(self.partitions):
            self.append(TICKS, partition, at, None, {"tick_id": f"t{at}", "at": at})
            self.watermark[partition] = at

    def last_tick(self, partition: int) -> Draft:
        return self.logs[TICKS, partition][-1]

    def decide(
        self,
        cause: Draft,
        reason: str,
        effects: Iterable[Draft] = (),
        key: bytes | None = None,
        at: int | None = None,
        index: int = 0,
        **said: Any,
    ) -> Draft:
        """The gate's answer to a record, behind its last one."""
        # Reference data is told under no policy.
        is_told = cause.topic in REFERENCES
        policy = {} if is_told else {"policy_id": "notice", "policy_version": 1}
        decision = self.append(
            DECISIONS,
            cause.partition,
            cause.at if at is None else at,
            None if is_told else key or cause.key,
            {
                "sequence": len(self.log(DECISIONS, cause.partition)),
                "cause": {
                    "topic": cause.topic,
                    "partition": cause.partition,
                    "offset": cause.offset,
                    "index": index,
                },
                "event_at": cause.at if at is None else at,
                "watermark": self.watermark[cause.partition],
                "reference": [len(self.log(topic, 0)) for topic in REFERENCES],
                "channel": "UNKNOWN",
                "reason": reason,
                "state_before": "UNKNOWN",
                "state_after": "UNKNOWN",
                **policy,
                **said,
            },
        )
        decision.cause, decision.effects = cause, list(effects)
        return decision

    def output(self, topic: str, cause: Draft, at: int, **fields: Any) -> Draft:
        """What a decision on a record produced."""
        return self.append(topic, cause.partition, at, fields["msisdn"].encode(), fields)

    def renumber(self) -> None:
        """Close the holes that a doctored story left in sequences."""
        for partition in range(self.partitions):
            for sequence, decision in enumerate(self.log(DECISIONS, partition)):
                decision.fields["sequence"] = sequence

    def history(self) -> History:
        """Everything as bytes, digests and seals included."""
        topics: dict[str, list[Entry]] = {}
        for topic in (*INPUTS, *REFERENCES, *OUTPUTS):
            drafts = self.all(topic)
            if topic == DECISIONS:
                topics[topic] = [
                    entry
                    for partition in range(self.partitions)
                    for entry in _sealed(self.log(topic, partition))
                ]
            else:
                topics[topic] = [_entry(draft, draft.value) for draft in drafts]
        committed = self.committed
        if committed is None:
            committed = {
                (topic, partition): self.log(topic, partition)[-1].offset + 1
                for topic in INPUTS
                for partition in range(self.partitions)
                if self.log(topic, partition)
            }
        return History(topics, self.partitions, committed, self.prefix)


def _entry(draft: Draft, value: bytes | None) -> Entry:
    return Entry(
        draft.topic, draft.partition, draft.offset, draft.at, draft.key, value, draft.headers
    )


def _sealed(decisions: list[Draft]) -> Iterable[Entry]:
    """One partition's chain."""
    previous = bytes(32)
    for draft in decisions:
        assert draft.cause is not None
        salt = blake2b(repr(draft.where).encode(), digest_size=16).digest()
        fields = draft.fields | {
            "cause_digest": digest(salt, draft.cause.key, draft.cause.value),
            "effects": [
                {"topic": e.topic, "id": e.id, "digest": digest(salt, e.key, e.value)}
                for e in draft.effects
            ],
            "salt": salt,
            "seal": bytes(32),
        }
        unsealed = encode(DECISIONS, fields)[:-32]
        leaf = blake2b(unsealed, key=salt, digest_size=32).digest()
        previous = blake2b(previous + leaf, digest_size=32).digest()
        yield _entry(draft, unsealed + previous)
