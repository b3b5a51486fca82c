"""One pass through one partition: its decisions in order, their causes and effects beside them.

Memory: a reading for each home of the partition (streams/history says its bound), the few records
that are looked ahead, the head at hand.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from streams.audit.books import is_msisdn
from streams.audit.derive import FIRST_SEAL, digest
from streams.audit.strict import Schemas
from streams.audit.verify.decisions import Chain, Link, read_link
from streams.audit.verify.heads import Head
from streams.audit.verify.inlets import Inlet
from streams.audit.verify.outlets import Claim, Outlet, Trust
from streams.audit.verify.result import Flaw, Verified
from streams.history import Entry, Source, Span
from streams.topics import CATALOGUE, DECISIONS, INPUTS, REFERENCES, TICKS, Kind

_OUTPUTS = tuple(
    topic.name for topic in CATALOGUE if topic.kind is Kind.OUTPUT and topic.name != DECISIONS
)


class PartitionPass:
    """Verifies one partition, from its first decision or from behind a signed head."""

    def __init__(
        self,
        source: Source,
        number: int,
        schemas: Schemas,
        heads: Mapping[int, Head],
        begin: Head | None,
    ) -> None:
        self.result = Verified(number)
        self._source = source
        self._spans = source.spans
        self._number = number
        self._schemas = schemas
        self._heads = {
            sequence: head
            for sequence, head in heads.items()
            if begin is None or sequence > begin.sequence
        }
        self._begin = begin
        self._positions: dict[str, int] = {} if begin is None else dict(begin.positions)
        self._inlets: dict[tuple[str, int, bool], Inlet] = {}
        self._gone_causes: dict[str, int] = {}
        self._last: Link | None = None
        # Decisions that were changed: which record each was made on is not known.
        self._doubted = 0
        span = self._spans[DECISIONS, number]
        # Without the beginning of the decisions nobody can tell whose effects come first.
        self._has_effects = begin is not None or span.begin == 0
        self._chain = self._make_chain(span)
        self._outlets = self._make_outlets() if self._has_effects else {}
        for topic in INPUTS:
            if topic != TICKS:
                at = self._positions.get(topic, self._spans[topic, number].begin)
                self._inlets[topic, number, False] = self._make_inlet(topic, number, at)

    def steps(self) -> Iterator[int]:
        """Check everything; after each decision the offset that has been reached."""
        for link, is_sealed in self._chain.follow():
            if is_sealed:
                self._sealed(link)
            else:
                self._doubted += 1
                self._claim(link, Trust.DOUBTED)
            yield link.entry.offset
        self._finish()

    # -- where each home begins --------------------------------------------------------------------

    def _make_chain(self, span: Span) -> Chain:
        head = self._begin
        if head is not None:
            self._check_begins(head)
            at, sequence, previous = head.offset + 1, head.sequence + 1, bytes.fromhex(head.seal)
        elif span.begin == 0:
            at, sequence, previous = 0, 0, FIRST_SEAL
        else:
            at, sequence, previous = span.begin, 0, None
            self.result.gone.append(
                f"{self._named(DECISIONS)}: offsets 0 to {span.begin - 1} are gone; the chain is "
                "checked from what is left on, and no effects: name a signed head with --from"
            )
        entries = self._source.read((DECISIONS, self._number), min(at, span.end), span.end)
        return Chain(entries, self._schemas, self.result, sequence, previous, at)

    def _check_begins(self, head: Head) -> None:
        for topic, at in head.positions.items():
            there = self._spans[topic, self._number]
            if at < there.begin:
                self.result.gone.append(
                    f"{self._named(topic)}: offsets {at} to {there.begin - 1} are gone, which lie "
                    f"behind the signed head of decision {head.sequence}"
                )
        there = self._spans[DECISIONS, self._number]
        if head.offset < there.begin:
            return  # removed: what follows is sealed onto what was signed
        home = DECISIONS, self._number
        end = min(head.offset + 1, there.end)
        entry = next(self._source.read(home, min(head.offset, end), end), None)
        if entry is None or (entry.value or b"")[-len(FIRST_SEAL) :].hex() != head.seal:
            told = f"decision {head.sequence}, whose head was signed ({head.at_text}), is not there"
            self.result.flaw(Flaw(DECISIONS, self._number, head.offset, told))

    def _make_outlets(self) -> dict[str, Outlet]:
        outlets = {}
        for topic in _OUTPUTS:
            home = topic, self._number
            span = self._spans[home]
            at = max(self._positions.get(topic, 0), span.begin)
            outlet = Outlet(
                home, at, self._source.read(home, at, span.end), self._source.prefix, self.result
            )
            if self._begin is not None and at == self._positions.get(topic, 0):
                outlet.begins_sealed()
            outlets[topic] = outlet
        return outlets

    def _make_inlet(self, topic: str, partition: int, at: int) -> Inlet:
        span = self._spans[topic, partition]
        begin = max(at, span.begin)
        is_whole = topic in INPUTS and topic != TICKS
        entries = self._source.read((topic, partition), min(begin, span.end), span.end)
        return Inlet(entries, self._passed if is_whole else _let_pass)

    # -- one decision ------------------------------------------------------------------------------

    def _sealed(self, link: Link) -> None:
        self._last = link
        self.result.counts["decisions"] += 1
        head = self._heads.pop(link.sequence, None)
        if head is not None:
            if head.seal == link.seal.hex():
                self.result.counts["signed heads"] += 1
            else:
                self._flaw(
                    link.entry,
                    f"decision {link.sequence} is not the one whose head was signed "
                    f"({head.at_text}): it, or one before it since the last head that holds, was "
                    "rewritten",
                )
        self._check_cause(link)
        self._claim(link, Trust.SEALED)

    def _check_cause(self, link: Link) -> None:
        assert link.fields is not None
        fields, cause = link.fields, link.fields["cause"]
        topic, partition, offset = cause["topic"], cause["partition"], cause["offset"]
        span = self._spans.get((topic, partition))
        if span is not None and offset < span.begin:
            self._gone_causes[topic] = self._gone_causes.get(topic, 0) + 1
            return
        entry = None
        if span is not None:
            # An unreadable tick may be taken between the due acts of the one before it.
            at = topic, partition, topic == TICKS and cause["index"] > 0
            inlet = self._inlets.get(at)
            if inlet is None or (topic in REFERENCES and inlet.is_past(offset)):
                self._inlets[at] = self._make_inlet(topic, partition, offset)
            entry = self._inlets[at].find(offset)
        if entry is None:
            told = f"the record that decision {link.sequence} was made on is missing here"
            self.result.flaw(Flaw(topic, partition, offset, told))
            return
        self.result.counts["causes"] += 1
        if topic != TICKS or cause["index"] > 0:
            # The tick at hand may be cited again.
            self._positions[topic] = offset + (topic != TICKS)
        self._compare(link, fields, entry)

    def _compare(self, link: Link, fields: dict[str, Any], entry: Entry) -> None:
        is_due = fields["cause"]["index"] > 0
        if digest(fields["salt"], entry.key, entry.value) != fields["cause_digest"]:
            self._flaw(entry, f"it is not what decision {link.sequence} was made on")
        elif entry.timestamp != fields["watermark" if is_due else "event_at"]:
            self._flaw(entry, f"its time is not the one that decision {link.sequence} has of it")
        elif not is_due:
            is_subscribers = (
                entry.topic in INPUTS and entry.key is not None and is_msisdn(entry.key)
            )
            if link.entry.key != (entry.key if is_subscribers else None):
                self._flaw(link.entry, "its key is not that of the record it was made on")

    def _claim(self, link: Link, trust: Trust) -> None:
        if link.fields is None or not self._has_effects:
            return
        fields, cause = link.fields, link.fields["cause"]
        where = cause["topic"], cause["partition"], cause["offset"]
        for effect in fields["effects"]:
            outlet = self._outlets.get(effect["topic"])
            if outlet is None:
                if trust is Trust.SEALED:
                    self._flaw(link.entry, f"it names the topic {effect['topic']}: there is none")
                continue
            outlet.claim(
                Claim(
                    link.entry,
                    fields["sequence"],
                    where,
                    effect["id"],
                    effect["digest"],
                    fields["salt"],
                    trust,
                )
            )

    # -- the end -----------------------------------------------------------------------------------

    def _finish(self) -> None:
        for sequence, head in sorted(self._heads.items()):
            told = f"decision {sequence}, whose head was signed ({head.at_text}), is not there"
            self.result.flaw(Flaw(DECISIONS, self._number, self._chain.next, told))
        if any(outlet.has_more() for outlet in self._outlets.values()):
            self._claim_later()
        for outlet in self._outlets.values():
            outlet.finish()
        self._tell_gone()
        if self.result.holds:
            self.result.head = self._head()

    def _claim_later(self) -> None:
        """What is left was sent by decisions after the end, or by nobody."""
        later = self._source.later()
        end = later.spans[DECISIONS, self._number].end
        for entry in later.read((DECISIONS, self._number), self._chain.next, end):
            self._claim(read_link(entry, self._schemas), Trust.LATER)
            if not any(outlet.has_more() for outlet in self._outlets.values()):
                return

    def _tell_gone(self) -> None:
        for topic, count in self._gone_causes.items():
            told = f"{self._named(topic)}: what {count:,} decisions were made on is gone"
            self.result.gone.append(told)
        for topic, outlet in self._outlets.items():
            if outlet.gone:
                told = f"{self._named(topic)}: {outlet.gone:,} records that were sent are gone"
                self.result.gone.append(told)

    def _head(self) -> Head | None:
        """Where checking has got to, to be signed."""
        if self._last is None:
            return self._begin
        positions = {topic: outlet.reached for topic, outlet in self._outlets.items()}
        entry = self._last.entry
        return Head(
            self._source.prefix,
            self._number,
            self._last.sequence,
            self._last.seal.hex(),
            entry.offset,
            entry.timestamp,
            self._positions | positions,
        )

    def _passed(self, entry: Entry) -> None:
        if self._doubted:
            self._doubted -= 1
            return
        self._flaw(entry, "no decision was made on it, and later ones were decided")

    def _named(self, topic: str) -> str:
        return f"{self._source.prefix}{topic} partition {self._number}"

    def _flaw(self, entry: Entry, sentence: str) -> None:
        self.result.flaw(Flaw(*entry[:3], sentence))


def _let_pass(entry: Entry) -> None:
    """Most ticks cause nothing, and reference records but faulty ones."""


def by_sequence(heads: Iterable[Head], partition: int) -> dict[int, Head]:
    """The heads of one partition by the decision they are of."""
    return {head.sequence: head for head in heads if head.partition == partition}
