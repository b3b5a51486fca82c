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
from streams.gate.catalogue import Catalogue
from streams.gate.reference import OperatorAct
from streams.gate.words import ActKind
from streams.masking import mask_text
from streams.reference.log import Duty, Log, Writer
from streams.reference.reader import ReferenceReader
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


def judge(place: Place, kind: ActKind, offset: int) -> None:
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
    decided = place.decided()
    if offset < decided and place.is_reference:
        raise Stop(
            Cause.ACT_REFUSED,
            f"offset {offset} of {place}: decisions rest on it already (all before {decided} was "
            "read for them)",
            "Nothing was written: an act is for a record that no worker can take.",
        )
    if offset < decided:
        whole = "it is" if kind is ActKind.QUARANTINE else "all up to it are"
        raise Stop(
            Cause.ACT_REFUSED,
            f"offset {offset} of {place}: {whole} decided already (the group is at {decided})",
            "Nothing to do, and nothing was written: no worker takes it again.",
        )


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

    def standing(
        self, kind: ActKind, topic: str, partition: int, offset: int
    ) -> OperatorAct | None:
        """The act on record that already does this."""
        for act in self._acts().values():
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

    def _acts(self) -> dict[str, OperatorAct]:
        """Every act as a worker takes it, by its id."""
        reader = ReferenceReader(self._codecs, Catalogue())
        with closing(Log(self._settings)) as log:
            for message in log.whole([self._topic])[self._topic]:
                # One that no worker can take either may be what is to be set aside.
                reader.take_if_able(topics.ACTS, message.key(), message.value())
        return reader.catalogue.acts
