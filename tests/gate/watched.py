"""A gate that is watched: which moves it makes, what the books say to each decision, and whether
its rows say the same thing wherever they say it twice.
"""

from streams.gate import needs
from streams.gate.days import NOBODY
from streams.gate.decide import Decision, Event, state_of
from streams.gate.keys import (
    account_key,
    clock_token,
    complaint_key,
    service_day_key,
    subscriber_key,
)
from streams.gate.rows import ServiceDay, Subscriber, SubscriberDay
from streams.gate.words import State
from tests.gate.books import Books
from tests.gate.examples import HORIZON_DAYS
from tests.gate.expected import day_of
from tests.gate.harness import Gate
from tests.gate.person import Account, Person

Move = tuple[State, type, State]


class WatchedGate(Gate):
    """A gate that notes its moves and shows every decision to the books."""

    books: Books
    moves: set[Move]

    def _decide(self, event: Event, at: int) -> Decision | None:
        key = self.service_day_of(event, self.facts(event, at))
        before = self._service_days(event.msisdn)
        decision = super()._decide(event, at)
        after = self._service_days(event.msisdn)
        changed = {each for each in before | after if before.get(each) != after.get(each)}
        # An event that concerns no one service day meets all of them.
        met = changed | ({key} if key else (before.keys() or {b""}))
        for each in met:
            move = (state_of(before.get(each)), type(event), state_of(after.get(each)))
            self.moves.add(move)
        if decision is not None and decision.before is not State.UNKNOWN and key is not None:
            told = (decision.before, decision.after)
            assert told == (state_of(before.get(key)), state_of(after.get(key)))
        self.books.observe(event, at, decision)
        return decision

    def _service_days(self, msisdn: str) -> dict[bytes, ServiceDay]:
        own = f"|{msisdn}|".encode()
        return {key: row for key, row in self.service_days.items() if own in key}

    def look(self, at: int) -> None:
        """What is kept twice is the same, and agrees with the books."""
        due = set(self.due)
        for msisdn in self.books.pages:
            row = self.subscribers.get(subscriber_key(msisdn), NOBODY)
            self._prompts_agree(msisdn, row, due)
            self._grants_agree(msisdn, row, at)
            self._days_agree(row, self.books.pages[msisdn], at)
        for (msisdn, charge_id), account in self.books.accounts.items():
            self._account_agrees(account_key(msisdn, charge_id), account)
        self._complaints_agree(due)
        self.books.nothing_overdue(self.watermark)

    def _prompts_agree(self, msisdn: str, row: Subscriber, due: set[tuple[int, bytes]]) -> None:
        """Each open prompt is in its service day, its subscriber's row, the books, and is due."""
        open_prompts = {
            (key, each.prompt_id, each.channel, each.expires_at, each.due_at, each.code)
            for key, service_day in self._service_days(msisdn).items()
            for each in service_day.prompts
        }
        refs = {
            (
                service_day_key(ref.day, msisdn, ref.service_id),
                *(ref.prompt_id, ref.channel, ref.expires_at, ref.due_at, ref.code),
            )
            for ref in row.prompts
        }
        assert open_prompts == refs, "prompts and references differ"
        page = self.books.pages[msisdn]
        assert {ref.prompt_id for ref in row.prompts} == page.open.keys(), "other prompts are open"
        texts = [ref.code for ref in row.prompts if ref.code and len(ref.code) == 3]
        assert len(texts) == len(set(texts)), "two open prompts with one code"
        tokens = {(at, token.split(b"|")[2].decode()) for at, token in due if token[:2] != b"q|"}
        assert {(ref.due_at, ref.prompt_id) for ref in row.prompts} <= tokens, "never due"

    def _grants_agree(self, msisdn: str, row: Subscriber, at: int) -> None:
        """Each grant has what the books say is left, and can be found from its subscriber's row."""
        page, places = self.books.pages[msisdn], set(needs.places(row))
        for key, service_day in self._service_days(msisdn).items():
            assert service_day != ServiceDay(None, (), None), "a row that says nothing"
            day, service_id = int(key.split(b"|")[0]), key.split(b"|", 2)[2].decode()
            if day < day_of(at) - HORIZON_DAYS:
                continue  # its orders are stale; whole days are dropped later
            covered = page.grants.get((day, service_id))
            assert (covered is None) is (service_day.grant is None), "a grant, or none"
            if covered is not None and service_day.grant is not None:
                assert service_day.grant.prompt_id == covered.prompt_id
                left = (service_day.grant.count_left, service_day.grant.amount_left_minor)
                assert left == covered.left, "a grant's count or amount"
            if state_of(service_day) is not State.FRESH:
                assert (day, service_id) in places, "a service day that nothing leads to"
        rows = self._service_days(msisdn).keys()
        assert {service_day_key(day, msisdn, each) for day, each in page.grants} <= rows

    def _days_agree(self, row: Subscriber, page: Person, at: int) -> None:
        """What a subscriber's row counts is what was charged and did not fail."""
        assert [each.day for each in row.days] == sorted({each.day for each in row.days})
        for day in row.days:
            _day_agrees(day, page)
        kept = {each.day for each in row.days}
        for each in page.listed:
            assert each in kept or each < day_of(at) - HORIZON_DAYS, "a day was forgotten too early"
        last = page.last_charge
        told = None if row.last_charge is None else row.last_charge.charge_id
        assert told == (None if last is None else last.charge.charge_id), "another last charge"
        assert row.released_at == page.released_at

    def _account_agrees(self, key: bytes, account: Account) -> None:
        row = self.accounts[key]
        assert row.settled is account.settled
        told = {each.refund_id: (each.amount_minor, each.outcome) for each in row.refunds}
        assert told == account.refunds
        given = sum(amount for amount, outcome in told.values() if outcome != "FAILED")
        assert given <= row.price_minor, "refunds exceed the charge"

    def _complaints_agree(self, due: set[tuple[int, bytes]]) -> None:
        keys = {complaint_key(*name) for name in self.books.complaints}
        assert keys == self.complaints.keys(), "other complaints are open"
        for name, complaint in self.books.complaints.items():
            row = self.complaints[complaint_key(*name)]
            assert (row.answered_at is not None) is complaint.answered
            if not complaint.answered:
                assert list(row.alarms_at) == complaint.alarms_at
                following = {(at, clock_token(*name)) for at in row.alarms_at[:1]}
                assert following <= due, "a clock that never rings"


def _day_agrees(day: SubscriberDay, page: Person) -> None:
    counted = [
        each.charge for each in page.charges if each.charge.day == day.day and not each.failed
    ]
    assert [each.service_id for each in day.services] == page.listed[day.day]
    for total in day.services:
        own = [each.price_minor for each in counted if each.service_id == total.service_id]
        assert (total.charges, total.amount_minor) == (len(own), sum(own)), "a service's total"
        assert total.declined is ((day.day, total.service_id) in page.declined)
    for spent in day.spent:
        assert spent.amount_minor == page.spent_minor(day.day, spent.currency), "what was spent"
        assert spent.noticed is ((day.day, spent.currency) in page.noticed)
    assert {each.currency for each in counted} <= {each.currency for each in day.spent}
    for call in day.calls:
        charged = [each.charge for each in page.in_call(call.call_id)]
        own = [each.price_minor for each in charged if each.day == day.day]
        assert (call.charges, call.amount_minor) == (len(own), sum(own)), "a call's total"
    assert day.prompts == page.prompts[day.day]
    assert day.shadow_prompts == page.shadow_prompts[day.day]
    assert set(day.codes) == page.codes[day.day]
