"""Walks the decisions in the order they were taken, keeping accounts of every subscriber.

The auditor's own, small reading of DESIGN §5: what each record should have led to (`ordering`,
`answering`, `settling`, `caring`), and what may and must go out (`charging`, `sending`, `windows`).
What breaks a law is noted under its number; the laws' files tell it.

Laws: what was done is written down as it was done, so that one wrong decision is one finding.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from streams.audit import answering, caring, charging, ordering, sending, settling
from streams.audit.acts import act_on
from streams.audit.books import EVENT_ID, Books
from streams.audit.ledger import Case, Ledger
from streams.audit.people import Person, Prompt
from streams.audit.records import (
    Alarm,
    CareAction,
    Charge,
    Decision,
    Effect,
    Event,
    Message,
    Order,
    Output,
    Refund,
    Reply,
    Rule,
    Settlement,
    Verdict,
)
from streams.audit.report import Finding
from streams.audit.windows import Windows
from streams.topics import TICKS

# Decisions on records that were not taken: they change nothing, other laws judge them.
_TURNED_AWAY = ("REPEATED", "CONFLICT")


class Walk:
    """The accounts after all partitions were walked."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._ledger = Ledger(books)
        self._outputs: dict[tuple[str, str], list[Any]] = defaultdict(list)
        for topic, outputs in books.outputs:
            for output in outputs:
                self._outputs[topic, output[1]].append(output)
        self._windows: dict[int, Windows] = defaultdict(Windows)
        self._known: set[tuple[str, str, str]] = set()
        for decision in books.all_decisions():
            self._step(decision)
        self._close()

    @property
    def prompts(self) -> dict[str, Prompt]:
        """Every prompt, by its id."""
        return self._ledger.prompts

    @property
    def rules(self) -> dict[tuple[str, str], Rule | None]:
        """The rule of each order, when it was taken."""
        return self._ledger.rules

    @property
    def needless(self) -> list[Decision]:
        """On orders that were asked about although a grant covered them."""
        return self._ledger.needless

    @property
    def unheard(self) -> list[Decision]:
        """On a clear yes in time that was not taken as one."""
        return self._ledger.unheard

    @property
    def overdrawn(self) -> list[tuple[Charge, Prompt]]:
        """Charges that a yes does not cover any more."""
        return self._ledger.overdrawn

    @property
    def people(self) -> dict[str, Person]:
        """The accounts of every subscriber, by number."""
        return self._ledger.people

    @property
    def window_alarms(self) -> set[str]:
        """Ids of the alarms that windows raise."""
        return self._ledger.window_alarms

    def day(self, order: Order) -> int | None:
        """The operator's day of an order, by the policy in force when it was taken."""
        return self._ledger.day(order)

    def found(self, law: int) -> Iterable[Finding]:
        """What was noted under a law's number."""
        return self._ledger.found[law]

    def fault(self, where: tuple[str, int, int]) -> tuple[str, bool] | None:
        """What an event contradicts in the accounts, and whether that is certain."""
        return self._ledger.faults.get(where)

    def _step(self, decision: Decision) -> None:
        policy = self._books.standing.policy_at(decision.event_at, decision.reference)
        person = self._ledger.people[(decision.entry.key or b"").decode("utf-8", "replace")]
        case = Case(self._ledger, decision, policy, person, {}, set(), Counter())
        event = self._books.events.get(decision[2:5])
        answered = self._judge(case, event)
        outputs = [self._next(effect) for effect in decision.effects]
        for output in outputs:
            match output:
                case Charge():
                    charging.take(case, output)
                case Message():
                    sending.take(case, output, answered, event)
                case Refund():
                    charging.give_back(case, output, event)
                case Verdict() if answered is not None:
                    answering.refused(case, output, answered)
        self._missing(case)
        verdicts = [output for output in outputs if isinstance(output, Verdict)]
        self._windows[decision.entry.partition].take(case, verdicts)
        self._alarms(case, [output for output in outputs if isinstance(output, Alarm)])

    def _next(self, effect: Effect) -> Output | None:
        """The next record on its topic that an effect may be."""
        lying = self._outputs.get((effect.topic, effect.id))
        return lying.pop(0) if lying else None

    def _missing(self, case: Case) -> None:
        """What should have been sent with a decision."""
        for name in sorted(case.messages):
            kind = "receipt" if name.startswith("r-") else "notice of half of the day's limit"
            case.note(4, f"a {kind} is missing")
        for kind in sorted(case.replies):
            case.note(4, f"no {kind} answers the reply")

    def _judge(self, case: Case, event: Event | None) -> Prompt | None:
        """Hold a decision against its record; the prompt that a reply answered."""
        decision = case.decision
        if decision.topic == TICKS:
            self._due(case)
            return None
        if event is None or not self._was_taken(case, event):
            return None
        match event:
            case Order():
                ordering.judge(case, event)
            case Reply():
                return answering.judge(case, event)
            case Settlement():
                settling.judge(case, event)
            case CareAction():
                caring.judge(case, event)
        return None

    def _was_taken(self, case: Case, event: Event) -> bool:
        """Whether a record was decided on: neither repeated nor set aside before any rule."""
        topic, reason = event.entry.topic, case.decision.reason
        msisdn = case.decision.entry.key or b""
        name = topic, msisdn.decode("utf-8", "replace"), EVENT_ID[topic](event)
        if reason in _TURNED_AWAY:
            if name not in self._known:
                case.note(8, f"it says {reason}, but nothing of that id was taken before")
            return False
        if reason == "DEAD_LETTER" and not self._books.dead_letters.is_remembered(event.entry[:3]):
            return isinstance(event, CareAction) and act_on(self._books, case.decision) is None
        self._known.add(name)
        return self._books.first.get(name) is event

    def _due(self, case: Case) -> None:
        """A prompt's end or an instant of a complaint's clock has come."""
        decision = case.decision
        if decision.act == 0:
            return  # the tick itself was set aside
        until = self._ledger.due_until
        partition = decision.entry.partition
        until[partition] = max(until[partition], decision.event_at)
        if decision.complaint_id is not None:
            case.alarms["OVERDUE"] += 1
            caring.rang(case, decision.complaint_id)
            return
        prompt = self.prompts.get(decision.prompt_id or "")
        if prompt is not None and prompt in case.person.open:
            case.person.open.remove(prompt)

    def _alarms(self, case: Case, alarms: list[Alarm]) -> None:
        """A decision raises the alarms it must, and no other."""
        case.alarms["CONFLICT"] += case.decision.reason == "CONFLICT"
        for alarm in alarms:
            if case.alarms[alarm.kind] == 0:
                case.note(10, f"nothing calls for an alarm {alarm.kind}", alarm.entry)
            else:
                case.alarms[alarm.kind] -= 1
        for kind, missing in sorted(case.alarms.items()):
            if missing:
                case.note(10, f"its alarm {kind} is missing")

    def _close(self) -> None:
        """What clocks should have said by the end of the history; drained, nothing due is left."""
        passed = self._ledger.due_until
        if self._books.drained:
            passed = {
                partition: max(decisions[-1].watermark, self._books.ticked(partition)) + 1
                for partition, decisions in self._books.decisions.items()
            }
        for person in self._ledger.people.values():
            for complaint in person.complaints.values():
                caring.missed(self._ledger, complaint, passed)
