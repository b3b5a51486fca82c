"""What stands on the topics: the reference data as a worker takes it, and what has been decided."""

from typing import NamedTuple

from streams import topics
from streams.codec.codecs import Codecs
from streams.codec.faults import Undecodable
from streams.errors import Cause, Stop
from streams.gate.catalogue import Catalogue
from streams.gate.reference import OperatorAct
from streams.masking import mask_text
from streams.reference.fold import NotTaken, ReferenceFold
from streams.reference.log import Log
from streams.reference.reader import Fault, ReferenceReader
from streams.reference.records import Record, id_of
from streams.settings import Settings

# The decisions of a partition are in time order but for due acts, which carry their own instant:
# the largest of the last ones is the largest of all.
_DECISIONS_READ = 500


class Standing(NamedTuple):
    """The reference data on the topics."""

    catalogue: Catalogue
    latest: dict[tuple[str, str], Record]  # by topic and id, in force or to come
    notes: tuple[str, ...]  # records that are not in force, and why


def read_standing(settings: Settings, codecs: Codecs, log: Log) -> Standing:
    """Everything on the reference topics, as a worker would take it."""
    fold, reader = ReferenceFold(codecs), ReferenceReader(codecs, Catalogue())
    full_names = [settings.topic_prefix + name for name in topics.REFERENCES]
    read = log.whole(full_names)
    for number, full_name in enumerate(full_names):
        for message in read[full_name]:
            fold.add(number, message)
    latest: dict[tuple[str, str], Record] = {}
    notes: list[str] = []
    for number, (name, full_name) in enumerate(zip(topics.REFERENCES, full_names, strict=True)):
        for message in read[full_name]:
            offset = message.offset()
            assert offset is not None, "a message that was read has one"
            where = f"{full_name} at offset {offset}"
            not_taken = fold.not_taken.get((number, offset))
            if not_taken is not None:
                notes.append(f"{where} is not in force: {_why_not(where, not_taken)}")
                continue
            record = reader.read(name, message.key(), message.value())
            assert not isinstance(record, Fault), "the same bytes were read a moment ago"
            latest[name, id_of(record)] = record
    return Standing(fold.catalogue, latest, tuple(notes))


def _why_not(where: str, not_taken: NotTaken) -> str:
    match not_taken.why:
        case Fault(_, sentence):
            return sentence
        case OperatorAct() as act:
            return f"an operator set it aside ({act.changed_by}: {act.reason}; act {act.act_id})"
        case Exception() as error:
            raise Stop(
                Cause.REFERENCE_REFUSED,
                f"{where} cannot be taken: {mask_text(f'{type(error).__name__}: {error}')}",
                "No worker of this version can take it either. Run a version that can, or set the "
                "record aside with `tollgate quarantine record` first (deploy/stopping.md).",
            )


def latest_decided(settings: Settings, codecs: Codecs, log: Log, partitions: int) -> int | None:
    """The latest instant that any worker has decided about; None before the first decision."""
    full_name = settings.topic_prefix + topics.DECISIONS
    decode = codecs.decoder(topics.DECISIONS)
    messages = log.tail(full_name, partitions, _DECISIONS_READ)
    try:
        return max((decode(message.value()).event_at for message in messages), default=None)
    except Undecodable as undecodable:
        detail = f"a decision on {full_name} cannot be read ({undecodable.detail})"
        advice = "Without it nobody knows what has been decided: find out who wrote it."
        raise Stop(Cause.REFERENCE_REFUSED, detail, advice) from undecodable
