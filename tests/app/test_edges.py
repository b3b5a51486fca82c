"""Exact edges, end to end, in simulated time: every record carries the instant it stands for.

One gate, one history of a few days in the past, two workers one after the other: the second finds
what was written while nobody worked. Each test looks at one subscriber's story in it.
"""

import uuid
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from streams import topics
from streams.broker import EmbeddedBroker
from streams.gate.reference import Policy
from streams.reference import file as reference_file
from streams.reference.file import ReferenceFile
from tests.app.rig import (
    ASKS,
    EXAMPLE,
    Gate,
    Sent,
    Told,
    Unsent,
    keyed,
    order,
    reply,
    ticks,
    told_of,
)

ZONE = ZoneInfo("Asia/Shanghai")
SECOND, MINUTE = 1000, 60_000
# Of the example's policy for SMS.
LIFE, GRACE = 15 * MINUTE, 10 * SECOND
EPOCH = datetime(1970, 1, 1, tzinfo=ZONE)

NUMBERS = {
    name: f"86139000002{place:02}"
    for place, name in enumerate(
        ("silent", "last moment", "with the tick", "at expiry", "two", "midnight", "again", "down")
    )
}


def local(day: int, hour: int, minute: int, second: int = 0) -> int:
    """An instant of October 2010 by the operator's clock, in UTC ms."""
    at = datetime(2010, 10, day, hour, minute, second, tzinfo=ZONE)
    return round(at.timestamp() * 1000)


def day_number(day: int) -> int:
    """A day of October 2010 as days since 1970."""
    return (datetime(2010, 10, day, tzinfo=ZONE) - EPOCH) // timedelta(days=1)


TEN = local(12, 10, 0)
EXPIRY = TEN + LIFE
DUE = EXPIRY + GRACE


def ordered(name: str, order_id: str, at: int) -> Unsent:
    """An order at an instant, on the log at the same."""
    return keyed(order(NUMBERS[name], order_id, ASKS, at), at)


def answered(name: str, received_at: int, at: int | None = None, reply_id: str = "yes") -> Unsent:
    """A yes received at an instant, on the log at the same or another."""
    yes = reply(NUMBERS[name], reply_id, received_at)
    return keyed(yes, received_at if at is None else at)


def short_memory() -> ReferenceFile:
    """The shipped example; orders are remembered for a day only."""
    file = reference_file.load(EXAMPLE)
    drafts = (
        draft._replace(record=draft.record._replace(horizon_days=1))
        if isinstance(draft.record, Policy)
        else draft
        for draft in file.drafts
    )
    return file._replace(drafts=tuple(drafts))


FIRST = {
    "silent": ordered("silent", "silent", TEN),
    "last moment": ordered("last moment", "last", TEN),
    "last moment yes": answered("last moment", EXPIRY - 1, DUE - 1),
    "with the tick": ordered("with the tick", "tick", TEN),
    "with the tick yes": answered("with the tick", EXPIRY - 1, DUE),
    "at expiry": ordered("at expiry", "expiry", TEN),
    "at expiry yes": answered("at expiry", EXPIRY),
    "two": ordered("two", "one", TEN),
    "two second": ordered("two", "two", TEN + SECOND),
    "two yes": answered("two", TEN + 2 * SECOND),
    "again": ordered("again", "again", TEN),
    "again yes": answered("again", TEN + 5 * SECOND),
    "midnight": ordered("midnight", "before", local(12, 23, 59)),
    "midnight yes": answered("midnight", local(13, 0, 3)),
    "midnight next": ordered("midnight", "after", local(13, 0, 5)),
    "midnight next yes": answered("midnight", local(13, 0, 6), reply_id="yes again"),
    # The same order, from a centre that repeats what is a day old.
    "again repeated": ordered("again", "again", TEN)._replace(at=local(13, 0, 30)),
    "down": ordered("down", "down", local(13, 1, 0)),
}
FIRST_TICKS = (TEN + 1, DUE - 1, DUE, local(12, 23, 58), local(13, 0, 2), local(13, 1, 1))


class Batch(NamedTuple):
    """What is written at once, and taken before the next is written."""

    records: dict[str, Unsent]
    ticks: tuple[int, ...]


RUNS = (
    (Batch(FIRST, FIRST_TICKS),),
    (
        # The prompt of "down" was due at 1:15:10.
        Batch({"down yes": answered("down", local(13, 1, 10))}, (local(13, 1, 20),)),
        # Days later all of it is forgotten.
        Batch({}, (local(17, 12, 0),)),
        Batch(
            {"again stale": ordered("again", "again", TEN)._replace(at=local(18, 0, 0))},
            (local(18, 0, 1),),
        ),
    ),
)


class Story(NamedTuple):
    """What was sent, by name; the ticks by their instants; and what came of it."""

    told: Told
    sent: dict[str, Sent]
    ticks: dict[tuple[int, int], Sent]
    """By partition and instant."""
    changelog: dict[bytes, bytes | None]


