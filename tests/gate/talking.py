"""A gate whose policy has words for everything that a subscriber may be told or may ask."""

from streams.gate.effects import Message
from streams.gate.reference import ReplyWords, Rule, Template
from streams.gate.words import Answer, Channel, MessageKind
from tests.gate.examples import (
    HOUR,
    NOON,
    OTHER_SMS_SERVICE,
    REPLY_WORDS,
    TEMPLATES,
    catalogue,
    order,
    policy,
)
from tests.gate.harness import Gate

TOLD = (
    Template(MessageKind.CLARIFY, Channel.SMS, "zh", "请回复代码：{{ items }}"),
    Template(MessageKind.CLARIFY, Channel.SMS, "en", "Reply with the code: {{ items }}"),
    Template(
        MessageKind.LISTING, Channel.SMS, "zh", "今日：{{ items }}。回复{{ cancel }}加序号取消。"
    ),
    Template(
        MessageKind.LISTING,
        Channel.SMS,
        "en",
        "Today: {{ items }}. Reply {{ cancel }} and a number to cancel.",
    ),
)
KINDS = (MessageKind.CLARIFY, MessageKind.LISTING)
LATER = NOON + HOUR


def talking(
    *rules: Rule,
    without: MessageKind | None = None,
    later_yes: str | None = None,
    **fields: object,
) -> Gate:
    """A gate under such a policy; an hour after noon its words for yes may change."""
    others = tuple(each for each in TEMPLATES if each.kind not in KINDS)
    templates = (*others, *(each for each in TOLD if each.kind is not without))
    usual = policy(*rules, templates=templates, undo_ms=HOUR)._replace(**fields)  # type: ignore[arg-type]
    if later_yes is None:
        return Gate(catalogue(usual))
    words = (ReplyWords(Answer.YES, Channel.SMS, (later_yes,)), *REPLY_WORDS[1:])
    later = usual._replace(version=2, effective_from=LATER, reply_words=words)
    return Gate(catalogue(usual, later))


def asked_twice(province: str = "guangdong", without: MessageKind | None = None) -> Gate:
    """A gate that has asked about two services at noon."""
    gate = talking(without=without)
    gate.take(order("o-1", NOON, province=province), NOON)
    gate.take(order("o-2", NOON, OTHER_SMS_SERVICE, province=province), NOON)
    return gate


def codes_of(gate: Gate) -> list[str]:
    """The codes of all prompts by text, in the order in which they were sent."""
    prompts = of_kind(gate, MessageKind.PROMPT)
    return [each.reply_code or "" for each in prompts if each.channel is not Channel.IVR]


def of_kind(gate: Gate, kind: MessageKind) -> list[Message]:
    """The messages of one kind."""
    return [each for each in gate.messages if each.kind is kind]
