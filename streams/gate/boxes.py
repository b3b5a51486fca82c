"""Which orders a policy's rules can reach: the first rule that matches hides those below it.

Everything a rule looks at (province, line, scope, provider, credit, time) is cut into the finitely
many cells that the policy tells apart. A rule is a box of cells; what is left of it after the boxes
of the rules above is what it can ever match.
"""

from collections.abc import Iterable, Sequence

from streams.gate.reference import Policy
from streams.gate.words import Channel, Scope

LINES = (Channel.SMS, Channel.MMS, Channel.IVR)

_LINE = 1  # the place of the line among a box's sides
_OTHER = ""  # stands for every province or provider that the policy does not name

# A rule cut into more pieces than this is taken as one that can match: the check is there for the
# mistakes people make, and must not become the slowest part of taking a policy.
PIECES_MAX = 5_000

Box = tuple[frozenset[object], ...]


def reachable(policy: Policy) -> list[list[Box]]:
    """For each rule, in order, the boxes it can still match; none when it can never match."""
    boxes = _boxes(policy)
    left: list[list[Box]] = []
    for place, box in enumerate(boxes):
        pieces = [box] if all(box) else []
        for above in boxes[:place]:
            pieces = [part for piece in pieces for part in _without(piece, above)]
            if len(pieces) > PIECES_MAX:
                pieces = [box]
                break
        left.append(pieces)
    return left


def lines_of(boxes: Iterable[Box]) -> set[object]:
    """The business lines that some of these boxes hold."""
    return {line for box in boxes for line in box[_LINE]}


def _boxes(policy: Policy) -> list[Box]:
    rules = policy.rules
    provinces = {_OTHER, *(name for rule in rules for name in rule.provinces)}
    providers = {_OTHER, *(name for rule in rules for name in rule.provider_ids)}
    points = _cuts(
        None, (bound for rule in rules for bound in (rule.credit_below, rule.credit_at_least))
    )
    times = _cuts(
        policy.effective_from, (bound for rule in rules for bound in (rule.from_at, rule.until_at))
    )
    return [
        (
            frozenset(rule.provinces or provinces),
            frozenset(rule.lines or LINES),
            frozenset((rule.scope,) if rule.scope else (Scope.NATIONAL, Scope.LOCAL)),
            frozenset(rule.provider_ids or providers),
            _between(points, rule.credit_at_least, rule.credit_below),
            _between(times, rule.from_at, rule.until_at),
        )
        for rule in rules
    ]


def _cuts(first: int | None, bounds: Iterable[int | None]) -> list[int | None]:
    """The starts of the intervals that the bounds tell apart; None starts at minus infinity."""
    starts = {bound for bound in bounds if bound is not None and (first is None or bound > first)}
    return [first, *sorted(starts)]


def _between(
    starts: Sequence[int | None], at_least: int | None, below: int | None
) -> frozenset[object]:
    """The intervals that lie at or above one bound and below the other."""
    return frozenset(
        start
        for start in starts
        if (at_least is None or (start is not None and start >= at_least))
        and (below is None or start is None or start < below)
    )


def _without(box: Box, hidden: Box) -> list[Box]:
    """What is left of a box when another is taken away, as boxes that do not overlap."""
    if any(not side & other for side, other in zip(box, hidden, strict=True)):
        return [box]
    pieces: list[Box] = []
    for place, (side, other) in enumerate(zip(box, hidden, strict=True)):
        if rest := side - other:
            pieces.append((*box[:place], rest, *box[place + 1 :]))
        box = (*box[:place], side & other, *box[place + 1 :])
    return pieces
