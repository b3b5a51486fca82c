"""Whatever is changed in a history is named, and where; what is not there is never called clean."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.audit import released
from streams.audit.verify import Anchors, Head, Verified, read_anchors
from streams.audit.verify.heads import append_heads
from streams.audit.verify.run import verify_partition
from streams.errors import Cause, Stop
from streams.history import Entry
from streams.topics import CHARGES, DECISIONS, INPUTS, MESSAGES, ORDERS, REPLIES, TICKS, VERDICTS
from tests.audit.acted import acted
from tests.audit.honest import honest
from tests.audit.scribe import OUTPUTS, PARTITIONS
from tests.history.memory import MemorySource

SCHEMAS = released()
HONEST = honest().history()
ENTRIES = [entry for topic in HONEST.topics.values() for entry in topic]
# Each record that some digest or seal covers.
CITED = {
    (cause["topic"], cause["partition"], cause["offset"])
    for entry in HONEST.of(DECISIONS)
    for cause in (SCHEMAS.decode(DECISIONS, entry.value)["cause"],)
}
COVERED = [entry for entry in ENTRIES if entry.topic in OUTPUTS or entry[:3] in CITED]
# Each two neighbours of a partition that could change places.
PAIRS = [
    (first, second)
    for first, second in pairwise(COVERED)
    if first[:2] == second[:2] and first.topic in {*OUTPUTS, *INPUTS} - {TICKS}
]


def source_of(entries: Sequence[Entry]) -> MemorySource:
    return MemorySource.of(entries, PARTITIONS)


def verified(
    source: MemorySource, heads: Sequence[Head] = (), begins: Sequence[Head] = ()
) -> list[Verified]:
    """Every partition of a source."""
    behind = {head.partition: head for head in begins}
    return [
        verify_partition(source, number, SCHEMAS, heads, behind.get(number))
        for number in range(PARTITIONS)
    ]


def named(results: Sequence[Verified]) -> list[tuple[str, int, int]]:
    """The first flaw of each partition that has any."""
    return [result.flaws[0][:3] for result in results if result.found]


def ends(results: Sequence[Verified]) -> list[Head]:
    """The heads to sign of partitions that hold."""
    heads = [result.head for result in results if result.head is not None]
    assert len(heads) == PARTITIONS
    return heads


HEADS = ends(verified(source_of(ENTRIES)))


def test_what_was_set_aside_late_is_checked_too() -> None:
    """Decisions on reference records do not come in the order of their offsets: all hold."""
    history = acted().history()
    entries = [entry for topic in history.topics.values() for entry in topic]
    assert named(verified(source_of(entries))) == []


def with_one(changed: Entry) -> list[Entry]:
    """The honest history with one record in place of the one that lay there."""
    return [changed if entry[:3] == changed[:3] else entry for entry in ENTRIES]


def test_an_honest_history_holds() -> None:
    """Every decision, cause and effect of an honest history is checked, and none is found wrong."""
    results = verified(source_of(ENTRIES), HEADS)
    assert named(results) == []
    assert all(result.holds for result in results)
    counts = sum((result.counts for result in results), start=results[0].counts.__class__())
    sent = [e for e in ENTRIES if e.topic in OUTPUTS and e.topic != DECISIONS]
    decided = len(HONEST.of(DECISIONS))
    assert counts == {
        "decisions": decided,
        "causes": decided,
        "effects": len(sent),
        "signed heads": PARTITIONS,
    }


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_one_changed_byte_is_named(data: st.DataObject) -> None:
    """One byte of any decision's, effect's or cause's key or value: its record is the first."""
    entry = data.draw(st.sampled_from(COVERED))
    parts = [name for name in ("key", "value") if getattr(entry, name)]
    part = data.draw(st.sampled_from(parts))
    old = getattr(entry, part)
    at = data.draw(st.integers(0, len(old) - 1))
    bits = data.draw(st.integers(1, 255))
    new = old[:at] + bytes([old[at] ^ bits]) + old[at + 1 :]
    changed = entry._replace(**{part: new})
    assert named(verified(source_of(with_one(changed)), HEADS)) == [entry[:3]]


