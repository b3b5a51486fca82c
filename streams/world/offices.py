"""The operator's offices behind the gate: billing and customer care, as they hear of charges.

They publish settlements and care actions when it is time, and give numbers to new subscribers.
"""

from functools import partial

from streams.gate.effects import Charge, RefundRequest
from streams.gate.events import CareAction, Settlement
from streams.world.agenda import Agenda
from streams.world.billing import Billing, Said
from streams.world.care import Act, Care
from streams.world.options import Options, Tally
from streams.world.people import OrderIds
from streams.world.post import Post


class Offices:
    """Billing and customer care."""

    def __init__(
        self, options: Options, ids: OrderIds, agenda: Agenda, post: Post, tally: Tally
    ) -> None:
        self._pace = options.pace
        self._ids = ids
        self._agenda = agenda
        self._post = post
        self._tally = tally
        self._care = Care(options.seed, options.mix.faults)
        self.billing = Billing(options.seed, options.mix.faults)

    def charge(self, charge: Charge, now: int) -> None:
        """Collect a charge; its subscriber may find it on the bill and complain."""
        is_new = not self.billing.knows(charge.charge_id)
        self._answer(self.billing.take(charge, now), now)
        ours = self._ids.read(charge.order_id)
        if is_new and ours is not None:
            for act in self._care.hear(charge, *ours):
                self._agenda.enter(now + int(act.after_ms * self._pace), partial(self._do, act))

    def refund(self, request: RefundRequest, now: int) -> None:
        """Give money back."""
        self._answer(self.billing.refund(request, now), now)

    def do(self, action: CareAction, now: int) -> None:
        """Customer care acts now."""
        self._tally.care[action.kind] += 1
        self._post.care(action._replace(acted_at=now), now)

    def count(self) -> None:
        """Put billing's books into the tally."""
        tally, billing = self._tally, self.billing
        tally.charges = billing.charges
        tally.charges_repeated = billing.repeated
        tally.collected_minor = dict(billing.collected_minor)
        tally.refunds = billing.refunds.copy()
        tally.refunds_repeated = billing.refunds_repeated
        tally.returned_minor = dict(billing.returned_minor)
        tally.missettled = billing.missettled.copy()

    def _do(self, act: Act, now: int) -> None:
        if act.careless is not None:
            self._tally.careless[act.careless] += 1
        self.do(act.action, now)

    def _answer(self, said: tuple[Said, ...], now: int) -> None:
        for settlement, after_ms in said:
            if after_ms:
                due = now + int(after_ms * self._pace)
                self._agenda.enter(due, partial(self._settle, settlement))
            else:
                self._settle(settlement, now)

    def _settle(self, settlement: Settlement, now: int) -> None:
        self._post.settlement(settlement._replace(settled_at=now), now)
