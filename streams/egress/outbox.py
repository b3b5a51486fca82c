"""What a decision sends, and the record of it, in the partition's open transaction.

Every effect is encoded, sent to its topic under the decision's key, and named in the decision with
its digest; the decision itself comes last, sealed onto the one before. One outbox serves all
partitions; what belongs to one (the sequence, the last seal, what is counted for alarms) is in
`Chain` and travels in the partition's carry, so it goes on across owners.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from streams.codec.codecs import Codecs
from streams.egress import records
from streams.egress.dead_letters import Header, Origin, headers
from streams.egress.sealing import FIRST_SEAL, SEAL_BYTES, digest, seal
from streams.engine import PartitionTurn
from streams.gate.decision import Decision, Effect
from streams.gate.effects import (
    Alarm,
    Charge,
    DeadLetter,
    Message,
    RefundRequest,
    Verdict,
    effect_id,
)
from streams.gate.watch import NOTHING, Watch
from streams.topics import (
    ACTS,
    ALARMS,
    CHARGES,
    DEAD_LETTERS,
    DECISIONS,
    MESSAGES,
    REFUNDS,
    VERDICTS,
)

_TOPIC_OF: tuple[tuple[type[Any], str], ...] = (
    (Message, MESSAGES),
    (Charge, CHARGES),
    (Verdict, VERDICTS),
    (RefundRequest, REFUNDS),
    (Alarm, ALARMS),
)


# A carry as it was before alarms were counted has a tick's value where this stands, and that begins
# with the zero of Confluent's framing.
_WATCHED = b"\x01"
_HEAD_BYTES = 8 + SEAL_BYTES
_WATCH_BYTES = 8 + 4 + 4


class Chain(NamedTuple):
    """Where a partition's decisions have got to.

    Its carry is the sequence (8 bytes, big-endian), the seal, a mark, the watch (the window's
    beginning in 8 bytes, two counts of 4 each), and the tick's value to the end.
    """

    sequence: int
    """Of the next decision."""
    seal: bytes
    """Of the last one."""
    tick: bytes
    """The value of the tick that last moved the watermark: the cause of due acts."""
    watch: Watch = NOTHING
    """What was counted for alarms in the window at hand."""

    def moved_by(self, tick: bytes) -> "Chain":
        """The same chain after another tick."""
        return Chain(self.sequence, self.seal, tick, self.watch)

    def watched(self, watch: Watch) -> "Chain":
        """The same chain with other counts."""
        return Chain(self.sequence, self.seal, self.tick, watch)

    def dump(self) -> bytes:
        """As it travels in the partition's carry."""
        since, dead_letters, refusals = self.watch
        return (
            self.sequence.to_bytes(8, "big")
            + self.seal
            + _WATCHED
            + since.to_bytes(8, "big")
            + dead_letters.to_bytes(4, "big")
            + refusals.to_bytes(4, "big")
            + self.tick
        )

    @classmethod
    def load(cls, carry: bytes) -> "Chain":
        """The chain of a partition; a new one begins at 0 with a seal of zeros.

        A carry from before alarms were counted has no mark and no watch.
        """
        if not carry:
            return cls(0, FIRST_SEAL, b"")
        rest = carry[_HEAD_BYTES:]
        least = _HEAD_BYTES if rest[:1] in (b"", b"\x00") else _HEAD_BYTES + 1 + _WATCH_BYTES
        if len(carry) < least:
            raise ValueError(f"a chain of {len(carry)} bytes, expected at least {least}")
        sequence, last = int.from_bytes(carry[:8], "big"), carry[8:_HEAD_BYTES]
        if least == _HEAD_BYTES:
            return cls(sequence, last, rest)
        if rest[:1] != _WATCHED:
            raise ValueError(f"a chain with the mark {rest[0]}, expected {_WATCHED[0]}")
        numbers = rest[1 : 1 + _WATCH_BYTES]
        seen = Watch(
            int.from_bytes(numbers[:8], "big"),
            int.from_bytes(numbers[8:12], "big"),
            int.from_bytes(numbers[12:], "big"),
        )
        return cls(sequence, last, rest[1 + _WATCH_BYTES :], seen)


