"""Law 9: all or nothing.

A decision, its outputs and the positions it consumed became visible together, once: every input
record taken caused exactly one decision, every effect of a decision lies once on its topic with the
very bytes, and nothing lies on an output topic that no decision names.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator

from streams.audit.derive import digest
from streams.audit.evidence import Evidence
from streams.audit.records import Decision
from streams.audit.report import Finding, finding
from streams.history import Entry
from streams.topics import DEAD_LETTERS, INPUTS, REFERENCES, TICKS

NUMBER = 9
NAME = "all or nothing"


def check(evidence: Evidence, counts: Counter[str]) -> Iterator[Finding]:
    """Inputs against decisions, then decisions against outputs."""
    yield from _causes(evidence)
    yield from _taken(evidence, counts)
    yield from _effects(evidence, counts)


def _causes(evidence: Evidence) -> Iterator[Finding]:
    """Every decision has one cause of its own, on its own partition.

    A reference record may be told again for another reason: law 10 says whether rightly.
    """
    books = evidence.books
    caused: set[tuple[str, int, int, int]] = set()
    for decision in books.all_decisions():
        cause = decision[2:6]
        if cause in caused and decision.topic not in REFERENCES:
            yield finding(NUMBER, decision.entry, "its cause has been decided before")
        caused.add(cause)
        home = 0 if decision.topic in REFERENCES else decision.partition
        if decision.entry.partition != home:
            yield finding(NUMBER, decision.entry, "it and its cause are on two partitions")
        if decision.offset not in books.inputs.get(decision[2:4], {}):
            yield finding(NUMBER, decision.entry, "the record it cites as cause does not exist")
        if decision.topic == TICKS:
            before = (*cause[:3], decision.act - 1)
            # The tick itself is 0, its due acts count on from 1.
            if decision.act > 1 and before not in caused:
                yield finding(NUMBER, decision.entry, "the due act before it is missing")
        elif decision.act != 0:
            yield finding(NUMBER, decision.entry, "only ticks cause more than one decision")


def _taken(evidence: Evidence, counts: Counter[str]) -> Iterator[Finding]:
    """Every record up to the group's position was decided, and none after it."""
    books = evidence.books
    last: dict[tuple[str, int], int] = defaultdict(lambda: -1)
    for decision in books.all_decisions():
        last[decision[2:4]] = max(last[decision[2:4]], decision.offset)
    for home, entries in books.inputs.items():
        if home[0] not in INPUTS:
            continue
        position = last[home] + 1
        known = (books.history.committed or {}).get(home)
        if books.drained:
            position = max(entries) + 1 if entries else 0
            if books.history.committed is not None:
                counts["committed positions"] += 1
                yield from _positions(entries, known or 0, last[home])
        for offset, entry in entries.items():
            if offset >= position:
                counts["inputs not taken yet"] += 1
            elif home[0] == TICKS:
                counts["ticks"] += 1
            else:
                counts["inputs"] += 1
                if (*home, offset) not in books.decided:
                    yield finding(NUMBER, entry, "it was read past, but never decided")


def _positions(entries: dict[int, Entry], committed: int, last: int) -> Iterator[Finding]:
    """The group's position, drained: behind every record (offsets may have holes), no decision."""
    for offset, entry in entries.items():
        if offset >= committed:
            if offset > last and entry.topic == TICKS:
                return  # a worker's last ticks, with nobody left to take them
            said = "was decided but not committed" if offset <= last else "was never committed"
            yield finding(NUMBER, entry, f"it {said} by the group")
            return


def _effects(evidence: Evidence, counts: Counter[str]) -> Iterator[Finding]:
    """Every effect finds its record; every record is found."""
    books = evidence.books
    lying: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for topic, outputs in books.outputs:
        for output in outputs:
            lying[topic, output[1]].append(output.entry)
    letters = {where: list(entries) for where, entries in books.dead_letters.of.items()}
    for decision in books.all_decisions():
        for effect in decision.effects:
            counts["effects"] += 1
            found = (
                letters.get(decision[2:5])
                if effect.topic == DEAD_LETTERS
                else lying.get((effect.topic, effect.id))
            )
            if not found:
                yield finding(NUMBER, decision.entry, f"its effect {effect.id} is not on its topic")
                continue
            entry = found.pop(0)
            yield from _same(decision, effect.digest, entry)
    for leftovers in (*lying.values(), *letters.values()):
        for entry in leftovers:
            yield finding(NUMBER, entry, "no decision names it as its effect")
    if books.beyond:
        counts["outputs of decisions not read"] += books.beyond


def _same(decision: Decision, expected: bytes, entry: Entry) -> Iterator[Finding]:
    if entry.partition != decision.entry.partition:
        yield finding(NUMBER, entry, "it lies on another partition than its decision")
    if digest(decision.salt, entry.key, entry.value) != expected:
        yield finding(NUMBER, entry, "it is not what its decision produced")
