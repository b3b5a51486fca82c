"""Records that an operator set aside: by an act that lies before what their decision had read.

Laws: such a record became a dead letter for that and nothing else (8), one that says so has its act
(10), and the act is found from the decision and from the letter (12). A limit that was raised
shows in no decision, so there is nothing to hold against it.
"""

from collections import Counter
from collections.abc import Iterator

from streams.audit.books import Books
from streams.audit.letters import SET_ASIDE, cause_of
from streams.audit.records import Decision, OperatorAct
from streams.audit.report import Finding, finding
from streams.topics import ACTS


def act_on(books: Books, decision: Decision | None) -> OperatorAct | None:
    """The act in force on the record of a decision when it was decided."""
    if decision is None or decision.act:
        return None
    return books.standing.act_on(decision[2:5], decision.reference)


def decided_all_the_same(books: Books) -> Iterator[Finding]:
    """Law 8: what an act set aside was set aside, for that."""
    for decision in books.all_decisions():
        if act_on(books, decision) is None:
            continue
        causes = [cause_of(dict(letter.headers)) for letter in books.letters_of(decision)]
        if decision.reason != "DEAD_LETTER" or causes != [SET_ASIDE]:
            sentence = "an act before its reference positions set its record aside, and it did not"
            yield finding(8, decision.entry, sentence)


def without_act(books: Books) -> Iterator[Finding]:
    """Law 10: nothing was set aside that no operator named."""
    for where in books.dead_letters.of:
        for letter, decision in books.letters(where):
            if cause_of(dict(letter.headers)) == SET_ASIDE and act_on(books, decision) is None:
                sentence = "it was set aside, but by no act before its decision's positions"
                yield finding(10, letter, sentence)


def unexplained(books: Books, counts: Counter[str]) -> Iterator[Finding]:
    """Law 12: decision and letter name the act, and no other."""
    for decision in books.all_decisions():
        act = act_on(books, decision)
        named = [name for topic, name in decision.evidence if topic == ACTS]
        if named != ([] if act is None else [act.act_id]):
            yield finding(12, decision.entry, "the act that it names is not the one in force")
        if act is not None:
            counts["acts"] += 1
            yield from _letters(books, decision, act)


def _letters(books: Books, decision: Decision, act: OperatorAct) -> Iterator[Finding]:
    for letter in books.letters_of(decision):
        headers = dict(letter.headers)
        said = headers.get("__connect.errors.exception.message") or b""
        if headers.get("tollgate.act") != act.act_id.encode() or act.act_id.encode() not in said:
            yield finding(12, letter, "the act that set it aside is not named")
