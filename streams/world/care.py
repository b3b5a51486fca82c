"""Customer care: takes complaints about charges, decides them, gives money back, and looks.

Laws: whether a charge is complained about, and what care makes of it, is drawn from the seed and
the charge's order; some complaints nobody ever answers. Care knows charges from its bills, never
what the gate decided. Now and then it asks for what cannot be done, and that is counted.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from streams.gate.effects import Charge
from streams.gate.events import CareAction
from streams.gate.words import CareKind
from streams.world.draws import Lots, chances
from streams.world.mix import Fault
from streams.world.people import Person

_AGENTS = ("agent-07", "agent-12", "agent-31")
_CATEGORIES = ("not ordered", "not delivered", "price")
# From the charge to the complaint, and from each act to the next.
_COMPLAINS_MS = (400, 2000)
_NEXT_MS = (200, 700)


class Course(StrEnum):
    """What becomes of a complaint."""

    UPHELD = "upheld"  # with all the money
    UPHELD_IN_PART = "upheld_in_part"
    ANSWERED_UPHELD = "answered_upheld"
    ANSWERED_REJECTED = "answered_rejected"
    REFUNDED = "refunded"  # no complaint is opened: money is given back at once
    UNANSWERED = "unanswered"


_COURSES = Lots(
    {
        Course.UPHELD: 0.25,
        Course.UPHELD_IN_PART: 0.15,
        Course.ANSWERED_UPHELD: 0.1,
        Course.ANSWERED_REJECTED: 0.25,
        Course.REFUNDED: 0.1,
        Course.UNANSWERED: 0.15,
    }
)


class Careless(StrEnum):
    """The ways in which care asks for what cannot be done."""

    UNKNOWN_COMPLAINT = "unknown_complaint"
    UNKNOWN_CHARGE = "unknown_charge"
    TOO_MUCH = "too_much"
    KNOWN_COMPLAINT = "known_complaint"
    INCOMPLETE = "incomplete"


class Act(NamedTuple):
    """One care action, and how much later than the charge."""

    after_ms: int
    action: CareAction
    careless: Careless | None = None


class Care:
    """The hall: many agents, one set of habits."""

    def __init__(self, seed: int, faults: Mapping[Fault, float]) -> None:
        self._seed = seed
        self._faults = faults

    def hear(self, charge: Charge, ordinal: int, number: int) -> tuple[Act, ...]:
        """All that will be done about a charge of this subscriber's order; mostly nothing."""
        draws = chances(self._seed, "care", ordinal, number)
        complains, course, looks, by_order, careless, which, revokes, pace = draws
        if complains >= self._faults[Fault.COMPLAINTS]:
            return ()
        file = _File(charge, pace)
        if looks < 0.5:
            file.act(CareKind.LOOK)
        self._follow(file, _COURSES.pick(course), by_order < 0.2)
        if revokes < 0.3:
            file.act(CareKind.REVOKE, service_id=charge.service_id if revokes < 0.2 else None)
        if careless < self._faults[Fault.CARELESS]:
            _blunder(file, list(Careless)[int(which * len(Careless))])
        return tuple(file.acts)

    def _follow(self, file: "_File", course: Course, by_order: bool) -> None:  # noqa: FBT001
        price = file.charge.price_minor
        charge_id = file.charge.charge_id
        if course is Course.REFUNDED:
            file.act(CareKind.REFUND, charge_id=charge_id)
            return
        file.act(
            CareKind.COMPLAIN,
            complaint_id=file.complaint_id,
            charge_id=None if by_order else charge_id,
            order_id=file.charge.order_id if by_order else None,
            category=file.category,
        )
        match course:
            case Course.UPHELD:
                file.act(CareKind.UPHOLD, complaint_id=file.complaint_id)
            case Course.UPHELD_IN_PART:
                half = max(1, price // 2)
                file.act(CareKind.UPHOLD, complaint_id=file.complaint_id, amount_minor=half)
            case Course.ANSWERED_UPHELD:
                file.act(CareKind.ANSWER, complaint_id=file.complaint_id, text="checked")
                file.act(CareKind.UPHOLD, complaint_id=file.complaint_id)
            case Course.ANSWERED_REJECTED:
                file.act(CareKind.ANSWER, complaint_id=file.complaint_id, text="checked")
                file.act(CareKind.REJECT, complaint_id=file.complaint_id)


def release(person: Person, turn: int, now: int) -> CareAction:
    """The operator's word that a number has another subscriber from now on."""
    return CareAction(
        action_id=f"care-release-{person.owner}-{turn}-{now}",
        msisdn=person.msisdn,
        kind=CareKind.RELEASE,
        complaint_id=None,
        charge_id=None,
        order_id=None,
        category=None,
        text=None,
        amount_minor=None,
        province=person.province,
        agent="number-desk",
        reason="the number was given to another subscriber",
        acted_at=now,
        service_id=None,
    )


class _File:
    """What is done about one charge, in its order."""

    def __init__(self, charge: Charge, pace: float) -> None:
        self.charge = charge
        self.complaint_id = f"complaint-{charge.charge_id}"
        self.category = _CATEGORIES[int(pace * len(_CATEGORIES))]
        self.acts: list[Act] = []
        self._pace = pace
        self._at = 0

    def act(
        self,
        kind: CareKind,
        *,
        careless: Careless | None = None,
        complaint_id: str | None = None,
        charge_id: str | None = None,
        order_id: str | None = None,
        category: str | None = None,
        text: str | None = None,
        amount_minor: int | None = None,
        service_id: str | None = None,
    ) -> None:
        """One thing more."""
        low, high = _NEXT_MS if self.acts else _COMPLAINS_MS
        self._at += int(low + (high - low) * self._pace)
        action = CareAction(
            action_id=f"care-{self.charge.charge_id}-{len(self.acts)}",
            msisdn=self.charge.msisdn,
            kind=kind,
            complaint_id=complaint_id,
            charge_id=charge_id,
            order_id=order_id,
            category=category,
            text=text,
            amount_minor=amount_minor,
            province=self.charge.province,
            agent=_AGENTS[int(self._pace * len(_AGENTS))],
            reason="the subscriber called",
            acted_at=0,  # told when it is done
            service_id=service_id,
        )
        self.acts.append(Act(self._at, action, careless))


def _blunder(file: _File, kind: Careless) -> None:
    charge_id, complaint_id = file.charge.charge_id, file.complaint_id
    match kind:
        case Careless.UNKNOWN_COMPLAINT:
            file.act(CareKind.ANSWER, careless=kind, complaint_id=f"{complaint_id}-x")
        case Careless.UNKNOWN_CHARGE:
            file.act(CareKind.REFUND, careless=kind, charge_id=f"{charge_id}-x")
        case Careless.TOO_MUCH:
            amount = file.charge.price_minor + 1
            file.act(CareKind.REFUND, careless=kind, charge_id=charge_id, amount_minor=amount)
        case Careless.KNOWN_COMPLAINT:
            # Opened a second time at once, so that the first is surely still open.
            twice = f"{complaint_id}-2"
            file.act(CareKind.COMPLAIN, complaint_id=twice, charge_id=charge_id)
            file.act(CareKind.COMPLAIN, careless=kind, complaint_id=twice, charge_id=charge_id)
        case Careless.INCOMPLETE:
            file.act(CareKind.ANSWER, careless=kind, text="checked")
