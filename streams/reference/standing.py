"""What stands on the topics: the reference data as a worker takes it, and what has been decided."""

from typing import NamedTuple

from streams import topics
from streams.codec.codecs import Codecs
from streams.codec.faults import Undecodable
from streams.errors import Cause, Stop
from streams.gate.catalogue import Catalogue
from streams.gate.words import ActKind
from streams.reference.log import Log
from streams.reference.reader import CANNOT_TAKE, Fault, ReferenceReader
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
    reader = ReferenceReader(codecs, Catalogue())
    latest: dict[tuple[str, str], Record] = {}
    notes: list[str] = []
    refused: dict[tuple[str, int | None], str] = {}
    names = {settings.topic_prefix + name: name for name in topics.REFERENCES}
    for full_name, messages in log.whole(names).items():
        name = names[full_name]
        for message in messages:
            key, value = message.key(), message.value()
            fault = reader.take_if_able(name, key, value)
            if fault is None:
                record = reader.read(name, key, value)
                assert not isinstance(record, Fault), "the same bytes were read a moment ago"
                latest[name, id_of(record)] = record
            else:
                where = f"{full_name} at offset {message.offset()}"
                why = fault.sentence
                if fault.cause == CANNOT_TAKE:
                    refused[name, message.offset()] = why
                    why = f"an operator set it aside ({why})"
                notes.append(f"{where} is not in force: {why}")
    set_aside = {
        (act.topic, act.offset)
        for act in reader.catalogue.acts.values()
        if act.kind is ActKind.QUARANTINE
    }
    for (name, offset), said in refused.items():
        if (name, offset) not in set_aside:
            raise Stop(
                Cause.REFERENCE_REFUSED,
                f"{settings.topic_prefix}{name} at offset {offset} cannot be taken: {said}",
                "No worker of this version can take it either. Run a version that can, or set the "
                "record aside with `tollgate quarantine record` first (deploy/stopping.md).",
            )
    return Standing(reader.catalogue, latest, tuple(notes))


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
