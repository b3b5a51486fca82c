"""The one place where money is approved, and what a refusal means for the orders that wait.

A charge always comes with its verdict, its account (what billing's answers, refunds and complaints
are held against) and the day of its subscriber with this charge in it; where rule and policy say
so, a receipt and a notice follow it.
"""

from typing import NamedTuple

from streams.gate.days import with_charge
from streams.gate.decision import AccountWrite, Effect
from streams.gate.effects import Charge, Verdict
from streams.gate.events import Order
from streams.gate.facts import Facts
from streams.gate.ids import CHARGE, VERDICT, base_id
from streams.gate.policy import PolicyInForce
from streams.gate.receipts import notice, notice_due, receipt, receipt_due
from streams.gate.rows import ChargeAccount, Grant, OpenPrompt, SubscriberDay, Waiting
from streams.gate.words import Channel, Confirmation, Outcome, Reason, SettlementOutcome


class Charged(NamedTuple):
    """What charging an order leads to."""

    charge_id: str
    day: SubscriberDay  # of the order, with this charge in it
    effects: tuple[Effect, ...]
    account: AccountWrite


def charge_order(
    facts: Facts,
    policy: PolicyInForce,
    order: Order,
    day: SubscriberDay,
    confirmation: Confirmation,
    grant: Grant | None,
    reason: Reason,
    releases: int,
    *,
    tells: bool,
) -> Charged:
    """Approve an order: by the yes that a grant stands for, or because the policy asks for none.

    `tells` is the rule's receipt; the reason is the verdict's; `releases` the subscriber's.
    """
    at, currency = facts.at, order.currency
    base = base_id(order.msisdn, order.order_id)
    tells = tells and receipt_due(policy, day, order, at)
    limit_minor = policy.spend_limit(currency)
    notices = limit_minor is not None and notice_due(policy, day, order, limit_minor)
    after = with_charge(
        day,
        order.service_id,
        order.price_minor,
        currency,
        order.call_id if order.channel is Channel.IVR else None,
        receipt_at=at if tells else None,
        noticed=notices,
    )
    charge = _charge(facts, policy, order, day.day, confirmation, grant, CHARGE + base)
    effects: tuple[Effect, ...] = (
        charge,
        Verdict(
            VERDICT + base,
            order.order_id,
            order.msisdn,
            order.provider_id,
            order.service_id,
            Outcome.APPROVED,
            reason,
            at,
        ),
    )
    if tells:
        effects += (receipt(facts, policy, order, after, base),)
    if notices:
        assert limit_minor is not None, "half of no limit is never reached"
        effects += (notice(facts, policy, order, after, base, limit_minor),)
    account = _account(charge, order, releases, tells=tells)
    return Charged(charge.charge_id, after, effects, AccountWrite(charge.charge_id, account))


def _charge(
    facts: Facts,
    policy: PolicyInForce,
    order: Order,
    day: int,
    confirmation: Confirmation,
    grant: Grant | None,
    charge_id: str,
) -> Charge:
    """What billing is told: by which yes, or under which policy that asked for none (law 1)."""
    prompt_id, reply_id, consented_at = (None, None, None) if grant is None else grant[:3]
    service_id = order.service_id
    return Charge(
        charge_id,
        order.order_id,
        order.msisdn,
        order.provider_id,
        service_id,
        facts.catalogue.services[service_id].charge_code,
        order.channel,
        order.price_minor,
        order.currency,
        order.province,
        day,
        confirmation,
        prompt_id,
        reply_id,
        policy.policy_id,
        policy.version,
        order.ordered_at,
        consented_at,
        facts.at,
    )


def _account(charge: Charge, order: Order, releases: int, *, tells: bool) -> ChargeAccount:
    """What is remembered of a charge that billing has not answered yet."""
    channel = order.channel
    return ChargeAccount(
        order.order_id,
        order.provider_id,
        order.service_id,
        charge.day,
        channel,
        order.province,
        order.price_minor,
        order.currency,
        charge.prompt_id,
        charge.reply_id,
        order.call_id if channel is Channel.IVR else None,
        tells,
        charge.approved_at,
        SettlementOutcome.UNKNOWN,
        (),
        (),
        releases,
    )


def order_that_waits(msisdn: str, service_id: str, prompt: OpenPrompt, waiting: Waiting) -> Order:
    """An order that waits on a prompt, as far as it is remembered: at the price that was shown."""
    return Order(
        waiting.order_id,
        msisdn,
        prompt.provider_id,
        service_id,
        prompt.channel,
        prompt.price_minor,
        prompt.currency,
        waiting.province,
        waiting.ordered_at,
        "",  # source: it says nothing about the order
        prompt.call_id,
    )


def refuse_waiting(
    facts: Facts,
    msisdn: str,
    service_id: str,
    provider_id: str,
    orders: tuple[Waiting, ...],
    reason: Reason,
) -> tuple[Effect, ...]:
    """Tell the provider of every order that waited that it is refused."""
    return tuple(
        Verdict(
            VERDICT + base_id(msisdn, order.order_id),
            order.order_id,
            msisdn,
            provider_id,
            service_id,
            Outcome.REFUSED,
            reason,
            facts.at,
        )
        for order in orders
    )
