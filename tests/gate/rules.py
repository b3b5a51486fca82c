"""Policies for the walks: any rules, with any of the limits, codes, receipts and trials."""

from random import Random

from streams.gate.reference import Policy, Rule, SpendLimit, Template
from streams.gate.words import Channel, Confirmation, MessageKind
from tests.gate.examples import (
    BEGINNING,
    DAY,
    EVERY,
    FIRST,
    HOUR,
    MINUTE,
    OFF,
    REFUSE,
    VOICE,
    policy,
    rule,
)
from tests.gate.examples import (
    TEMPLATES as PROMPTS,
)

TEXT_LINES = (Channel.SMS, Channel.MMS)
SMALL = FIRST._replace(name="small", grant_count_max=2, grant_amount_max_minor=400)
CHOSEN = EVERY._replace(name="chosen", lines=(Channel.SMS,))
VOICE_OFF = OFF._replace(name="voice-off", lines=(Channel.IVR,))
BATCH = FIRST._replace(name="batch", from_at=BEGINNING + DAY, lines=(Channel.SMS,))
ONLY_SMS = FIRST._replace(name="only-sms", lines=(Channel.SMS,))
TRIAL = rule("trial", Confirmation.SHADOW, prompt_life_ms=MINUTE, grant_count_max=2)
RULE_SETS = (
    (VOICE, FIRST),
    (VOICE, FIRST),
    (VOICE, SMALL),
    (VOICE, SMALL),
    (VOICE, CHOSEN, FIRST),
    (VOICE, BATCH, OFF),
    (VOICE_OFF, SMALL),
    (EVERY,),
    (VOICE, REFUSE),
    (ONLY_SMS,),
    (TRIAL,),
    (VOICE, BATCH, TRIAL),
)
TEXTS = {
    (MessageKind.CLARIFY, "zh"): "请回复：{{ items }}",
    (MessageKind.CLARIFY, "en"): "Reply one of: {{ items }}",
    (MessageKind.RECEIPT, "zh"): "{{ provider }}{{ service }}扣费{{ price }},今日共{{ spent }}。",
    (MessageKind.RECEIPT, "en"): "{{ provider }} {{ service }}: {{ price }}, today {{ spent }}.",
    (MessageKind.LISTING, "zh"): "今日：{{ items }}。回复{{ cancel }}取消",
    (MessageKind.LISTING, "en"): "Today: {{ items }}. Reply {{ cancel }} to cancel.",
    (MessageKind.NOTICE, "zh"): "今日已消费{{ spent }}，上限{{ limit }}。",
    (MessageKind.NOTICE, "en"): "{{ spent }} of {{ limit }} are spent today.",
}
TEMPLATES = (
    *PROMPTS,
    *(Template(kind, Channel.SMS, language, text) for (kind, language), text in TEXTS.items()),
)
CLOCKS = ((DAY, 2 * DAY, 3 * DAY), (MINUTE, HOUR, DAY), ())
SHADOWS = (None, None, Confirmation.EVERY_ORDER)


def draw_policy(draw: Random, version: int, effective_from: int) -> Policy:
    """A policy of that version, with rules that no other version has under the same name."""
    rules = draw.choice(RULE_SETS)
    spend_limits = draw.choice(((), (), (SpendLimit("CNY", 1_000),), (SpendLimit("CNY", 501),)))
    calls = next((each for each in rules if Channel.IVR in (each.lines or tuple(Channel))), None)
    varied = (_varied(draw, each, has_calls=each is calls) for each in rules)
    return policy(
        *(each._replace(name=f"{each.name}/{version}") for each in varied),
        version=version,
        effective_from=effective_from,
        templates=TEMPLATES,
        waiting_orders_max=draw.choice((2, 3)),
        prompts_per_day_max=draw.choice((2, 3, 100, 100)),
        spend_limits=spend_limits,
        refuse_after_no=draw.random() < 0.3,
        receipt_interval_ms=draw.choice((0, MINUTE, HOUR)),
        undo_ms=draw.choice((0, MINUTE, HOUR)),
        complaint_alarms_ms=draw.choice(CLOCKS),
    )


def _varied(draw: Random, rule: Rule, *, has_calls: bool) -> Rule:
    """The rule with receipts, codes and ceilings, or without."""
    asks = rule.confirmation in (Confirmation.FIRST_OF_DAY, Confirmation.EVERY_ORDER)
    shadow = rule.confirmation is Confirmation.SHADOW
    return rule._replace(
        receipt=draw.random() < 0.5,
        code_required=asks and draw.random() < 0.3,
        shadow_of=draw.choice(SHADOWS) if shadow else None,
        call_count_max=draw.choice((0, 0, 1, 2)) if has_calls else 0,
        call_amount_max_minor=draw.choice((0, 0, 700)) if has_calls else 0,
    )