@pytest.mark.parametrize("entry", [each for each in COVERED if each[:3] in CITED], ids=repr)
def test_another_time_of_a_cause_is_named(entry: Entry) -> None:
    """The time of a record that was decided on is in the decision."""
    later = entry._replace(timestamp=entry.timestamp + 1)
    assert named(verified(source_of(with_one(later)))) == [entry[:3]]


@pytest.mark.parametrize("entry", COVERED, ids=repr)
def test_one_missing_record_is_named(entry: Entry) -> None:
    """Where a record lay and lies no more is named, also at the end of what a head covers."""
    left = [each for each in ENTRIES if each is not entry]
    assert named(verified(source_of(left), HEADS)) == [entry[:3]]


@pytest.mark.parametrize(("first", "second"), PAIRS, ids=repr)
def test_a_swapped_pair_is_named(first: Entry, second: Entry) -> None:
    """Two neighbours in each other's place: the first of the two places is named."""
    swapped = {
        first[:3]: second._replace(offset=first.offset),
        second[:3]: first._replace(offset=second.offset),
    }
    entries = [swapped.get(entry[:3], entry) for entry in ENTRIES]
    assert named(verified(source_of(entries), HEADS)) == [first[:3]]


@pytest.mark.parametrize("topic", [topic for topic in OUTPUTS if HONEST.of(topic)])
def test_what_no_decision_sent_is_named(topic: str) -> None:
    """A forged record on any output topic is found, at its beginning, between and at its end."""
    there = [entry for entry in HONEST.of(topic) if entry.partition == 0]
    for at in range(len(there) + 1):
        forged = there[0]._replace(offset=at, value=(there[0].value or b"")[:-1] + b"\x99")
        moved = [
            entry._replace(offset=entry.offset + 1)
            if entry[:2] == (topic, 0) and entry.offset >= at
            else entry
            for entry in ENTRIES
        ]
        entries = sorted([*moved, forged], key=lambda entry: entry[:3])
        assert named(verified(source_of(entries))) == [(topic, 0, at)]


def test_a_forged_yes_is_named_by_the_head_signed_after_it() -> None:
    """A reply rewritten, and all that follows from it with every seal recomputed: the first signed
    head behind it does not fit, in its partition and in no other.
    """
    decisions = HONEST.of(DECISIONS)
    heads = [
        Head("vas.", e.partition, e.offset, (e.value or b"")[-32:].hex(), e.offset, 0, {})
        for e in decisions
    ]
    for reply in HONEST.of(REPLIES):
        scribe = honest()
        draft = next(each for each in scribe.all(REPLIES) if each.where == reply[:3])
        if not draft.fields:
            continue
        draft.fields["text"] = "yes, by all means"
        entries = [entry for topic in scribe.history().topics.values() for entry in topic]
        assert named(verified(source_of(entries))) == []
        [answer] = [
            entry
            for entry in decisions
            if SCHEMAS.decode(DECISIONS, entry.value)["cause"]["offset"] == reply.offset
            and SCHEMAS.decode(DECISIONS, entry.value)["cause"]["topic"] == REPLIES
            and entry.partition == reply.partition
        ]
        signed = [head for head in heads if head.sequence % 3 == 2]
        first = next(
            head.offset
            for head in signed
            if head.partition == reply.partition and head.sequence >= answer.offset
        )
        found = named(verified(source_of(entries), signed))
        assert found == [(DECISIONS, reply.partition, first)]


@pytest.mark.parametrize("decided", range(len(HONEST.of(DECISIONS))))
def test_a_history_cut_while_the_gate_runs_holds_and_goes_on_from_its_head(decided: int) -> None:
    """What later decisions sent is no forgery; from a head on, only what is behind it is checked.

    Where the topics before the head are gone, that is clean ground all the same.
    """
    whole = source_of(ENTRIES)
    cut = [e for e in ENTRIES if e.topic != DECISIONS or e.offset < decided]
    before = verified(replace(source_of(cut), after=whole))
    assert all(result.holds for result in before)
    begins = [result.head for result in before if result.head is not None]
    gone = {
        (topic, head.partition): offset
        for head in begins
        for topic, offset in {**head.positions, DECISIONS: head.offset + 1}.items()
        if topic != TICKS
    }
    after = verified(replace(whole, begins=gone), HEADS, begins)
    assert [str(flaw) for result in after for flaw in result.flaws] == []
    assert [result.gone for result in after] == [[]] * PARTITIONS
    checked = sum(result.counts["decisions"] for result in [*before, *after])
    assert checked == len(HONEST.of(DECISIONS))


