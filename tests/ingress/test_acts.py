"""Operators' acts on records: which record, up to where, and what is told of it."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.gate.reference import OperatorAct
from streams.gate.words import ActKind
from streams.ingress.acts import QUARANTINED, set_aside_by
from streams.reference.acts import Acts
from streams.topics import ORDERS, REPLIES, TICKS


def act(kind: ActKind, topic: str, partition: int, offset: int, **said: Any) -> OperatorAct:
    """An act by ops, because of a ticket."""
    plain = OperatorAct(
        f"{kind[:1]}-{topic}-{offset}", kind, topic, partition, offset, 1, "ops", "ticket 4711"
    )
    return plain._replace(**said)


def test_a_quarantine_is_on_one_record_alone() -> None:
    """Neither the records beside it nor those of other partitions and topics are meant."""
    acts = Acts()
    one = act(ActKind.QUARANTINE, ORDERS, 3, 7)
    acts.take(one)
    assert acts.on(ORDERS, 3, 7) == one
    for other in ((ORDERS, 3, 6), (ORDERS, 3, 8), (ORDERS, 2, 7), (REPLIES, 3, 7), (TICKS, 3, 7)):
        assert acts.on(*other) is None
    assert not acts.excuses(ORDERS, 3, 7)


def test_of_two_acts_on_one_record_the_first_counts() -> None:
    """A later act on the same record changes nothing: a replay names the same one."""
    acts = Acts()
    first = act(ActKind.QUARANTINE, TICKS, 0, 7)
    acts.take(first)
    acts.take(first._replace(act_id="another", reason="because"))
    assert acts.on(TICKS, 0, 7) == first


def test_a_raised_limit_holds_up_to_its_offset_itself() -> None:
    """The record at the offset is excused, the next is not; a lower act takes nothing back."""
    acts = Acts()
    acts.take(act(ActKind.RAISE_LIMIT, ORDERS, 3, 7))
    acts.take(act(ActKind.RAISE_LIMIT, ORDERS, 3, 2))
    assert acts.excuses(ORDERS, 3, 0)
    assert acts.excuses(ORDERS, 3, 7)
    assert not acts.excuses(ORDERS, 3, 8)
    assert not acts.excuses(ORDERS, 2, 0)
    assert not acts.excuses(REPLIES, 3, 0)
    assert acts.on(ORDERS, 3, 7) is None


def test_a_record_set_aside_says_who_and_why() -> None:
    """The dead letter names the act, its author and the reason."""
    told = set_aside_by(act(ActKind.QUARANTINE, ORDERS, 3, 7))
    assert told.cause == QUARANTINED
    assert told.detail == "set aside by ops: ticket 4711 (act Q-orders.v1-7)"


@given(number=st.from_regex(r"[1-9][0-9]{6,14}", fullmatch=True), before=st.text(max_size=5))
def test_no_number_gets_into_a_dead_letter_by_an_act(number: str, before: str) -> None:
    """Whoever signs with a number, or gives one as reason, it is masked."""
    one = act(ActKind.QUARANTINE, ORDERS, 3, 7, changed_by=number, reason=f"{before} {number}")
    assert number not in set_aside_by(one).detail


def test_endless_reasons_are_cut() -> None:
    """A reason of a megabyte makes no header of a megabyte."""
    one = act(ActKind.QUARANTINE, ORDERS, 3, 7, reason="a" * 1_000_000)
    assert len(set_aside_by(one).detail) < 1_200
