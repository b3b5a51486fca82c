"""The catalogue at reference positions: a pure function of the records below them.

Laws: each topic's records are folded in the order of their offsets, without those that an act
below the same positions sets aside. Neither the order in which the topics were read nor the version
of the program changes what comes of it: an act that is read after its record is met by folding
anew. A record at which our own code fails is left out too, and whoever decides must not pass it
until an act is there (`failed`).

An act may set aside an act that lies before it. That is asked from the last to the first, so that
one set aside sets nothing aside, and of what an act says only; ids and versions come afterwards.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from streams.codec.codecs import Codecs
from streams.codec.registry import RegistryUnavailable
from streams.gate.catalogue import Catalogue
from streams.gate.reference import OperatorAct
from streams.gate.words import ActKind
from streams.reference.acts import Acts
from streams.reference.reader import Fault, ReferenceReader
from streams.topics import ACTS, REFERENCES

ACTS_AT = REFERENCES.index(ACTS)
Where = tuple[int, int]  # number of the topic, offset


class NotTaken(NamedTuple):
    """A record that is not in force: it is faulty, set aside, or our code fails at it."""

    topic: str
    """Catalogue name, without prefix."""
    message: Any
    why: Fault | OperatorAct | Exception


class ReferenceFold:
    """Fed record by record, each topic in the order of its offsets (`add`)."""

    def __init__(self, codecs: Codecs) -> None:
        self._codecs = codecs
        # Kept, to be folded anew: reference topics are small, and an act may come any time.
        self._records: tuple[list[Any], ...] = tuple([] for _ in REFERENCES)
        self._begin()

    def _begin(self) -> None:
        self.catalogue = Catalogue()
        self.acts = Acts()
        self.not_taken: dict[Where, NotTaken] = {}
        self.failed: list[Where] = []
        """Of those not taken the ones at which our own code fails; nearly always none."""
        self._reader = ReferenceReader(self._codecs, self.catalogue)
        self._acts_set_aside: dict[int, OperatorAct] = {}  # by the offset of the one set aside

    def add(self, topic: int, message: Any) -> None:
        """One more record of the topic with that number."""
        self._records[topic].append(message)
        if topic == ACTS_AT and self._reaches_back(message):
            self._fold_anew()
        else:
            self._take(topic, message)

    def at(self, positions: Sequence[int]) -> "ReferenceFold":
        """As it was at positions (next offsets, per topic) not behind what was read."""
        then = ReferenceFold(self._codecs)
        for earlier, records, position in zip(then._records, self._records, positions, strict=True):
            earlier.extend(each for each in records if each.offset() < position)
        then._fold_anew()
        return then

    def is_acted_on_since(self, position: int) -> bool:
        """Whether an act at or behind a position of the acts' topic is on reference data."""
        return any(
            each.offset() >= position and self._set_aside_in(each) is not None
            for each in self._records[ACTS_AT]
        )

    def _reaches_back(self, message: Any) -> bool:
        """Whether this is an act on a record that was read already."""
        act = self._set_aside_in(message)
        if act is None:
            return False
        records = self._records[REFERENCES.index(act.topic)]
        return bool(records) and act.offset <= records[-1].offset()

    def _set_aside_in(self, message: Any) -> OperatorAct | None:
        """The act that a record of the acts' topic is, if it sets reference data aside."""
        try:
            act = self._reader.read(ACTS, message.key(), message.value())
        except RegistryUnavailable:
            raise
        except Exception:  # noqa: BLE001  # it is met again, and told, when it is taken
            return None
        if not isinstance(act, OperatorAct) or act.kind is not ActKind.QUARANTINE:
            return None
        return act if act.topic in REFERENCES and act.partition == 0 else None

    def _fold_anew(self) -> None:
        self._begin()
        for message in reversed(self._records[ACTS_AT]):
            act = self._set_aside_in(message)
            if act is None or act.topic != ACTS or message.offset() in self._acts_set_aside:
                continue
            if act.offset < message.offset():
                self._acts_set_aside[act.offset] = act
        others = (number for number in range(len(REFERENCES)) if number != ACTS_AT)
        for topic in (ACTS_AT, *others):
            for message in self._records[topic]:
                self._take(topic, message)

    def _take(self, topic: int, message: Any) -> None:
        why = self._why_not(topic, message)
        if why is None:
            return
        where = topic, message.offset()
        self.not_taken[where] = NotTaken(REFERENCES[topic], message, why)
        if isinstance(why, Exception):
            self.failed.append(where)

    def _why_not(self, topic: int, message: Any) -> Fault | OperatorAct | Exception | None:
        """Take a record, or say why not."""
        name, offset, key = REFERENCES[topic], message.offset(), message.key()
        is_act = topic == ACTS_AT
        act = self._acts_set_aside.get(offset) if is_act else self.acts.on(name, 0, offset)
        if act is not None:
            return act
        try:
            fault = self._reader.take(name, key, message.value())
        except RegistryUnavailable:
            raise
        except Exception as error:  # noqa: BLE001  # an assertion of ours may be of any kind
            return error
        if fault is None and is_act:
            self.acts.take(self.catalogue.acts[key.decode()])
        return fault
