"""What an exception while deciding is told as: the record at hand, and what to type.

Laws: a record is blamed only for what its own content can cause; a broker, a registry or a disk
that fails keeps its own cause. The exception's own text is masked (law 11): it may quote anything.
"""

from typing import NamedTuple

from confluent_kafka import KafkaError, KafkaException

from streams.engine import Fatal
from streams.errors import Cause, Stop
from streams.gate.ids import masked
from streams.ingress.acts import record_command
from streams.ingress.read import is_msisdn
from streams.masking import mask_text
from streams.topics import REFERENCES

_SAID_MAX = 500  # signs: an exception may quote a whole record of 16 KiB


class AtHand(NamedTuple):
    """What was being decided, or taken as reference data."""

    topic: str
    """Catalogue name, without prefix."""
    partition: int
    offset: int
    """Of the record; for a due act that of its tick."""
    key: bytes | None
    is_due: bool = False


def is_blamed(error: Exception) -> bool:
    """Whether the record at hand, or what we remember, made us fail."""
    # Slow to import, and only needed now.
    from streams.codec.registry import RegistryUnavailable

    if isinstance(error, KafkaException):
        said = error.args[0] if error.args else None
        return isinstance(said, KafkaError) and said.code() == KafkaError.MSG_SIZE_TOO_LARGE
    return not isinstance(error, Stop | Fatal | BufferError | RegistryUnavailable)


def blamed(error: Exception, at_hand: AtHand) -> Stop:
    """The end that such an exception is, with the calls that led to it."""
    topic, partition, offset, key, is_due = at_hand
    said = mask_text(f"{type(error).__name__}: {error}"[:_SAID_MAX])
    where = f"{topic} [{partition}] offset {offset}"
    told = "" if key is None else f" (key {masked(key.decode())})" if is_msisdn(key) else ""
    if is_due:
        detail = f"while deciding what was due by {where}: {said}."
        advice = (
            "Nothing of the open turn was committed. What is due follows from what was decided "
            "before, not from one record: no act can set it aside. Report it, and run a version "
            "of the program that can decide it; keep the log and the state folder."
        )
    elif topic in REFERENCES:
        detail = f"while reading {where}{told}: {said}."
        advice = (
            "Every worker reads this topic from its beginning and ends here, until the program is "
            "mended or this record is set aside; the last good version then stays in force. "
            + _to_set_aside(at_hand)
        )
    else:
        detail = f"while deciding {where}{told}: {said}."
        advice = (
            "Nothing of the open turn was committed; every start ends here again until the "
            "program is mended or this record is set aside. " + _to_set_aside(at_hand)
        )
    # The calls are shown, what they were given is not: the exception itself is left out.
    return Stop(Cause.IMPOSSIBLE, detail, advice).with_traceback(error.__traceback__)


def _to_set_aside(at_hand: AtHand) -> str:
    command = record_command(at_hand.topic, at_hand.partition, at_hand.offset)
    return f"Report it; to set it aside, type\n  {command}\nand start the worker again."
