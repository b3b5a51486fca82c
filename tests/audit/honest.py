"""An honest day: one small history in which every law had something to say, and was kept.

Nine subscribers: one orders ringtones, waits, says yes, uses the grant up and is asked again; one
says no; one calls; one orders where no confirmation is in force; one says nothing clear; and four
whose records, or whose orders, cannot be.
"""

import hmac
from typing import Any

from streams.topics import (
    ALARMS,
    CHARGES,
    DEAD_LETTERS,
    DELIVERY_REPORTS,
    MESSAGES,
    ORDERS,
    POLICIES,
    REPLIES,
    SETTLEMENTS,
    VERDICTS,
)
from tests.audit.market import CODE_KEY, NAMES, SERVICES_SOLD, policy, reference
from tests.audit.scribe import DAY, GRACE, LIFE, MINUTE, MORNING, Draft, Scribe, base

ANNA, BO, CHEN, DA, EVA = (f"4670000000{n}" for n in range(1, 6))
FEI, GUO, HAN, IDA = (f"4670000000{n}" for n in range(6, 10))


def code_of(msisdn: str, prompt_id: str) -> str:
    """The code that names a prompt, the first one drawn."""
    drawn = hmac.digest(CODE_KEY, f"{msisdn}|{prompt_id}|0".encode(), "sha256")
    return str(100 + int.from_bytes(drawn[:8], "big") % 900)


