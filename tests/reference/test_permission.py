"""Whether changes may be written, judged against what stands on the topics, told once."""

from datetime import datetime

from streams.gate.catalogue import Catalogue
from streams.gate.reference import Policy
from streams.reference.changes import Change, Kind, Signature, compare
from streams.reference.file import load_text
from streams.reference.permission import problems_of
from streams.reference.problems import Problem
from streams.reference.records import DRAFT_KEY, Record, id_of
from tests.reference.examples import SMALL, spoilt

SIGNED = Signature("li", "a test")
LATER = round(datetime.fromisoformat("2010-10-01T00:00:00+08:00").timestamp() * 1000)


def changes_of(text: str, latest: dict[tuple[str, str], Record]) -> list[Change]:
    return [
        change
        for change in compare(load_text(text, "file.yaml"), latest, LATER, SIGNED)
        if change.is_pending
    ]


def judged(text: str, decided: int | None) -> list[Problem]:
    """What is wrong with applying a text where the small file stands already."""
    latest: dict[tuple[str, str], Record] = {}
    standing = Catalogue()
    for change in changes_of(SMALL, latest):
        assert standing.fold(change.topic, change.record) is None
        latest[change.topic, id_of(change.record)] = change.record
    pending = changes_of(text, latest)
    return problems_of(load_text(text, "file.yaml"), pending, standing, decided)


def test_an_edit_of_a_policy_in_force_is_one_problem() -> None:
    """Who edits a policy that has decided is told to give it a later instant, and no more."""
    (problem,) = judged(spoilt("grace: 10s", "grace: 20s"), LATER)
    assert problem.what.startswith("notice would take effect at 2010-08-31T16:00:00Z, but what")
    assert problem.remedy == "give it a later instant, or `now`"
    assert problem.line == 23


def test_an_edit_before_anything_is_decided_needs_an_instant_of_its_own() -> None:
    """Versions of a policy cannot begin at one instant, whether or not they have decided."""
    (problem,) = judged(spoilt("grace: 10s", "grace: 20s"), None)
    assert "version 2 takes effect at the same instant as version 1" in problem.what
    assert "give it a later effective_from" in problem.what


def test_an_edit_with_a_later_instant_is_taken() -> None:
    """The next version of a policy, at an instant of its own, is without fault."""
    text = spoilt("2010-09-01T00:00:00+08:00", "2010-10-01T00:00:00.001+08:00")
    assert not judged(spoilt("grace: 10s", "grace: 20s", text), LATER)


def test_every_policy_that_is_written_has_a_key_of_its_own() -> None:
    """No policy goes to the topics with the key that stands in its draft."""
    keys = [
        change.record.code_key
        for _ in range(2)
        for change in changes_of(SMALL, {})
        if isinstance(change.record, Policy)
    ]
    assert len({*keys, DRAFT_KEY}) == 3
    assert all(len(key) == 16 for key in keys)


def test_a_new_version_keeps_its_key_and_is_told_field_by_field() -> None:
    """The difference names what the author changed; the key goes on."""
    latest = {(each.topic, id_of(each.record)): each.record for each in changes_of(SMALL, {})}
    text = spoilt("    rules:\n", "    refuse_after_no: true\n    rules:\n")
    (change,) = changes_of(text, latest)
    before = latest["policies.v1", "notice"]
    assert isinstance(before, Policy)
    assert isinstance(change.record, Policy)
    assert change.kind is Kind.CHANGED
    assert str(change) == "~ policies.v1 notice: refuse_after_no: false → true"
    assert change.record.code_key == before.code_key