def test_a_head_that_checking_begins_behind_must_be_there() -> None:
    """Decisions cut off before the head, or another one in its place: its place is named."""
    [begin] = [head for head in HEADS if head.partition == 0]
    cut = [e for e in ENTRIES if e[:2] != (DECISIONS, 0) or e.offset < begin.offset]
    assert (DECISIONS, 0, begin.offset) in named(verified(source_of(cut), HEADS, HEADS))
    other = replace(begin, seal="00" * 32)
    found = named(verified(source_of(ENTRIES), (), (other,)))
    assert found == [(DECISIONS, 0, begin.offset)]


@pytest.mark.parametrize("topic", [DECISIONS, ORDERS, MESSAGES, VERDICTS, CHARGES])
def test_what_retention_removed_is_never_clean(topic: str) -> None:
    """The beginning of any topic gone: nothing is called wrong, and the result is not clean."""
    whole = source_of(ENTRIES)
    there = [entry for entry in HONEST.of(topic) if entry.partition == 0]
    begin = there[-1].offset
    assert begin
    results = verified(replace(whole, begins={(topic, 0): begin}))
    assert named(results) == []
    assert not results[0].holds
    assert topic in results[0].gone[0]
    assert results[0].head is None
    assert results[1].holds


# -- signed heads ------------------------------------------------------------------------------


def signed(tmp_path: Path) -> tuple[Path, Ed25519PrivateKey]:
    """A file of two signings."""
    key, path = Ed25519PrivateKey.generate(), tmp_path / "anchors"
    append_heads(path, key, Anchors(), HEADS)
    append_heads(path, key, read_anchors(path, key.public_key(), "vas."), HEADS)
    return path, key


def test_heads_are_read_as_they_were_signed(tmp_path: Path) -> None:
    """What is signed is read again, with the newest of each partition at hand."""
    path, key = signed(tmp_path)
    read = read_anchors(path, key.public_key(), "vas.")
    assert read.heads == (*HEADS, *HEADS)
    assert read.newest() == {head.partition: head for head in HEADS}
    assert read.newest(before=0) == {}


def test_a_file_of_heads_that_was_touched_is_refused(tmp_path: Path) -> None:
    """A line cut off, changed, taken out or moved, another key, another gate's: never believed."""
    path, key = signed(tmp_path)
    content = path.read_bytes()
    lines = content.splitlines(keepends=True)
    public = key.public_key()
    for touched, told in (
        (content[:-9], "line 4 is cut off"),
        (content.replace(b'"sequence":', b'"sequence":1', 1), "line 1 is not signed"),
        (b"".join(lines[:1] + lines[2:]), "a line before line 2 is missing"),
        (b"".join(lines[1:]), "a line before line 1 is missing"),
        (lines[0] + b"[1]\n", "line 2 is no signed head"),
        (lines[0] + b"\xff\n", "line 2 is no signed head"),
    ):
        path.write_bytes(touched)
        with pytest.raises(Stop, match=told) as refused:
            read_anchors(path, public, "vas.")
        assert refused.value.cause is Cause.ANCHORS_REFUSED
    path.write_bytes(content)
    with pytest.raises(Stop, match="line 1 is not signed with this key"):
        read_anchors(path, Ed25519PrivateKey.generate().public_key(), "vas.")
    with pytest.raises(Stop, match="is of the topics vas"):
        read_anchors(path, public, "other.")
    with pytest.raises(Stop, match="No such file"):
        read_anchors(tmp_path / "nowhere", public, "vas.")
