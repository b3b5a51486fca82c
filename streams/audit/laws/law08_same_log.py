"""Law 8: same log, same decisions.

Time comes from events and ticks, identifiers are derived, what decides is versioned reference data.
What of that can be seen without a replay: the order of a partition's decisions, their positions and
watermarks; and every identifier and instant, computed again.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator

from streams.audit.acts import decided_all_the_same
from streams.audit.derive import alarm_id, base_id, clock_alarm_id, codes_of, event_base
from streams.audit.evidence import Evidence
from streams.audit.records import (
    Alarm,
    CareAction,
    Charge,
    Decision,
    Message,
    Order,
    Output,
    Refund,
    Reply,
    Verdict,
)
from streams.audit.report import Finding, finding
from streams.topics import REFERENCES, TICKS

NUMBER = 8
NAME = "same log, same decisions"

# Reasons of decisions for which a policy's rule was looked for, and found.
_RULED = frozenset(
    {
        "APPROVED_NOT_ASKED",
        "APPROVED_GRANTED",
        "APPROVED_WOULD_ASK",
        "APPROVED_WOULD_COVER",
        "APPROVED_WOULD_REFUSE",
        "PROMPTED",
        "WAITING",
        "REFUSED_BY_POLICY",
        "DECLINED_TODAY",
        "CALL_LIMIT",
        "SPEND_LIMIT",
        "WAITING_LIMIT",
        "PROMPT_LIMIT",
        "UNASKABLE",
    }
)


_LETTERS = {"RECEIPT": "r-", "NOTICE": "n-", "CLARIFY": "k-", "LISTING": "l-"}


def check(evidence: Evidence, counts: Counter[str]) -> Iterator[Finding]:
    """Every partition's decisions in their order, then every record's identifiers and instants."""
    yield from evidence.walk.found(NUMBER)
    yield from decided_all_the_same(evidence.books)
    for partition, decisions in evidence.books.decisions.items():
        counts["decisions"] += len(decisions)
        yield from _in_order(decisions)
        yield from _time(_Ticks(evidence, partition), evidence, decisions)
        for decision in decisions:
            for sentence in _reference(evidence, decision):
                yield finding(NUMBER, decision.entry, sentence)
    for _, outputs in evidence.books.outputs:
        for output in outputs:
            counts["identifiers"] += 1
            for sentence in _derived(evidence, output, evidence.books.decision_of(output)):
                yield finding(NUMBER, output.entry, sentence)


def _in_order(decisions: list[Decision]) -> Iterator[Finding]:
    """Sequence without holes; watermark, positions and each input's offsets never go back."""
    watermark, positions = -1, (0,) * len(REFERENCES)
    taken: dict[tuple[str, bool], tuple[int, int]] = {}
    for expected, decision in enumerate(decisions):
        if decision.sequence != expected:
            yield finding(NUMBER, decision.entry, f"its sequence should be {expected}")
            return  # all that follow are shifted
        if decision.watermark < watermark:
            yield finding(NUMBER, decision.entry, "the watermark goes back")
        if len(decision.reference) != len(positions) or any(
            now < before for now, before in zip(decision.reference, positions, strict=True)
        ):
            yield finding(NUMBER, decision.entry, "the reference positions go back")
        # What is due has an order of its own: of too many acts for one turn the rest comes in the
        # next ones, and an unreadable tick may be taken meanwhile.
        here, own = (decision.offset, decision.act), (decision.topic, decision.act > 0)
        # Reference data is told in the order of turns: an act may come long after its record.
        if here <= taken.get(own, (-1, -1)) and decision.topic not in REFERENCES:
            sentence = f"{decision.topic} is taken out of its own order"
            yield finding(NUMBER, decision.entry, sentence)
        watermark, positions = decision.watermark, decision.reference
        taken[own] = here


class _Ticks:
    """The instants to which the ticks of a partition moved time."""

    def __init__(self, evidence: Evidence, partition: int) -> None:
        books = evidence.books
        self.offsets: list[int] = []
        self.reached: list[int] = []  # the latest instant up to each offset
        latest = -1
        for offset, entry in books.inputs.get((TICKS, partition), {}).items():
            # Malformed, or set aside by an operator; law 10 asks whether rightly.
            if entry[:3] not in books.malformed and entry[:3] not in books.dead_letters.of:
                latest = max(latest, entry.timestamp)
                self.offsets.append(offset)
                self.reached.append(latest)
        self.instants = frozenset(self.reached)

    def by(self, offset: int) -> int:
        """The latest instant of the ticks up to this one."""
        index = bisect_right(self.offsets, offset)
        return self.reached[index - 1] if index else -1


