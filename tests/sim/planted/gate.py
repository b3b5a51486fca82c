"""Faults planted in the gate and at its edges."""

from tests.sim.planted.planting import Planted

GATE_FAULTS: tuple[Planted, ...] = (
    Planted(
        "grace forgotten",
        "a prompt is due at its end, without the grace",
        "streams.gate.asking:question",
        "expires_at + policy.grace_ms",
        "expires_at",
        0,
        50,
    ),
    Planted(
        "grant survives midnight",
        "a service's days share one row",
        "streams.gate.keys:service_day_key",
        "{day}|",
        "{0 * day}|",
        3,
        50,
    ),
    Planted(
        "repetitions taken",
        "an id that was taken is taken again",
        "streams.gate.repeats:turned_away",
        "if seen is None:",
        "if True:",
        0,
        50,
    ),
    Planted(
        "judged by the record's time",
        "a reply is judged at its record's time instead of when it was received",
        "streams.gate.replies:locate",
        "reading if isinstance(reading, Wish) else _texted(reply, known, reading)",
        "reading if isinstance(reading, Wish) else "
        "_texted(reply._replace(received_at=facts.at), known, reading)",
        4,
        50,
    ),
    Planted(
        "alive at its end",
        "a prompt can still be answered at the instant of its end",
        "streams.gate.clarifying:is_alive",
        "at < ref.expires_at",
        "at <= ref.expires_at",
        3,
        50,
    ),
    Planted(
        "refund over the charge",
        "more may be given back than is left",
        "streams.gate.refunds:request",
        "if amount > rest:",
        "if False:",
        0,
        50,
    ),
    Planted(
        "price at the yes",
        "a yes charges the price of the catalogue instead of the one that was shown",
        "streams.gate.charging:charge_order",
        "    charge = _charge(",
        "    order = order._replace("
        "price_minor=facts.catalogue.services[order.service_id].price_minor)\n"
        "    charge = _charge(",
        3,
        50,
    ),
    Planted(
        "grant without a count",
        "a yes covers any number of charges",
        "streams.gate.grants:used",
        "grant.count_left - 1",
        "grant.count_left",
        7,
        50,
    ),
    Planted(
        "limit not asked at the yes",
        "what a day may cost is not asked of orders",
        "streams.gate.limits:over_spend_limit",
        "if limit_minor is None or",
        "if True or",
        1,
        50,
    ),
    Planted(
        "dead letter outside the transaction",
        "a dead letter is there at once, whatever becomes of its turn",
        "streams.engine.partition:Partition.send",
        "    if headers is None:",
        "    if 'dead-letters' in topic:\n"
        "        self._produce.__self__._broker.write("
        "topic, self.number, value, key, list(headers))\n"
        "    elif headers is None:",
        4,
        50,
    ),
    Planted(
        "sequence begins again",
        "a partition's decisions are numbered anew by each owner",
        "streams.egress.outbox:Chain.load",
        'sequence, last = int.from_bytes(carry[:8], "big"), carry[8:_HEAD_BYTES]',
        "sequence, last = 0, carry[8:_HEAD_BYTES]",
        0,
        50,
    ),
    Planted(
        "forgotten too early",
        "what was seen is forgotten days before it is stale",
        "streams.forgetting:Horizon._after",
        "_MARGIN_DAYS",
        "_MARGIN_DAYS - 9",
        0,
        50,
    ),
    Planted(
        "quarantined record decided",
        "an operator's act on a record is not looked for",
        "streams.ingress.acts:Acts.on",
        "return self._set_aside.get((topic, partition, offset))",
        "return None",
        30,
        50,
    ),
)