class Gate:
    """What an honest gate writes for each thing that happens."""

    def __init__(self, scribe: Scribe) -> None:
        self.scribe = scribe

    def order(self, msisdn: str, order_id: str, service: str, at: int, **said: Any) -> Draft:
        """A subscriber orders."""
        provider, line, price, _ = SERVICES_SOLD.get(service, ("star", "SMS", 200, ("", "")))
        content = {
            "order_id": order_id,
            "provider_id": provider,
            "service_id": service,
            "channel": line,
            "price_minor": price,
            "currency": "CNY",
            "province": "gd",
            "ordered_at": at,
            "source": "smsc-1",
            "call_id": None,
        }
        return self.scribe.event(ORDERS, msisdn, at, **content | said)

    def reply(self, msisdn: str, reply_id: str, text: str, at: int, **said: Any) -> Draft:
        """A subscriber answers."""
        content: dict[str, Any] = {
            "reply_id": reply_id,
            "channel": "SMS",
            "to": "10086",
            "text": text,
        }
        content |= {"received_at": at, "call_id": None}
        return self.scribe.event(REPLIES, msisdn, at, **content | said)

    def verdict(self, cause: Draft, order: Draft, reason: str, at: int | None = None) -> Draft:
        """What the provider is told."""
        letter = "s-" if reason == "STALE" else "v-"
        said, at = order.fields, cause.at if at is None else at
        return self.scribe.output(
            VERDICTS,
            cause,
            at,
            verdict_id=letter + base(said["msisdn"], said["order_id"]),
            order_id=said["order_id"],
            msisdn=said["msisdn"],
            provider_id=said["provider_id"],
            service_id=said["service_id"],
            outcome="APPROVED" if reason.startswith("APPROVED") else "REFUSED",
            reason=reason,
            decided_at=at,
        )

    def charge(
        self, cause: Draft, order: Draft, prompt: Draft | None, reply: Draft | None
    ) -> Draft:
        """What billing may take."""
        said = order.fields
        confirmation = "EVERY_ORDER" if said["channel"] == "IVR" else "FIRST_OF_DAY"
        kept = ("order_id", "msisdn", "provider_id", "service_id", "channel", "price_minor")
        return self.scribe.output(
            CHARGES,
            cause,
            cause.at,
            charge_id="c-" + base(said["msisdn"], said["order_id"]),
            **{name: said[name] for name in (*kept, "currency", "province", "ordered_at")},
            charge_code=f"code-{said['service_id']}",
            day=DAY,
            confirmation=confirmation if prompt else "OFF",
            prompt_id=prompt.fields["prompt_id"] if prompt else None,
            reply_id=reply.fields["reply_id"] if reply else None,
            policy_id="notice",
            policy_version=1,
            consented_at=reply.fields["received_at"] if reply else None,
            approved_at=cause.at,
        )

    def prompt(self, cause: Draft, order: Draft, *, among: bool = False) -> Draft:
        """What the subscriber is asked; among other prompts by the code that names it."""
        said = order.fields
        provider, service = NAMES[said["provider_id"]][0], SERVICES_SOLD[said["service_id"]][3][0]
        amount = f"{said['price_minor'] / 100:.2f}元"
        voice = said["channel"] == "IVR"
        spoken = {"provider": provider, "service": service, "price": amount}
        name = base(said["msisdn"], said["order_id"])
        code = None if voice else code_of(said["msisdn"], "p-" + name)
        yes = code if among else "Y"
        return self.scribe.output(
            MESSAGES,
            cause,
            cause.at,
            message_id="m-" + name,
            msisdn=said["msisdn"],
            province=said["province"],
            kind="PROMPT",
            channel="IVR" if voice else "SMS",
            sender="10086",
            text="" if voice else f"{provider}的{service}每次{amount}，回复{yes}确认。",
            voice_prompt_id="ask" if voice else None,
            variables=[{"name": n, "value": v} for n, v in spoken.items()] if voice else [],
            language="zh",
            encoding="VOICE" if voice else "UCS2",
            segments=0 if voice else 1,
            order_id=said["order_id"],
            prompt_id="p-" + name,
            call_id=said["call_id"],
            provider_id=said["provider_id"],
            template_version="notice/1",
            reply_code=code,
            issued_at=cause.at,
            expires_at=cause.at + LIFE,
        )

    def asked(self, order: Draft, *, among: bool = False) -> Draft:
        """An order is asked about; the prompt."""
        prompt = self.prompt(order, order, among=among)
        rule = "voice" if order.fields["channel"] == "IVR" else "daily"
        named = {"order_id": order.fields["order_id"], "prompt_id": prompt.fields["prompt_id"]}
        self.scribe.decide(order, "PROMPTED", [prompt], rule=rule, **named)
        return prompt

    def waits(self, order: Draft, prompt: Draft) -> None:
        """An order waits on an open prompt."""
        rule = "voice" if order.fields["channel"] == "IVR" else "daily"
        named = {"order_id": order.fields["order_id"], "prompt_id": prompt.fields["prompt_id"]}
        self.scribe.decide(order, "WAITING", rule=rule, **named)

    def confirmed(self, reply: Draft, prompt: Draft, *orders: Draft) -> Draft:
        """A yes approves what waits."""
        effects = []
        for order in orders:
            effects.append(self.charge(reply, order, prompt, reply))
            effects.append(self.verdict(reply, order, "APPROVED_CONFIRMED"))
        return self.scribe.decide(
            reply, "APPROVED_CONFIRMED", effects, prompt_id=prompt.fields["prompt_id"]
        )

    def charged(
        self, order: Draft, prompt: Draft | None = None, reply: Draft | None = None
    ) -> None:
        """An order is charged at once: by a grant, or because nothing is asked."""
        reason = "APPROVED_GRANTED" if prompt else "APPROVED_NOT_ASKED"
        effects = [self.charge(order, order, prompt, reply), self.verdict(order, order, reason)]
        rule = "daily" if prompt else "trusted"
        self.scribe.decide(order, reason, effects, rule=rule, order_id=order.fields["order_id"])

    def refused(self, cause: Draft, order: Draft, reason: str) -> None:
        """An order is refused at once."""
        verdict = self.verdict(cause, order, reason)
        self.scribe.decide(cause, reason, [verdict], order_id=order.fields["order_id"])

    def lapses(self, prompt: Draft, *orders: Draft, index: int = 1) -> None:
        """The last tick has passed a prompt's end and the grace."""
        tick = self.scribe.last_tick(prompt.partition)
        due_at = prompt.fields["expires_at"] + GRACE
        verdicts = [self.verdict(tick, order, "SILENCE", due_at) for order in orders]
        self.scribe.decide(
            tick,
            "SILENCE",
            verdicts,
            key=prompt.key,
            at=due_at,
            index=index,
            prompt_id=prompt.fields["prompt_id"],
        )

    def dead_letter(self, record: Draft, cause: str, reason: str = "DEAD_LETTER") -> None:
        """A record that cannot be decided on; a conflict raises an alarm."""
        letter = self.scribe.append(DEAD_LETTERS, record.partition, record.at, record.key, {})
        letter.raw = record.value
        said = {
            "__connect.errors.topic": self.scribe.prefix + record.topic,
            "__connect.errors.partition": str(record.partition),
            "__connect.errors.offset": str(record.offset),
            "__connect.errors.stage": "VALUE_CONVERTER",
            "__connect.errors.exception.class.name": "Unreadable",
            "__connect.errors.exception.message": "it cannot be read",
            "tollgate.cause": cause,
        }
        letter.headers = (*record.headers, *((n, v.encode()) for n, v in said.items()))
        effects = [letter]
        if reason == "CONFLICT":
            effects.append(self.alarm(record))
        self.scribe.decide(record, reason, effects)

    def alarm(self, record: Draft) -> Draft:
        """What operations are told of a conflict."""
        place = f"{record.topic}|{record.partition}|{record.offset}"
        return self.scribe.append(
            ALARMS,
            record.partition,
            record.at,
            record.key,
            {
                "alarm_id": "a-" + base(*place.split("|", 1)),
                "kind": "CONFLICT",
                "subject": "an order's id was used again",
                "detail": "of subscriber …008",
                "raised_at": record.at,
            },
        )


