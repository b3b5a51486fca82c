"""Writes down what the real gate decided, in memory, as it would lie on the topics.

The bridge between the tests' gate (tests/gate/harness.py) and the auditor: events, ticks, reference
data, outputs and decisions become drafts, field for field; nothing is judged here. One partition.
"""

from collections import defaultdict
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from streams.gate.decide import Event
from streams.gate.decision import Effect
from streams.gate.effects import Alarm, Charge, DeadLetter, Message, RefundRequest, Verdict
from streams.gate.watch import NOTHING, watch
from streams.topics import (
    ALARMS,
    CHARGES,
    DEAD_LETTERS,
    MESSAGES,
    POLICIES,
    PROVIDERS,
    REFUNDS,
    SERVICES,
    TICKS,
    VERDICTS,
)
from tests.audit.scribe import Draft, Scribe
from tests.gate.harness import TOPICS, Gate, Taken

_OUTLETS: dict[type[Any], str] = {
    Message: MESSAGES,
    Charge: CHARGES,
    Verdict: VERDICTS,
    RefundRequest: REFUNDS,
    Alarm: ALARMS,
}
_SAID = (
    *("order_id", "prompt_id", "charge_id", "complaint_id", "province", "provider_id"),
    *("service_id", "price_minor", "rule", "would_ask"),
)


def plain(value: Any) -> Any:
    """A value of the gate's as Avro's fields hold it."""
    if isinstance(value, StrEnum):
        return str(value)
    if hasattr(value, "_fields"):
        return {name: plain(getattr(value, name)) for name in value._fields}
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    return value


class Recorder:
    """Gives a gate its events, and writes down what it makes of them."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.scribe = Scribe(partitions=1)
        self._written: dict[tuple[str, str], int] = defaultdict(int)
        self._watched = NOTHING

    def take(self, event: Event, at: int) -> None:
        """A record that the gate decides on."""
        self.reference()
        # The gate in memory counts what it has taken for the offset of the next record.
        before = len(self.gate.taken)
        fields = plain(event)
        record = self.scribe.event(TOPICS[type(event)], fields.pop("msisdn"), at, **fields)
        record.offset = before
        self.gate.take(event, at)
        self._decided(record, self.gate.taken[before:])

    def tick(self, at: int) -> None:
        """Time passes, and what is due is decided."""
        self.reference()
        before = len(self.gate.taken)
        self.scribe.tick(at)
        self.gate.tick(at)
        self.scribe.watermark[0] = self.gate.watermark
        self._decided(self.scribe.last_tick(0), self.gate.taken[before:])

    def reference(self) -> None:
        """Publish the reference data that the gate has read since the last time."""
        catalogue = self.gate.catalogue
        policies = [policy.record for policy in catalogue.policies.values()]
        for topic, rows in (
            (PROVIDERS, [*catalogue.providers.values()]),
            (SERVICES, [*catalogue.services.values()]),
            (POLICIES, sorted(policies, key=lambda policy: policy.version)),
        ):
            for row in rows:
                name = topic, str(row[0])
                # Versions between two looks are not seen, and are not missed by what is decided.
                for version in range(self._written[name] + 1, row.version + 1):
                    content = plain(row) | {"version": version}
                    self.scribe.append(topic, 0, 0, str(row[0]).encode(), content)
                self._written[name] = max(self._written[name], row.version)

    def _decided(self, cause: Draft, taken: Sequence[Taken]) -> None:
        for index, (event, at, decision) in enumerate(
            (each.event, each.at, each.decision) for each in taken
        ):
            key = event.msisdn.encode()
            policy = self.gate.catalogue.policy_at(at)
            facts = self.gate.facts(event, at)
            self._watched, watched = watch(self._watched, decision, facts)
            fields = plain(decision)
            self.scribe.decide(
                cause,
                str(decision.reason),
                [self._sent(cause, key, at, effect) for effect in watched.effects],
                key=key,
                at=at,
                index=index + 1 if cause.topic == TICKS else 0,
                channel=str(decision.channel),
                evidence=fields["evidence"],
                state_before=str(decision.before),
                state_after=str(decision.after),
                policy_id=policy.policy_id if policy else None,
                policy_version=policy.version if policy else None,
                **{name: fields[name] for name in _SAID},
            )

    def _sent(self, cause: Draft, key: bytes, at: int, effect: Effect) -> Draft:
        if not isinstance(effect, DeadLetter):
            return self.scribe.append(_OUTLETS[type(effect)], 0, at, key, plain(effect))
        letter = self.scribe.append(DEAD_LETTERS, 0, at, key, {})
        letter.raw = cause.value
        letter.headers = died(self.scribe.prefix, cause, effect.cause, effect.detail)
        return letter


def died(
    prefix: str, record: Draft, cause: str, detail: str
) -> tuple[tuple[str, bytes | None], ...]:
    """The headers of a dead letter."""
    said = {
        "__connect.errors.topic": prefix + record.topic,
        "__connect.errors.partition": str(record.partition),
        "__connect.errors.offset": str(record.offset),
        "__connect.errors.stage": "VALUE_CONVERTER",
        "__connect.errors.exception.class.name": f"tollgate.{cause}",
        "__connect.errors.exception.message": detail,
        "tollgate.cause": cause,
    }
    return (*record.headers, *((name, text.encode()) for name, text in said.items()))
