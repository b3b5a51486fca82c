"""Which reference records were in force at positions, and why the others were not.

Laws: what counts is the records below the positions, each topic in the order of its offsets,
without those that an act below the same positions sets aside and those with a fault; no turn and
no dead letter changes that. Only where the auditor names no certain fault, and the gate may rightly
differ, a dead letter takes its record out of force. An act may set aside an act that lies before
it: from the last to the first, so that one set aside sets nothing aside.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from streams.audit.letters import Where
from streams.audit.records import OperatorAct, Policy, Reference
from streams.audit.reference_faults import Fault, content_fault, place_fault
from streams.topics import ACTS, REFERENCES

Positions = tuple[int, ...]
_ACTS = REFERENCES.index(ACTS)


class Fold:
    """Every reference record, under the acts on reference data up to one of them."""

    def __init__(self) -> None:
        self.records: dict[str, list[Reference]] = {topic: [] for topic in REFERENCES}
        """Those in force, as far as positions reach."""
        self.aside: dict[Where, OperatorAct] = {}
        self.faults: dict[Where, Fault] = {}
        self.unexplained: set[Where] = set()
        """Those that became dead letters for a fault which the auditor cannot name."""


class Folds:
    """The folds of a history, each made when it is asked for."""

    def __init__(
        self,
        references: Mapping[str, Sequence[Reference]],
        refused: Mapping[Where, Sequence[Positions]],
    ) -> None:
        """`refused`: of records that became dead letters for a fault, the positions of that."""
        self._references = references
        self._refused = refused
        self._acts = [act for act in references[ACTS] if is_on_reference_data(act)]
        self._offsets = [act.entry.offset for act in self._acts]
        self._made: dict[int, Fold] = {}
        self._contents: dict[Where, Fault | None] = {}

    def number(self, positions: Positions) -> int:
        """Which of the folds counts at positions: how many acts on reference data lie below."""
        return bisect_left(self._offsets, positions[_ACTS])

    def of_number(self, number: int) -> Fold:
        """The fold behind so many acts on reference data."""
        if number not in self._made:
            self._made[number] = self._make(number)
        return self._made[number]

    def at(self, positions: Positions) -> Fold:
        """The fold that counts at positions."""
        return self.of_number(self.number(positions))

    def _make(self, number: int) -> Fold:
        acts = [act for act in self._acts[:number] if isinstance(act, OperatorAct)]
        fold = Fold()
        for act in reversed(acts):
            is_backward = act.topic == ACTS and act.offset < act.entry.offset
            if is_backward and act.entry[:3] not in fold.aside:
                fold.aside[ACTS, 0, act.offset] = act
        counted = {act.entry.offset for act in acts}
        for topic in (ACTS, *(name for name in REFERENCES if name != ACTS)):
            for record in self._taken(fold, topic, number):
                fold.records[topic].append(record)
                if (
                    isinstance(record, OperatorAct)
                    and record.entry.offset in counted
                    and record.topic != ACTS
                ):
                    # Of two on one record the first counts.
                    fold.aside.setdefault((record.topic, 0, record.offset), record)
        return fold

    def _taken(self, fold: Fold, topic: str, number: int) -> Iterator[Reference]:
        versions: dict[str, int] = defaultdict(int)
        instants: set[int] = set()
        for record in self._references[topic]:
            where = record.entry[:3]
            if where in fold.aside:
                continue
            fault = place_fault(record, versions, instants) or self._content(record)
            if fault is not None and (fault.certain or where in self._refused):
                fold.faults[where] = fault
            elif self._is_unexplained(where, number):
                fold.unexplained.add(where)
            else:
                named: Any = record
                versions[named[1]] = named.version
                if isinstance(record, Policy):
                    instants.add(record.effective_from)
                yield record

    def _content(self, record: Reference) -> Fault | None:
        where = record.entry[:3]
        if where not in self._contents:
            self._contents[where] = content_fault(record)
        return self._contents[where]

    def _is_unexplained(self, where: Where, number: int) -> bool:
        """Whether the gate refused it, here or before, for what the auditor did not see there."""
        told = {self.number(positions) for positions in self._refused.get(where, ())}
        return number in told or any(
            where in self.of_number(earlier).unexplained for earlier in told if earlier < number
        )


def is_on_reference_data(act: Reference) -> bool:
    """Whether an act that can be read sets a record of reference data aside."""
    return (
        isinstance(act, OperatorAct)
        and act.entry.key == act.act_id.encode()
        and act.kind == "QUARANTINE"
        and act.topic in REFERENCES
        and act.partition == 0
    )
