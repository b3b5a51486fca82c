"""Law 10 of reference data: what is not in force became a dead letter, once for each cause.

The turns of partition 0 tell it: the first that passes a record with a fault, and the first that
passes both a record and the act that sets it aside; one that was in force, and is refused since an
act took away what it followed, is told in the turn that passes that act. No turn is overlooked by
which anything goes out of force or comes into it: it tells something, and so has a decision.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from streams.audit.books import Books
from streams.audit.folding import Positions
from streams.audit.letters import SET_ASIDE, Where, cause_of
from streams.audit.reference_faults import Fault
from streams.audit.report import Finding, finding
from streams.topics import REFERENCES

_ASIDE = Fault("an act sets it aside")


def untold(books: Books, counts: Counter[str]) -> Iterator[Finding]:
    """Reference records that should have become dead letters and did not, or did too often."""
    ends = _ends(books)
    numbers = [books.folds.number(positions) for positions in ends]
    changed = [turn for turn in range(1, len(ends)) if numbers[turn] != numbers[turn - 1]]
    for topic in REFERENCES:
        place = REFERENCES.index(topic)
        passed = [positions[place] for positions in ends]
        for offset, entry in books.inputs.get((topic, 0), {}).items():
            first = bisect_right(passed, offset)
            if first == len(ends):
                break
            counts["reference records judged"] += 1
            where = entry[:3]
            since = [first, *(turn for turn in changed if turn > first)]
            whys = [_why_not(books, where, numbers[turn]) for turn in since]
            for sentence in _told_wrong(books, where, whys):
                yield finding(10, entry, sentence)


def _ends(books: Books) -> list[Positions]:
    """The positions at which turns of partition 0 ended, as far as its decisions show them."""
    ends = list(dict.fromkeys(each.reference for each in books.decisions.get(0, ())))
    if books.drained:
        lasts = (each[-1].reference for each in books.decisions.values())
        last = tuple(map(max, zip(*lasts, strict=True)))
        if last and last not in ends:
            ends.append(last)
    return ends


def _why_not(books: Books, where: Where, number: int) -> Fault | None:
    fold = books.folds.of_number(number)
    if where in fold.aside:
        return _ASIDE
    if where in books.malformed:
        return Fault(f"it is unreadable ({books.malformed[where]})")
    return fold.faults.get(where)


def _told_wrong(books: Books, where: Where, whys: list[Fault | None]) -> Iterator[str]:
    """Held against its dead letters, by cause; `whys` in the order of the turns."""
    causes = [cause_of(dict(letter.headers)) for letter, _ in books.letters(where)]
    asides = causes.count(SET_ASIDE)
    for told, of in ((asides, True), (len(causes) - asides, False)):
        now = [None, *(why if (why is _ASIDE) is of else None for why in whys)]
        begun = [after for before, after in pairwise(now) if before is None and after is not None]
        if told < sum(why.certain for why in begun):
            yield f"it is no dead letter, though {begun[0].sentence}"
        # One that has no fault which can be named is found by its dead letter.
        if told > max(len(begun), 1):
            yield "it became a dead letter again for the same cause"
