"""The gate's recorded answer as it goes on the wire: field for field schemas/decisions.v1.avsc.

Laws: the seal is the last field and the last 32 bytes of a decision's value, always; the sealing
of a partition's chain relies on it. Knows the words of the gate and nothing of how it decides.
"""

from typing import NamedTuple

from streams.gate.effects import Evidence
from streams.gate.words import Channel, Reason, State


class Cause(NamedTuple):
    """The record that caused a decision."""

    topic: str  # catalogue name, without prefix
    partition: int
    offset: int
    # 0 for the record itself; due acts of one tick count on. The schema's word hides tuple.index,
    # which nobody asks of a record.
    index: int  # type: ignore[assignment]


class Effect(NamedTuple):
    """A record produced with a decision."""

    topic: str  # catalogue name, without prefix
    id: str
    digest: bytes  # of its key and value


class Decision(NamedTuple):
    """One input's or due act's answer, with what chains it to the one before."""

    sequence: int  # per partition, from 0, without holes
    cause: Cause
    cause_digest: bytes  # of the cause's key and value
    event_at: int  # UTC; the record's timestamp, for a due act its instant
    watermark: int  # UTC; of the partition when deciding
    reference: tuple[int, ...]  # next offsets of the reference topics, in the catalogue's order
    policy_id: str | None
    policy_version: int | None
    order_id: str | None
    prompt_id: str | None
    charge_id: str | None
    complaint_id: str | None
    channel: Channel
    province: str | None
    provider_id: str | None
    service_id: str | None
    price_minor: int | None  # minor units of the currency (fen, cents)
    rule: str | None  # name of the policy's rule that matched
    reason: Reason
    state_before: State  # of the subscriber, service and day
    state_after: State
    would_ask: str | None  # under SHADOW: what the subscriber would have been asked
    evidence: tuple[Evidence, ...]
    effects: tuple[Effect, ...]
    salt: bytes  # random; recorded, so that a replay takes it from here
    seal: bytes  # BLAKE2b-256 of the previous seal and this record's salted hash