def honest(prefix: str = "vas.") -> Scribe:
    """The whole day."""
    scribe = Scribe(prefix)
    reference(scribe)
    gate = Gate(scribe)
    scribe.tick(MORNING)
    _anna(gate, MORNING)
    _bo_says_no(gate, MORNING)
    _chen_calls(gate, MORNING)
    gate.charged(gate.order(DA, "o1", "news", MORNING + 5))
    late = _eva_is_unclear(gate, MORNING)
    _what_cannot_be(gate, MORNING)
    scribe.tick(MORNING + LIFE)
    reply = gate.reply(EVA, "r2", "y", MORNING + LIFE + 6)
    scribe.decide(reply, "TOO_LATE")
    scribe.tick(MORNING + 3 * LIFE)
    _the_rest_lapses(scribe, gate, late)
    return scribe


def _anna(gate: Gate, at: int) -> None:
    """Two orders on one yes, a third by the grant, which is then used up; one is sent twice."""
    first, second = gate.order(ANNA, "o1", "ring", at + 1), gate.order(ANNA, "o2", "ring", at + 2)
    prompt = gate.asked(first)
    gate.waits(second, prompt)
    report: dict[str, Any] = {"report_id": "d1", "message_id": prompt.fields["message_id"]}
    report |= {"status": "DELIVERED", "reported_at": at + 3}
    gate.scribe.decide(gate.scribe.event(DELIVERY_REPORTS, ANNA, at + 3, **report), "NOTED")
    reply = gate.reply(ANNA, "r1", " Ｙ! ", at + MINUTE)
    gate.confirmed(reply, prompt, first, second)
    gate.charged(gate.order(ANNA, "o3", "ring", at + 2 * MINUTE), prompt, reply)
    gate.scribe.decide(gate.order(ANNA, "o1", "ring", at + 1, source="smsc-2"), "REPEATED")
    paid: dict[str, Any] = {
        "settlement_id": "s1",
        "charge_id": "c-" + base(ANNA, "o1"),
        "refund_id": None,
    }
    paid |= {"outcome": "CHARGED", "amount_minor": 200, "currency": "CNY", "reason": None}
    settled = gate.scribe.event(SETTLEMENTS, ANNA, at + 2 * MINUTE, **paid, settled_at=at)
    gate.scribe.decide(settled, "SETTLED")
    gate.asked(gate.order(ANNA, "o4", "ring", at + 2 * MINUTE + 1))