class Cause(NamedTuple):
    """The record a decision answers, as it lies in the log."""

    topic: str
    """Catalogue name, without prefix."""
    partition: int
    offset: int
    act: int
    """0 for the record itself; due acts of one tick count on from 1."""
    key: bytes | None
    value: bytes | None
    headers: list[Header] | None
    at: int
    """Its timestamp in ms; for a due act the instant it was due."""


class Outbox:
    """Encoders and topic names, made once."""

    def __init__(
        self, codecs: Codecs, prefix: str, group: str, draw_salt: Callable[[], bytes]
    ) -> None:
        self._prefix = prefix
        self._group = group
        self._draw_salt = draw_salt
        self._encode = codecs.encoder(DECISIONS, records.Decision)
        self._decisions = prefix + DECISIONS
        self._dead_letters = prefix + DEAD_LETTERS
        self._outlets: dict[type[Any], tuple[str, str, Callable[[Any], bytes]]] = {
            kind: (topic, prefix + topic, codecs.encoder(topic, kind)) for kind, topic in _TOPIC_OF
        }

    def send(
        self,
        partition: PartitionTurn,
        chain: Chain,
        key: bytes | None,
        cause: Cause,
        decision: Decision,
        policy: tuple[str | None, int | None],
    ) -> Chain:
        """Send a decision's effects and its record; the chain with this decision on it.

        `key` is the subscriber's number, or None where the cause's key is none.
        """
        salt = self._draw_salt()
        effects = tuple(
            self._send_effect(partition, key, cause, effect, decision, salt)
            for effect in decision.effects
        )
        value = self._encode(
            records.Decision(
                chain.sequence,
                records.Cause(cause.topic, cause.partition, cause.offset, cause.act),
                digest(salt, cause.key, cause.value or b""),
                cause.at,
                partition.watermark,
                partition.references,
                policy[0],
                policy[1],
                decision.order_id,
                decision.prompt_id,
                decision.charge_id,
                decision.complaint_id,
                decision.channel,
                decision.province,
                decision.provider_id,
                decision.service_id,
                decision.price_minor,
                decision.rule,
                decision.reason,
                decision.before,
                decision.after,
                decision.would_ask,
                decision.evidence,
                effects,
                salt,
                FIRST_SEAL,
            )
        )
        unsealed = value[:-SEAL_BYTES]
        sealed = seal(chain.seal, salt, unsealed)
        partition.send(self._decisions, key, unsealed + sealed)
        return Chain(chain.sequence + 1, sealed, chain.tick, chain.watch)

    def _send_effect(
        self,
        partition: PartitionTurn,
        key: bytes | None,
        cause: Cause,
        effect: Effect,
        decision: Decision,
        salt: bytes,
    ) -> records.Effect:
        if isinstance(effect, DeadLetter):
            return self._send_dead_letter(partition, cause, effect, _act(decision), salt)
        name, topic, encode = self._outlets[type(effect)]
        value = encode(effect)
        partition.send(topic, key, value)
        return records.Effect(name, effect_id(effect), digest(salt, key, value))

    def _send_dead_letter(
        self, partition: PartitionTurn, cause: Cause, effect: DeadLetter, act_id: str, salt: bytes
    ) -> records.Effect:
        origin = Origin(self._prefix + cause.topic, cause.partition, cause.offset)
        told = headers(cause.headers, origin, self._group, effect.cause, effect.detail, act_id)
        partition.send(self._dead_letters, cause.key, cause.value, told)
        name = f"{cause.topic}|{cause.partition}|{cause.offset}"
        return records.Effect(DEAD_LETTERS, name, digest(salt, cause.key, cause.value or b""))


def _act(decision: Decision) -> str:
    """The id of the operator's act that a decision cites; empty without one."""
    return next((each.id for each in decision.evidence if each.topic == ACTS), "")
