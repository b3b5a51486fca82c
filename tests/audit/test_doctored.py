"""For every law, histories in which it was broken: the auditor names the law and the record.

What `doctors.py`, `afternoon_doctors.py` and `acted.py` break has its seals in order; what is
forged here was changed behind the gate's back.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from streams.audit import History, audit, released
from streams.history import Entry
from streams.topics import CHARGES, DECISIONS, ORDERS, REPLIES, VERDICTS
from tests.audit.acted import DOCTORED as ACTED_DOCTORED
from tests.audit.acted import acted
from tests.audit.afternoon import afternoon
from tests.audit.afternoon_doctors import DOCTORED as AFTERNOON_DOCTORED
from tests.audit.doctors import DOCTORED, Doctor, decision_on, of, reply_of
from tests.audit.honest import ANNA, BO, DA, IDA, Gate, honest
from tests.audit.scribe import MINUTE, MORNING, Draft, Scribe, encode

SCHEMAS = released()


def named(history: History, *, drained: bool = True) -> set[tuple[int, str, int, int]]:
    """What the auditor finds, without its sentences."""
    return {found[:4] for found in audit(history, SCHEMAS, drained=drained).findings}


STORIES = {"day": honest, "afternoon": afternoon, "acts": acted}
BROKEN = [
    *((honest, doctor, law) for doctor, law in DOCTORED.items()),
    *((afternoon, doctor, law) for doctor, law in AFTERNOON_DOCTORED.items()),
    *((acted, doctor, law) for doctor, law in ACTED_DOCTORED.items()),
]
each_story = pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)


@each_story
@pytest.mark.parametrize("drained", [True, False], ids=["drained", "running"])
def test_an_honest_history_passes(story: Callable[[], Scribe], *, drained: bool) -> None:
    """A history in which every law was kept has no findings, and every law had something to say."""
    report = audit(story().history(), SCHEMAS, drained=drained)
    assert [str(found) for found in report.findings] == []
    assert all(sum(law.checked.values()) for law in report.laws)
    assert report.held
    assert report.exit_code == 0


@pytest.mark.parametrize(
    ("story", "doctor", "law"), BROKEN, ids=[doctor.__name__ for _, doctor, _ in BROKEN]
)
def test_a_broken_law_is_named(story: Callable[[], Scribe], doctor: Doctor, law: int) -> None:
    """The auditor names the law that was broken and the record that shows it, in a sentence."""
    scribe = story()
    record = doctor(scribe)
    report = audit(scribe.history(), SCHEMAS, drained=True)
    sentences = [found.sentence for found in report.findings if found[:4] == (law, *record.where)]
    assert sentences, [str(found) for found in report.findings]
    assert all(sentences)


def test_every_law_is_broken_in_many_ways() -> None:
    """A hundred histories are doctored, and each law is broken in some of them."""
    assert len({doctor for _, doctor, _ in BROKEN}) >= 100
    assert {law for _, _, law in BROKEN} == set(range(1, 13))


def forged(scribe: Scribe, record: Draft, **changes: Any) -> History:
    """The history with one record changed after the gate had sealed it."""
    history = scribe.history()
    topics = dict(history.topics)
    topics[record.topic] = [
        entry._replace(**changes) if entry[:3] == record.where else entry
        for entry in topics[record.topic]
    ]
    return replace(history, topics=topics)


def test_a_forged_reply_breaks_the_digest() -> None:
    """A reply changed after it was decided on is not what its decision says."""
    scribe = honest()
    reply = reply_of(scribe, BO)
    value = encode(REPLIES, reply.fields | {"text": "是"})
    decision = decision_on(scribe, reply)
    assert (12, *decision.where) in named(forged(scribe, reply, value=value))


def test_a_forged_charge_breaks_the_digest() -> None:
    """A charge changed after it was produced is not what its decision produced."""
    scribe = honest()
    charge = of(scribe, CHARGES, DA, "o1")
    value = encode(CHARGES, charge.fields | {"price_minor": 5000})
    assert (9, *charge.where) in named(forged(scribe, charge, value=value))


def test_a_forged_decision_breaks_the_seal() -> None:
    """A decision changed after it was sealed breaks the chain, there and only there."""
    scribe = honest()
    decision = scribe.log(DECISIONS, 0)[2]
    entry = next(e for e in scribe.history().of(DECISIONS) if e[:3] == decision.where)
    assert entry.value is not None
    broken = bytearray(entry.value)
    broken[-40] ^= 1  # within the salt
    findings = named(forged(scribe, decision, value=bytes(broken)))
    seals = {found for found in findings if found[:2] == (12, DECISIONS)}
    assert (12, *decision.where) in seals
    assert len(seals) == 1


def test_a_stale_order_may_be_told_again_when_it_is_forgotten() -> None:
    """The same order once more, days later: refused again under the same id, at its own instant;
    with another it is named.
    """
    scribe = honest()
    gate, later = Gate(scribe), MORNING + 5 * 24 * 60 * MINUTE
    scribe.tick(later)
    first = next(
        one
        for one in scribe.all(ORDERS)
        if one.fields.get("order_id") == "o2" and one.key == IDA.encode()
    )
    again = gate.order(IDA, "o2", "ring", later + 1, ordered_at=first.fields["ordered_at"])
    gate.refused(again, again, "STALE")
    assert named(scribe.history()) == set()
    twice = [
        one
        for one in scribe.all(VERDICTS)
        if one.fields["order_id"] == "o2" and one.key == IDA.encode()
    ]
    twice[1].fields["decided_at"] += 1
    assert (8, *twice[1].where) in named(scribe.history())


def test_a_number_in_a_log_is_named(tmp_path: Path) -> None:
    """A log line with a whole number of a subscriber is a finding; a masked one is none."""
    log = tmp_path / "worker.log"
    log.write_text(f"prompt sent to …{ANNA[-3:]}\nprompt sent to {ANNA}\n", "utf-8")
    history = replace(honest().history(), log_files=(log,))
    assert named(history) == {(11, "worker.log", 0, 2)}


def test_no_sentence_shows_a_number() -> None:
    """Whatever the auditor finds, it shows no subscriber's number."""
    for story, doctor, _ in BROKEN:
        scribe = story()
        doctor(scribe)
        report = audit(scribe.history(), SCHEMAS, drained=True)
        numbers = {(draft.key or b"-").decode() for draft in scribe.all(ORDERS)}
        assert not any(number in str(found) for number in numbers for found in report.findings)


def test_a_running_history_may_be_cut() -> None:
    """What decisions not yet read have produced, and orders still open, are no findings."""
    history = honest().history()
    cut: dict[str, list[Entry]] = {name: list(entries) for name, entries in history.topics.items()}
    last = dict.fromkeys(range(history.partitions), 0)
    for entry in cut[DECISIONS]:
        last[entry.partition] = max(last[entry.partition], entry.offset)
    cut[DECISIONS] = [e for e in cut[DECISIONS] if e.offset <= last[e.partition] // 2]
    assert named(replace(history, topics=cut), drained=False) == set()
