"""What the gate says of a policy and what the auditor says of it, held against each other."""

from collections.abc import Callable
from random import Random

import pytest

from streams.audit import released
from streams.audit.books import Books
from streams.audit.reference_faults import content_fault
from streams.gate.catalogue import Catalogue
from streams.gate.reference import KeywordWords, Policy, ReplyWords, SpendLimit
from streams.gate.words import Answer, Channel, Confirmation, Keyword, MessageKind
from streams.topics import POLICIES
from tests.audit.recorded import plain
from tests.audit.scribe import Scribe
from tests.audit.stroll import ALL_TEMPLATES, RULE_SETS
from tests.gate.examples import policy

SCHEMAS = released()
POLICIES_DRAWN = 150

_NUMBERS = (
    *("horizon_days", "grace_ms", "skew_ms", "message_life_ms", "receipt_interval_ms", "undo_ms"),
    *("prompts_per_day_max", "text_segments_max", "refund_days", "alarm_window_ms"),
    *("alarm_dead_letters", "alarm_limit_refusals", "waiting_orders_max"),
)
_RULE_NUMBERS = (
    *("call_count_max", "call_amount_max_minor", "prompt_life_ms"),
    *("grant_count_max", "grant_amount_max_minor"),
)
_SPELLINGS = ("Y", "100", "QX1", "Y100", "100Y", "", "QX", "0000", "N1", "9", "TF12", " . ")
_TEXTS = ("", "{{ items }}", "{{ x", "{{ nope }}", "{{ provider }} {{ service }} {{ price }}")


def _a_number(draw: Random, old: Policy) -> Policy:
    changes: dict[str, object] = {draw.choice(_NUMBERS): draw.choice((-1, 0, 1, 200, 201, 10**10))}
    return old._replace(**changes)  # type: ignore[arg-type]


def _a_list(draw: Random, old: Policy) -> Policy:
    limits = (("CNY", -1),), (("cny", 1),), (("CNY", 1), ("CNY", 2)), (("CNY", 0),)
    clocks = (), (0,), (5, 5), (5, 4), (1, 2, 3)
    return old._replace(
        spend_limits=tuple(SpendLimit(*each) for each in draw.choice(limits)),
        complaint_alarms_ms=draw.choice(clocks),
    )


def _a_rule(draw: Random, old: Policy) -> Policy:
    changes: tuple[dict[str, object], ...] = (
        {draw.choice(_RULE_NUMBERS): draw.choice((-1, 0, 2))},
        {"shadow_of": draw.choice(list(Confirmation))},
        {"confirmation": draw.choice(list(Confirmation))},
        {"lines": draw.choice(((), (Channel.IVR,), (Channel.SMS,), (Channel.UNKNOWN,)))},
        {"code_required": True},
    )
    rules = list(old.rules)
    place = draw.randrange(len(rules))
    rules[place] = rules[place]._replace(**draw.choice(changes))  # type: ignore[arg-type]
    noes = ReplyWords(Answer.NO, Channel.IVR, tuple("23456789"))
    return old._replace(
        rules=tuple(rules),
        code_key=draw.choice((b"", b"k")),
        reply_words=draw.choice((old.reply_words, (*old.reply_words, noes))),
    )


def _a_word(draw: Random, old: Policy) -> Policy:
    word = (draw.choice(_SPELLINGS),)
    if draw.random() < 0.5:
        keyword = KeywordWords(draw.choice(list(Keyword)), word)
        return old._replace(keywords=(*old.keywords, keyword))
    answer = ReplyWords(draw.choice(list(Answer)), draw.choice(list(Channel)), word)
    return old._replace(reply_words=(*old.reply_words, answer))


def _a_template(draw: Random, old: Policy) -> Policy:
    templates = list(old.templates)
    place = draw.randrange(len(templates))
    changes: tuple[dict[str, object], ...] = (
        {"text": draw.choice(_TEXTS)},
        {"channel": draw.choice(list(Channel))},
        {"kind": draw.choice(list(MessageKind))},
        {"language": draw.choice(("zh", "en", "fr"))},
    )
    if draw.random() < 0.2:
        templates.pop(place)
    else:
        changed = templates[place]._replace(**draw.choice(changes))  # type: ignore[arg-type]
        templates[place] = changed
    return old._replace(templates=tuple(templates))


_CHANGES: tuple[Callable[[Random, Policy], Policy], ...] = (
    *(_a_number, _a_list, _a_rule, _a_rule, _a_word, _a_word, _a_template, _a_template),
)


@pytest.mark.parametrize("seed", range(POLICIES_DRAWN))
def test_gate_and_auditor_refuse_the_same_policies(seed: int) -> None:
    """What the gate refuses has a fault that the auditor can name, and what has a certain fault by
    the auditor the gate refuses.
    """
    draw = Random(seed)
    drawn = policy(*draw.choice(RULE_SETS), templates=ALL_TEMPLATES)
    for _ in range(draw.choice((1, 1, 2))):
        drawn = draw.choice(_CHANGES)(draw, drawn)
    refused = Catalogue().fold(POLICIES, drawn)
    scribe = Scribe(partitions=1)
    scribe.append(POLICIES, 0, 0, drawn.policy_id.encode(), plain(drawn))
    [record] = Books(scribe.history(), SCHEMAS, drained=True).references[POLICIES]
    fault = content_fault(record)
    assert fault is not None if refused else fault is None or not fault.certain, (refused, fault)