def _bo_says_no(gate: Gate, at: int) -> None:
    order = gate.order(BO, "o1", "card", at + 2)
    prompt = gate.asked(order)
    reply = gate.reply(BO, "r1", "否", at + MINUTE)
    verdict = gate.verdict(reply, order, "DECLINED")
    gate.scribe.decide(reply, "DECLINED", [verdict], prompt_id=prompt.fields["prompt_id"])


def _chen_calls(gate: Gate, at: int) -> None:
    """Two orders in one call: a key press for the first; the second is asked about by itself."""
    first = gate.order(CHEN, "o1", "talk", at + 3, call_id="call-1")
    second = gate.order(CHEN, "o2", "talk", at + 4, call_id="call-1")
    prompt = gate.asked(first)
    gate.waits(second, prompt)
    pressed = gate.reply(CHEN, "r1", "1", at + 9, channel="IVR", to="talk", call_id="call-1")
    decision = gate.confirmed(pressed, prompt, first)
    decision.effects.append(gate.prompt(pressed, second))


def _eva_is_unclear(gate: Gate, at: int) -> Draft:
    order = gate.order(EVA, "o1", "ring", at + 6)
    prompt = gate.asked(order)
    gate.scribe.decide(gate.reply(EVA, "r1", "yes please?", at + MINUTE), "UNCLEAR")
    return prompt


def _what_cannot_be(gate: Gate, at: int) -> None:
    """Bytes that are no order, a key that is another's, an id used twice, a time too far ahead."""
    gate.dead_letter(gate.scribe.raw(ORDERS, FEI, at + 7, b"\1no order"), "wrong_magic")
    stranger = gate.order(FEI, "o1", "ring", at + 8)
    stranger.fields["msisdn"] = GUO
    gate.dead_letter(stranger, "key_mismatch")
    gate.charged(gate.order(HAN, "o1", "news", at + 9))
    gate.dead_letter(gate.order(HAN, "o1", "ring", at + 10), "conflict", "CONFLICT")
    gate.dead_letter(gate.order(IDA, "o1", "ring", at, ordered_at=at + LIFE), "time_ahead")
    stale = gate.order(IDA, "o2", "ring", at + 11, ordered_at=at - 5 * 24 * 60 * MINUTE)
    gate.refused(stale, stale, "STALE")
    nothing = gate.order(GUO, "o2", "nothing", at + 12)
    gate.refused(nothing, nothing, "SERVICE_UNKNOWN")
    skipped = policy(version=3, effective_from=at)
    gate.dead_letter(gate.scribe.append(POLICIES, 0, at, b"notice", skipped), "reference")


def _the_rest_lapses(scribe: Scribe, gate: Gate, *_: Draft) -> None:
    """The last tick refuses, in the order in which they are due, what still waits."""
    answered = {
        verdict.fields["order_id"] + verdict.fields["msisdn"] for verdict in scribe.all(VERDICTS)
    }
    orders = {
        (order.fields["msisdn"], order.fields["order_id"]): order
        for order in scribe.all(ORDERS)
        if order.fields
    }
    lapsed: dict[int, int] = {}
    for prompt in sorted(scribe.all(MESSAGES), key=lambda draft: draft.at):
        order = orders[prompt.fields["msisdn"], prompt.fields["order_id"]]
        if order.fields["order_id"] + order.fields["msisdn"] not in answered:
            index = lapsed.get(prompt.partition, 1)
            gate.lapses(prompt, order, index=index)
            lapsed[prompt.partition] = index + 1