@pytest.fixture(scope="module")
def story(kafka: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Both runs, of a worker each; the first batch of a run is there before its worker."""
    gate = Gate(
        kafka,
        f"t{uuid.uuid4().hex[:12]}.",
        tmp_path_factory.mktemp("edges"),
        short_memory(),
        SIMULATED_TIME="true",
    )
    sent: dict[str, Sent] = {}
    beats: list[Sent] = []

    def write(batch: Batch) -> list[Sent]:
        written = gate.write(*batch.records.values(), *ticks(gate, *batch.ticks))
        sent.update(zip(batch.records, written, strict=False))
        beats.extend(written[len(batch.records) :])
        return written

    for first, *later in RUNS:
        written = write(first)
        with gate.worker() as worker:
            worker.wait(partial(gate.has_taken, written), "what was there before is taken")
            for batch in later:
                worker.wait(partial(gate.has_taken, write(batch)), "all is taken")
            assert worker.stop() == 0
    return Story(
        Told(gate.history()),
        sent,
        {(tick.partition, tick.at): tick for tick in beats},
        dict(gate.changelog()),
    )


def reason(story: Story, name: str) -> str:
    """Of the one decision on a record."""
    (only,) = story.told.reasons(story.sent[name])
    return only


def days_charged(story: Story, name: str) -> list[int]:
    """The days a subscriber was charged for, in the order of the charges."""
    charges = story.told.of(topics.CHARGES)
    return [charge.day for charge in charges if charge.msisdn == NUMBERS[name]]


def test_silence_ends_at_the_end_of_the_grace(story: Story) -> None:
    """A moment before the grace has passed nothing lapses; with the tick at its end it does."""
    asked = story.sent["silent"]
    prompt = story.told.decisions[asked.place][0].prompt_id
    assert story.told.reasons(story.ticks[asked.partition, DUE - 1]) == []
    ends = story.told.decisions[story.ticks[asked.partition, DUE].place]
    (lapse,) = [decision for decision in ends if decision.prompt_id == prompt]
    assert (lapse.reason, lapse.event_at, lapse.watermark) == ("SILENCE", DUE, DUE)
    assert days_charged(story, "silent") == []


@pytest.mark.parametrize("name", ["last moment", "with the tick"])
def test_a_reply_on_its_way_is_heard_to_the_last_moment_of_the_grace(
    story: Story, name: str
) -> None:
    """Received before the expiry, it counts until the tick that ends the grace, at its instant."""
    assert reason(story, name) == "PROMPTED"
    assert reason(story, f"{name} yes") == "APPROVED_CONFIRMED"
    assert days_charged(story, name) == [day_number(12)]


def test_at_the_instant_of_expiry_it_is_too_late(story: Story) -> None:
    """A yes received at the very instant of expiry charges nothing."""
    assert reason(story, "at expiry yes") == "TOO_LATE"
    assert days_charged(story, "at expiry") == []


def test_one_yes_answers_two_orders(story: Story) -> None:
    """The second order waits on the first one's prompt; one yes charges both, by that prompt."""
    assert [reason(story, name) for name in ("two", "two second")] == ["PROMPTED", "WAITING"]
    assert reason(story, "two yes") == "APPROVED_CONFIRMED"
    charges = [c for c in story.told.of(topics.CHARGES) if c.msisdn == NUMBERS["two"]]
    assert {charge.order_id for charge in charges} == {"one", "two"}
    assert len({charge.prompt_id for charge in charges}) == 1


def test_an_order_before_midnight_belongs_to_its_own_day(story: Story) -> None:
    """Ordered at 23:59, answered at 00:03: charged to the day before; the next is asked again."""
    assert reason(story, "midnight yes") == "APPROVED_CONFIRMED"
    assert reason(story, "midnight next") == "PROMPTED"
    assert days_charged(story, "midnight") == [day_number(12), day_number(13)]


def test_an_order_repeated_on_another_day_is_charged_once(story: Story) -> None:
    """Repeated the next day it is known; after the horizon it is refused as stale."""
    assert reason(story, "again repeated") == "REPEATED"
    assert reason(story, "again stale") == "STALE"
    assert days_charged(story, "again") == [day_number(12)]


def test_a_reply_that_came_while_nobody_worked_is_honoured(story: Story) -> None:
    """It lay in the log before the tick that would have expired its prompt."""
    assert reason(story, "down yes") == "APPROVED_CONFIRMED"
    due = story.ticks[story.sent["down"].partition, local(13, 1, 20)]
    assert story.told.reasons(due) == []


def test_nothing_is_remembered_beyond_the_horizon(story: Story) -> None:
    """Rows that can no longer change a decision are gone, by tombstones in the changelog."""
    rows = {key: value for key, value in story.changelog.items() if key[:1] in b"gsoe"}
    assert len(rows) > 30
    left = [key for key, value in rows.items() if value is not None]
    # The stale order of the last day is remembered too.
    assert left == [b"o" + f"{NUMBERS['again']}|again".encode()]


def test_every_law_holds_over_these_days(story: Story) -> None:
    """The auditor finds nothing, though ids were forgotten and came again."""
    report = story.told.audit()
    assert report.held, told_of(report)
