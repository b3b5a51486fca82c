"""A day of the whole rule book with a real gate: every behaviour of the outside occurs, is counted,
is answered as it should be, and the auditor finds nothing.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from streams import provision, topics
from streams.audit import History, audit, read_history, released
from streams.broker import EmbeddedBroker
from streams.codec.classes import types_of
from streams.codec.codecs import Codecs
from streams.demo import stage
from streams.demo.past import Past
from streams.demo.worker import Worker
from streams.egress import records
from streams.gate import words
from streams.gate.words import CareKind, MessageKind, Reason
from streams.reference import applying
from streams.settings import load
from streams.world import DEFAULT_MIX, Mix, Options, Tally
from streams.world.billing import Missettled
from streams.world.care import Careless
from streams.world.mix import Fault, Temper
from streams.world.talk import Way

# The rare ones in numbers, so that a short day has them all.
_RARE = (Temper.SEVERAL, Temper.CODES, Temper.LISTS, Temper.CANCELS, Temper.UNDOES, Temper.BINGES)
MIX = Mix(
    {temper: 3 / 31 if temper in _RARE else 1.3 / 31 for temper in Temper},
    dict(DEFAULT_MIX.faults)
    | {
        Fault.MISSETTLED: 0.05,
        Fault.GIVEN_BACK: 0.02,
        Fault.UNREFUNDED: 0.2,
        Fault.PART_REFUNDED: 0.2,
        Fault.COMPLAINTS: 0.15,
        Fault.CARELESS: 0.5,
        Fault.RELEASED: 0.03,
    },
)
OPENS = int(datetime(2010, 9, 2, 1, tzinfo=UTC).timestamp() * 1000)
HOURS = 3600 * 1000

# What a day with all of them must have decided at least once.
DECIDED = {
    *(Reason.APPROVED_NOT_ASKED, Reason.APPROVED_GRANTED, Reason.APPROVED_CONFIRMED),
    *(Reason.APPROVED_WOULD_ASK, Reason.APPROVED_WOULD_COVER, Reason.PROMPTED, Reason.WAITING),
    *(Reason.DECLINED, Reason.SILENCE, Reason.UNCLEAR, Reason.TOO_LATE, Reason.AMBIGUOUS),
    *(Reason.LISTED, Reason.CANCELLED, Reason.NOTHING_TO_CANCEL, Reason.UNDONE),
    *(Reason.NOTHING_TO_UNDO, Reason.SETTLED, Reason.CHARGE_FAILED, Reason.REFUNDED),
    *(Reason.REFUND_FAILED, Reason.REVOKED, Reason.RELEASED, Reason.NUMBER_RELEASED),
    *(Reason.COMPLAINT_OPENED, Reason.COMPLAINT_ANSWERED, Reason.COMPLAINT_UPHELD),
    *(Reason.COMPLAINT_REJECTED, Reason.COMPLAINT_OVERDUE, Reason.COMPLAINT_KNOWN),
    *(Reason.COMPLAINT_UNKNOWN, Reason.REFUND_REQUESTED, Reason.REFUND_EXCEEDS),
    *(Reason.CHARGE_UNKNOWN, Reason.NOTED, Reason.DEAD_LETTER, Reason.REPEATED),
}
# What providers were told at least once.
REFUSED = {
    *(Reason.DECLINED, Reason.SILENCE, Reason.SPEND_LIMIT, Reason.CALL_LIMIT),
    *(Reason.GRANT_EXHAUSTED, Reason.NUMBER_RELEASED, Reason.REFUSED_BY_POLICY),
}


class Day(NamedTuple):
    """What came of it."""

    tally: Tally
    trouble: str | None
    history: History


@pytest.fixture(scope="module")
def day(kafka: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    """One day of the notice, and the days until its last complaints are overdue."""
    folder: Path = tmp_path_factory.mktemp("day")
    environment = stage.environment(kafka.bootstrap_servers, folder) | {
        "TOLLGATE_SIMULATED_TIME": "true",
        "TOLLGATE_TOPIC_PREFIX": "rulebook.",
        "TOLLGATE_GROUP": "rulebook",
    }
    settings, log = load(environment), folder / "worker.log"
    provision.apply(settings)
    applying.apply(settings, stage.EXAMPLE, by="tests", at=OPENS)
    options = Options(subscribers=120, seed=4, mix=MIX)
    with Worker(environment, log, stage.free_port()) as worker:
        worker.wait_until_ready(settings.partitions)
        with Past(settings, options, OPENS - HOURS) as past:
            past.live(OPENS, OPENS + 8 * HOURS, 1600)
            past.finish(OPENS + 90 * HOURS)
            worker.stop()
            yield Day(past.tally, past.trouble, read_history(settings, [log]))


def test_the_day_ends_answered_and_no_law_is_broken(day: Day) -> None:
    """Every order has its one verdict, and the auditor's own books agree with all of it."""
    assert day.trouble is None
    report = audit(day.history, released(), drained=True)
    assert [str(one) for one in report.findings] == []


def test_people_billing_and_care_do_everything_they_can(day: Day) -> None:
    """Every way of saying something, every care action and every mistake of billing occurs."""
    tally = day.tally
    assert set(tally.said) == set(Way)
    assert set(tally.replies) == set(Temper) - {Temper.SILENCE, Temper.HANGS_UP}
    assert set(tally.care) == set(CareKind) - {CareKind.UNKNOWN}
    assert set(tally.careless) == set(Careless)
    assert set(tally.missettled) == set(Missettled)
    assert set(tally.refunds) == {"refunded", "part_refunded", "failed", "given_back"}
    assert set(tally.messages) == set(MessageKind) - {MessageKind.UNKNOWN}


def test_the_gate_meets_every_behaviour_with_its_own_reason(day: Day) -> None:
    """The decisions of the day name what was done, and providers are told each refusal's reason."""
    decode = Codecs.from_repository(types_of(words, records)).decoder(topics.DECISIONS)
    reasons = Counter(decode(entry.value).reason for entry in day.history.of(topics.DECISIONS))
    assert DECIDED - set(reasons) == set()
    assert REFUSED - set(day.tally.refused) == set()
