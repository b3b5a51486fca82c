"""From the bytes of the reference topics to the gate's catalogue, record by record.

A record that cannot be read, that lies under another key than its id, or that the catalogue does
not take is a fault: the last good version stays in force, and whoever reads makes it known. The
caller reads the topics in their catalogue's order, each from its beginning in offset order.

Knows nothing of Kafka: keys and values come in, faults go out.
"""

from typing import NamedTuple

from streams.codec.codecs import Codecs
from streams.codec.faults import Undecodable
from streams.gate.catalogue import Catalogue
from streams.reference.records import Record, id_of

# Beside the codec's causes, these are the dead-letter causes of reference records.
KEY_MISMATCH = "key_mismatch"
REFERENCE_FAULT = "reference_fault"


class Fault(NamedTuple):
    """Why a record was not taken; the cause is that of its dead letter."""

    cause: str
    sentence: str


class ReferenceReader:
    """Folds raw records into one catalogue."""

    def __init__(self, codecs: Codecs, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._codecs = codecs

    def take(self, topic_name: str, key: bytes | None, value: bytes | None) -> Fault | None:
        """Take one record of a reference topic (name without prefix), or say why not."""
        record = self.read(topic_name, key, value)
        if isinstance(record, Fault):
            return record
        sentence = self.catalogue.fold(topic_name, record)
        return Fault(REFERENCE_FAULT, sentence) if sentence else None

    def read(self, topic_name: str, key: bytes | None, value: bytes | None) -> Record | Fault:
        """The record in these bytes, not folded, or why there is none."""
        try:
            record: Record = self._codecs.decode(topic_name, value)
        except Undecodable as undecodable:
            return Fault(undecodable.cause, f"the value cannot be read: {undecodable.detail}")
        record_id = id_of(record)
        if key != record_id.encode():
            # The key is not shown: it may be a subscriber's number that went astray (law 11).
            return Fault(KEY_MISMATCH, f"the key is another: the record's id is {record_id!r}")
        return record