def _time(ticks: _Ticks, evidence: Evidence, decisions: list[Decision]) -> Iterator[Finding]:
    """The watermark is a tick's time, that of one taken; an event's time is its record's."""
    books = evidence.books
    for decision in decisions:
        if decision.watermark > 0 and decision.watermark not in ticks.instants:
            yield finding(NUMBER, decision.entry, "its watermark is not the time of any tick")
        is_tick = decision.act == 0 and decision[2:5] in books.dead_letters.of
        if decision.topic != TICKS or is_tick:
            cause = books.inputs.get(decision[2:4], {}).get(decision.offset)
            if cause is not None and cause.timestamp != decision.event_at:
                yield finding(NUMBER, decision.entry, "its event_at is not its record's time")
            continue
        if decision.watermark > ticks.by(decision.offset):
            yield finding(NUMBER, decision.entry, "its watermark is ahead of the ticks taken")
        if decision.event_at > decision.watermark:
            yield finding(NUMBER, decision.entry, "it was due only after the watermark")
        if decision.complaint_id is not None:
            continue  # law 10 knows its clock
        prompt = evidence.walk.prompts.get(decision.prompt_id or "")
        if prompt is None:
            yield finding(NUMBER, decision.entry, "a tick caused it, but no prompt lapses with it")
        elif decision.event_at != prompt.due_at:
            sentence = "its event_at is not its prompt's end plus the grace"
            yield finding(NUMBER, decision.entry, sentence)


def _reference(evidence: Evidence, decision: Decision) -> Iterator[str]:
    """It cites what was in force."""
    books = evidence.books
    policy = books.standing.policy_at(decision.event_at, decision.reference)
    cited = decision.policy_id, decision.policy_version
    in_force = (policy.policy_id, policy.version) if policy else (None, None)
    if decision.policy_id is not None and cited != in_force:
        yield "the policy version it cites was not in force"
    if decision.reason in _RULED:
        event = books.events.get(decision[2:5])
        rule = (
            evidence.walk.rules.get((event.msisdn, event.order_id))
            if isinstance(event, Order)
            else None
        )
        if isinstance(event, Order) and decision.rule != (rule.name if rule else None):
            yield "its rule is not the first that matches"


def _derived(evidence: Evidence, output: Output, decision: Decision | None) -> Iterator[str]:
    """Its identifiers are what the contract derives, its instant is its decision's."""
    match output:
        case Charge():
            if output.charge_id != "c-" + base_id(output.msisdn, output.order_id):
                yield "its charge_id is not derived from its order"
            at = output.approved_at
        case Verdict():
            letter = "s-" if output.reason == "STALE" else "v-"
            if output.verdict_id != letter + base_id(output.msisdn, output.order_id):
                yield "its verdict_id is not derived from its order"
            at = output.decided_at
        case Message():
            yield from _message(evidence, output, decision)
            at = output.issued_at
        case Refund():
            event = evidence.books.events.get(decision[2:5]) if decision else None
            if isinstance(event, Reply | CareAction) and output.refund_id != "f-" + _base(event):
                yield "its refund_id is not derived from the record that asked for it"
            at = output.requested_at
        case Alarm():
            if decision is not None and not _is_derived(evidence, output, decision):
                yield "its alarm_id is not derived from what raised it"
            at = output.raised_at
    if decision is not None and at != decision.event_at:
        yield "its instant is not its decision's"


def _base(event: Reply | CareAction) -> str:
    """What identifiers are derived from that a reply or a care action leads to."""
    if isinstance(event, Reply):
        return event_base(event.msisdn, "r", event.reply_id)
    return event_base(event.msisdn, "a", event.action_id)


def _is_derived(evidence: Evidence, alarm: Alarm, decision: Decision) -> bool:
    """Whether an alarm's id is derived from what raised it: a clock, a window, or a record."""
    match alarm.kind:
        case "OVERDUE":
            msisdn = (decision.entry.key or b"").decode("utf-8", "replace")
            complaint_id = decision.complaint_id or ""
            return alarm.alarm_id == clock_alarm_id(msisdn, complaint_id, decision.event_at)
        case "DEAD_LETTERS" | "LIMITS":
            return alarm.alarm_id in evidence.walk.window_alarms
        case _:
            return alarm.alarm_id == alarm_id(*decision[2:5])


def _message(evidence: Evidence, message: Message, decision: Decision | None) -> Iterator[str]:
    event = evidence.books.events.get(decision[2:5]) if decision else None
    base = base_id(message.msisdn, message.order_id or "")
    policy = (
        evidence.books.standing.policy_at(decision.event_at, decision.reference)
        if decision
        else None
    )
    if policy is not None and message.template_version != f"{policy.policy_id}/{policy.version}":
        yield "its template_version is not the policy in force"
    if message.kind == "PROMPT":
        if (message.message_id, message.prompt_id) != ("m-" + base, "p-" + base):
            yield "its message_id or prompt_id is not derived from its order"
        yield from _life(evidence, message)
        return
    letter = _LETTERS.get(message.kind, "")
    if message.kind in ("CLARIFY", "LISTING") and isinstance(event, Reply):
        base = _base(event)
    if message.message_id != letter + base:
        yield "its message_id is not derived from what it tells of"
    life = message.expires_at - message.issued_at
    if policy is not None and life != policy.message_life_ms:
        yield "its life is not what the policy says"


def _life(evidence: Evidence, message: Message) -> Iterator[str]:
    """A prompt lives as its rule says; one that follows another one's yes as that one's said."""
    prompt = evidence.walk.prompts.get(message.prompt_id or "")
    rule = prompt.rule if prompt is not None else None
    life = message.expires_at - message.issued_at
    if rule is not None and life != rule.prompt_life_ms:
        yield "its life is not what its rule says"
    if prompt is None or prompt.policy is None or prompt.by_voice:
        return
    codes = codes_of(prompt.policy.code_key, message.msisdn, message.prompt_id or "")
    if message.reply_code not in codes and not prompt.crowded:
        yield "its code is not derived from its prompt"
