"""Who the subscribers are and how often centres and providers err: shares by name.

Law: the shares of the tempers sum to one; a name that is not here is refused, never ignored.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class Temper(StrEnum):
    """How a subscriber behaves; the shares of all tempers sum to one."""

    QUICK_YES = "quick_yes"  # says yes as soon as the prompt is read
    SLOW_YES = "slow_yes"  # says yes late, but within the prompt's life
    LATE_YES = "late_yes"  # says yes when the prompt's life is over
    NO = "no"
    NONSENSE = "nonsense"  # answers what is no answer, or to another number
    SILENCE = "silence"
    REPEATS = "repeats"  # orders the service again while the prompt is open, then says yes
    SEVERAL = "several"  # orders several services at once, and answers every prompt yes
    AGAIN = "again"  # says yes, and orders the same service again all day
    HANGS_UP = "hangs_up"  # orders voice services and hangs up before pressing a key
    CODES = "codes"  # answers with the prompt's own code, asked for or not
    WRONG_CODE = "wrong_code"  # answers with a code that nobody gave them
    LISTS = "lists"  # says yes, and asks what the day has cost
    CANCELS = "cancels"  # says yes, or not yet, and takes back one service or all
    UNDOES = "undoes"  # says yes, and undoes the charge when the receipt comes
    BINGES = "binges"  # orders the dearest again and again, says yes to all: limits are for them


class Fault(StrEnum):
    """How often things go wrong outside; each is a share of what it could strike."""

    DUPLICATES = "duplicates"  # a centre sends the same record twice
    MISORDERS = "misorders"  # a readable order that no policy could approve: wrong price, and so on
    MALFORMED = "malformed"  # beside an order, a record that only a dead letter can answer
    UNDELIVERED = "undelivered"  # a message that never reaches the handset
    UNPAID = "unpaid"  # a charge that billing cannot collect
    MISSETTLED = "missettled"  # a charge after which billing contradicts us or itself
    GIVEN_BACK = "given_back"  # a charge that billing gives back without being asked
    UNREFUNDED = "unrefunded"  # a refund that billing cannot pay
    PART_REFUNDED = "part_refunded"  # a refund of which billing pays half
    COMPLAINTS = "complaints"  # a charge that its subscriber complains about
    CARELESS = "careless"  # a complaint at which customer care asks for what cannot be done
    RELEASED = "released"  # a subscriber's turn after which the number is somebody else's


class Mix(NamedTuple):
    """Shares of tempers, which sum to one, and of faults, each on its own."""

    tempers: Mapping[Temper, float]
    faults: Mapping[Fault, float]


class MixError(ValueError):
    """A mix that cannot be; its text says which share and why."""


# Malformed records stay far below what stops a worker (law 10).
DEFAULT_MIX = Mix(
    {
        Temper.QUICK_YES: 0.302,
        Temper.SLOW_YES: 0.10,
        Temper.LATE_YES: 0.03,
        Temper.NO: 0.09,
        Temper.NONSENSE: 0.04,
        Temper.SILENCE: 0.11,
        Temper.REPEATS: 0.05,
        Temper.SEVERAL: 0.05,
        Temper.AGAIN: 0.11,
        Temper.HANGS_UP: 0.03,
        Temper.CODES: 0.03,
        Temper.WRONG_CODE: 0.01,
        Temper.LISTS: 0.015,
        Temper.CANCELS: 0.015,
        Temper.UNDOES: 0.015,
        Temper.BINGES: 0.003,
    },
    {
        Fault.DUPLICATES: 0.02,
        Fault.MISORDERS: 0.02,
        Fault.MALFORMED: 0.003,
        Fault.UNDELIVERED: 0.01,
        Fault.UNPAID: 0.015,
        Fault.MISSETTLED: 0.002,
        Fault.GIVEN_BACK: 0.002,
        Fault.UNREFUNDED: 0.05,
        Fault.PART_REFUNDED: 0.05,
        Fault.COMPLAINTS: 0.01,
        Fault.CARELESS: 0.1,
        Fault.RELEASED: 0.002,
    },
)

_ROUNDING = 0.001  # people write thirds as 0.333


def parse_mix(text: str) -> Mix:
    """Read `name=share,…`; tempers replace the default ones as a whole, faults one by one."""
    tempers: dict[Temper, float] = {}
    faults = dict(DEFAULT_MIX.faults)
    for part in text.split(",") if text.strip() else ():
        name, _, share = (piece.strip() for piece in part.partition("="))
        value = _share(name, share)
        if name in set(Temper):
            tempers[Temper(name)] = value
        elif name in set(Fault):
            faults[Fault(name)] = value
        else:
            known = ", ".join([*Temper, *Fault])
            raise MixError(f"mix: no share is called {name!r}; the names are {known}")
    return validated(Mix(tempers or DEFAULT_MIX.tempers, faults))


def validated(mix: Mix) -> Mix:
    """The mix itself, or a MixError that says which share cannot be."""
    for name, share in [*mix.tempers.items(), *mix.faults.items()]:
        if not 0 <= share <= 1:
            raise MixError(f"mix: {name} is {share}, but a share lies between 0 and 1")
    total = sum(mix.tempers.values())
    if abs(total - 1) > _ROUNDING:
        raise MixError(f"mix: the tempers ({', '.join(Temper)}) sum to {total:.3f}, not to 1")
    return mix


def _share(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise MixError(f"mix: {name!r} has {text!r} for a share; write name=0.1") from None
