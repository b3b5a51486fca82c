"""What all runs of a process share: codecs generated once, the auditor's schemas, records' bytes.

A simulated worker makes its job anew at each start, as a real one does; only the code generated
from the schemas is kept, which is the same for all of them and takes longer than a whole run.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from streams import topics
from streams.audit import Schemas, released
from streams.codec.classes import types_of
from streams.codec.codecs import Codecs
from streams.codec.fallback import Write
from streams.codec.ids import repository
from streams.egress import records
from streams.gate import effects, events, reference, rows, words
from streams.gate.events import CareAction, DeliveryReport, Order, Reply, Settlement, Tick

HARD = "hard-to-take"
"""A word in a reference record that the workers' version fails at, and a mended one would not."""
Dump = Callable[[Any], bytes]
Load = Callable[[bytes], Any]

TOPIC_OF: dict[type[Any], str] = {
    Order: topics.ORDERS,
    Reply: topics.REPLIES,
    DeliveryReport: topics.DELIVERY_REPORTS,
    Settlement: topics.SETTLEMENTS,
    CareAction: topics.CARE,
    Tick: topics.TICKS,
    reference.Provider: topics.PROVIDERS,
    reference.Service: topics.SERVICES,
    reference.Policy: topics.POLICIES,
    reference.CreditChange: topics.CREDITS,
    reference.OperatorAct: topics.ACTS,
}


class KeptCodecs(Codecs):
    """Codecs that generate each encoder and row codec once."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._encoders: dict[tuple[str, type[Any]], Write] = {}
        self._rows: dict[tuple[str, type[Any]], tuple[Dump, Load]] = {}

    def encoder(self, topic_name: str, record_type: type[Any]) -> Write:
        found = self._encoders.get((topic_name, record_type))
        if found is None:
            found = super().encoder(topic_name, record_type)
            self._encoders[topic_name, record_type] = found
        return found

    def row_codec(self, name: str, record_type: type[Any]) -> tuple[Dump, Load]:
        found = self._rows.get((name, record_type))
        if found is None:
            found = self._rows[name, record_type] = super().row_codec(name, record_type)
        return found


class FailingCodecs(KeptCodecs):
    """Those of a version of the program that fails at some reference records."""

    def decode(self, topic_name: str, value: bytes | None) -> Any:
        assert topic_name not in topics.REFERENCES or HARD.encode() not in (value or b""), "hard"
        return super().decode(topic_name, value)


@cache
def codecs() -> KeptCodecs:
    """The repository's."""
    return KeptCodecs(_types(), repository())


@cache
def failing_codecs() -> FailingCodecs:
    """The repository's, with a mistake of ours; what workers run."""
    return FailingCodecs(_types(), repository())


def _types() -> Any:
    return types_of(words, events, effects, reference, rows, records)


@cache
def schemas() -> Schemas:
    """The auditor's reading of them."""
    return released()


def encoded(record: Any) -> bytes:
    """A record as its writer would write it."""
    kind = type(record)
    return codecs().encoder(TOPIC_OF[kind], kind)(record)
