"""Records that an operator set aside: by an act that lies before what their decision had read.

Laws: such a record became a dead letter for that and nothing else (8), one that says so has its act
(10), and the act is found from the decision and from the letter (12). A limit that was raised
shows in no decision, so there is nothing to hold against it.
"""

from collections import Counter
from collections.abc import Iterator

from streams.audit.books import Books
from streams.audit.letters import Where, cause_of
from streams.audit.records import Decision, OperatorAct
from streams.audit.report import Finding, finding
from streams.topics import ACTS, REFERENCES

_SET_ASIDE = "quarantined"


def act_on(books: Books, where: Where) -> OperatorAct | None:
    """The act in force on a record when it was decided.

    On a record of reference data it is in force only where the gate could not take the record, and
    only the dead letter tells that.
    """
    decision = books.decided.get(where)
    if decision is None or (where[0] in REFERENCES and _SET_ASIDE not in _causes(books, where)):
        return None
    return books.standing.act_on(where, decision.reference)


def _causes(books: Books, where: Where) -> list[str]:
    """Of the dead letters of a record."""
    return [cause_of(dict(letter.headers)) for letter in books.dead_letters.of.get(where, ())]


def decided_all_the_same(books: Books) -> Iterator[Finding]:
    """Law 8: what an act set aside was set aside, for that."""
    for where, decision in books.decided.items():
        if act_on(books, where) is None:
            continue
        if decision.reason != "DEAD_LETTER" or _causes(books, where) != [_SET_ASIDE]:
            sentence = "an act before its reference positions set its record aside, and it did not"
            yield finding(8, decision.entry, sentence)


def without_act(books: Books) -> Iterator[Finding]:
    """Law 10: nothing was set aside that no operator named."""
    for where, letters in books.dead_letters.of.items():
        for letter in letters:
            if cause_of(dict(letter.headers)) == _SET_ASIDE and act_on(books, where) is None:
                sentence = "it was set aside, but by no act before its decision's positions"
                yield finding(10, letter, sentence)


def unexplained(books: Books, counts: Counter[str]) -> Iterator[Finding]:
    """Law 12: decision and letter name the act, and no other."""
    for decision in books.all_decisions():
        act = act_on(books, decision[2:5]) if decision.act == 0 else None
        named = [name for topic, name in decision.evidence if topic == ACTS]
        if named != ([] if act is None else [act.act_id]):
            yield finding(12, decision.entry, "the act that it names is not the one in force")
        if act is not None:
            counts["acts"] += 1
            yield from _letters(books, decision, act)


def _letters(books: Books, decision: Decision, act: OperatorAct) -> Iterator[Finding]:
    for letter in books.dead_letters.of.get(decision[2:5], ()):
        headers = dict(letter.headers)
        said = headers.get("__connect.errors.exception.message") or b""
        if headers.get("tollgate.act") != act.act_id.encode() or act.act_id.encode() not in said:
            yield finding(12, letter, "the act that set it aside is not named")
