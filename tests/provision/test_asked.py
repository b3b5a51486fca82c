"""Questions to a cluster whose leaders were chosen a moment ago, and to one that refuses."""

from collections.abc import Callable

import pytest
from confluent_kafka import KafkaError, KafkaException

from streams.cluster import asked
from streams.errors import Cause, Stop


def failing(codes: list[int]) -> Callable[[], str]:
    """A question that is answered after these errors."""

    def ask() -> str:
        if codes:
            raise KafkaException(KafkaError(codes.pop(0)))
        return "answer"

    return ask


def test_a_partition_whose_leader_moves_is_asked_again() -> None:
    """Just after a topic was made, not every broker knows its leader: nobody need hear of that."""
    codes = [KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE]
    assert asked("reading", "somewhere:1", failing(codes)) == "answer"


def test_a_refusal_is_told_at_once() -> None:
    """What waiting does not mend ends the question, with what was being done and where."""
    codes = [KafkaError.TOPIC_AUTHORIZATION_FAILED]
    with pytest.raises(Stop, match="reading it at somewhere:1") as stopped:
        asked("reading it", "somewhere:1", failing(codes))
    assert stopped.value.cause is Cause.NOT_ALLOWED
