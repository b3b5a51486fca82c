"""What a yes or its absence means for the orders that wait on a prompt."""

from streams.gate.decision import Effect
from streams.gate.effects import Charge, Verdict
from streams.gate.events import Reply
from streams.gate.facts import Facts
from streams.gate.ids import CHARGE, VERDICT, base_id
from streams.gate.policy import PolicyInForce
from streams.gate.rows import OpenPrompt, PromptRef, Waiting
from streams.gate.words import Outcome, Reason


def charge_waiting(
    facts: Facts,
    policy: PolicyInForce,
    reply: Reply,
    ref: PromptRef,
    prompt: OpenPrompt,
    order: Waiting,
) -> tuple[Effect, Effect]:
    """Approve an order that waited, at the price that the subscriber was shown."""
    base = base_id(reply.msisdn, order.order_id)
    charge = Charge(
        CHARGE + base,
        order.order_id,
        reply.msisdn,
        prompt.provider_id,
        ref.service_id,
        facts.catalogue.services[ref.service_id].charge_code,
        prompt.channel,
        prompt.price_minor,
        prompt.currency,
        order.province,
        ref.day,
        prompt.confirmation,
        prompt.prompt_id,
        reply.reply_id,
        policy.policy_id,
        policy.version,
        order.ordered_at,
        reply.received_at,
        facts.at,
    )
    verdict = Verdict(
        VERDICT + base,
        order.order_id,
        reply.msisdn,
        prompt.provider_id,
        ref.service_id,
        Outcome.APPROVED,
        Reason.APPROVED_CONFIRMED,
        facts.at,
    )
    return charge, verdict


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
