"""Billing: takes each approved charge once and says what became of it.

Law: a charge_id is collected once, for ever. A second record with the same id is counted and
answered with nothing; the demo and the tests demand that there is none.
"""

from streams.gate.effects import Charge
from streams.gate.events import Settlement
from streams.gate.words import SettlementOutcome
from streams.world.draws import chances


class Billing:
    """The operator's billing system, with money that sometimes is not there."""

    def __init__(self, seed: int, unpaid: float) -> None:
        self._seed = seed
        self._unpaid = unpaid
        self._charge_ids: set[str] = set()
        self.repeated = 0
        self.collected_minor: dict[str, int] = {}

    @property
    def charges(self) -> int:
        """How many different charges it was given."""
        return len(self._charge_ids)

    def take(self, charge: Charge, now: int) -> Settlement | None:
        """The settlement of a new charge; nothing for one seen before."""
        if charge.charge_id in self._charge_ids:
            self.repeated += 1
            return None
        self._charge_ids.add(charge.charge_id)
        paid = chances(self._seed, "billing", charge.charge_id)[0] >= self._unpaid
        if paid:
            so_far = self.collected_minor.get(charge.currency, 0)
            self.collected_minor[charge.currency] = so_far + charge.price_minor
        return Settlement(
            f"t-{charge.charge_id}",
            charge.charge_id,
            None,
            charge.msisdn,
            SettlementOutcome.CHARGED if paid else SettlementOutcome.FAILED,
            charge.price_minor,
            charge.currency,
            None if paid else "balance too low",
            now,
        )
