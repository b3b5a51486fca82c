"""Whether an act may be, and writing it down: as careful as reference data is applied."""

from contextlib import closing
from hashlib import blake2b
from typing import NamedTuple

from streams import topics
from streams.acts.place import Place
from streams.codec.classes import types_of
from streams.codec.codecs import Codecs
from streams.errors import Cause, Stop
from streams.gate import reference, words
from streams.gate.reference import OperatorAct
from streams.gate.words import ActKind
from streams.masking import mask_text
from streams.reference.fold import ReferenceFold
from streams.reference.log import Duty, Log, Writer
from streams.reference.reader import Fault
from streams.settings import Settings

_ACTING = Duty(
    "quarantine",
    "recording an act",
    "somebody else has begun to record one",
    "Type the same again: it says whether the act is on record.",
)
_LETTERS = {ActKind.QUARANTINE: "x-", ActKind.RAISE_LIMIT: "u-"}


class Recorded(NamedTuple):
    """An act on the log, and whether it was written just now."""

    act: OperatorAct
    is_new: bool


def id_of(kind: ActKind, topic: str, partition: int, offset: int) -> str:
    """Derived, so that the same act typed twice is one."""
    content = f"{topic}|{partition}|{offset}".encode()
    return _LETTERS[kind] + blake2b(content, digest_size=16).hexdigest()


class Recorder:
    """Reads what acts there are, and adds one."""

    def __init__(self, settings: Settings) -> None:
        types = types_of(words, reference)
        self._settings = settings
        self._codecs = (
            Codecs.from_registry(settings.schema_registry_url, settings.topic_prefix, types)
            if settings.schema_registry_url
            else Codecs.from_repository(types)
        )
        self._topic = settings.topic_prefix + topics.ACTS

    def judge(self, place: Place, kind: ActKind, offset: int) -> None:
        """Refuse an act that would do nothing, or nobody knows what."""
        if offset >= place.end:
            raise Stop(
                Cause.ACT_REFUSED,
                f"{place} ends at offset {place.end}: there is no record {offset} yet",
                "An act is on a record that is there. Nothing was written.",
            )
        if offset < place.begin:
            raise Stop(
                Cause.ACT_REFUSED,
                f"{place} begins at offset {place.begin}: record {offset} is gone from the log",
            )
        if kind is ActKind.QUARANTINE and place.record(offset) is None:
            raise Stop(
                Cause.ACT_REFUSED,
                f"offset {offset} of {place} holds no record, but a transaction's mark",
            )
        if place.is_reference:
            self._judge_reference(place, offset)
        else:
            _judge_input(place, kind, offset)

    def _judge_reference(self, place: Place, offset: int) -> None:
        """Workers stop only at a record that our own code fails at."""
        fold = self._fold(place.topic)
        not_taken = fold.not_taken.get((topics.REFERENCES.index(place.topic), offset))
        match not_taken.why if not_taken else None:
            case Exception():
                return
            case Fault(_, sentence):
                told = f"is not in force, and no worker stops at it: {sentence}"
                advice = "Nothing to do, and nothing was written: it is a dead letter."
            case OperatorAct(act_id):
                told = f"is set aside already (act {act_id})"
                advice = "Nothing to do, and nothing was written."
            case _:
                told = "can be taken, and is: this version of the program does not stop at it"
                advice = (
                    "Nothing was written. If it says the wrong thing, correct your file: `tollgate "
                    "reference apply` writes the next version. If a worker of another version "
                    "stops at it, type this with that version."
                )
        raise Stop(Cause.ACT_REFUSED, f"offset {offset} of {place} {told}", advice)

    def standing(
        self, kind: ActKind, topic: str, partition: int, offset: int
    ) -> OperatorAct | None:
        """The act on record that already does this."""
        for act in self._fold().catalogue.acts.values():
            if (act.kind, act.topic, act.partition) != (kind, topic, partition):
                continue
            if act.offset == offset or (kind is ActKind.RAISE_LIMIT and act.offset > offset):
                return act
        return None

    def record(
        self, kind: ActKind, topic: str, partition: int, offset: int, by: str, reason: str
    ) -> Recorded:
        """Write the act down, unless it is there; masked, for it is kept for ever."""
        # First become the only one who may write, then look.
        writer = Writer(self._settings, _ACTING)
        standing = self.standing(kind, topic, partition, offset)
        if standing is not None:
            return Recorded(standing, is_new=False)
        act_id = id_of(kind, topic, partition, offset)
        act = OperatorAct(
            act_id, kind, topic, partition, offset, 1, mask_text(by), mask_text(reason)
        )
        value = self._codecs.encoder(topics.ACTS, OperatorAct)(act)
        writer.write([(self._topic, act_id.encode(), value)])
        return Recorded(act, is_new=True)

    def _fold(self, *names: str) -> ReferenceFold:
        """The acts and these topics (without prefix), as a worker takes them."""
        fold = ReferenceFold(self._codecs)
        numbers = {
            self._settings.topic_prefix + name: topics.REFERENCES.index(name)
            for name in {topics.ACTS, *names}
        }
        with closing(Log(self._settings)) as log:
            for full_name, messages in log.whole(numbers).items():
                for message in messages:
                    fold.add(numbers[full_name], message)
        return fold


def _judge_input(place: Place, kind: ActKind, offset: int) -> None:
    """What is decided stays so."""
    decided = place.decided()
    if offset < decided:
        whole = "it is" if kind is ActKind.QUARANTINE else "all up to it are"
        raise Stop(
            Cause.ACT_REFUSED,
            f"offset {offset} of {place}: {whole} decided already (the group is at {decided})",
            "Nothing to do, and nothing was written: no worker takes it again.",
        )
