"""Taking back what was granted and asked: one service of a subscriber, or all of them.

A cancellation by text, a revocation by customer care and a released number do the same: what a yes
covered is covered no longer, open prompts close, and the orders that wait on them are refused. It
holds for every service day that is remembered. What was charged stays charged.
"""

from typing import NamedTuple

from streams.gate.asking import subscriber
from streams.gate.charging import refuse_waiting
from streams.gate.days import day_of, declined, with_day
from streams.gate.decision import Effect, OtherDay
from streams.gate.facts import Facts
from streams.gate.rows import OpenPrompt, Subscriber
from streams.gate.words import Reason


class Closed(NamedTuple):
    """What closing leads to."""

    found: bool  # something was granted or asked
    writes: tuple[OtherDay, ...]
    subscriber: Subscriber  # as it is afterwards; see days.kept
    effects: tuple[Effect, ...]  # the verdicts of what waited


def close(
    others: tuple[OtherDay, ...],
    known: Subscriber,
    facts: Facts,
    msisdn: str,
    service_id: str | None,
    reason: Reason,
) -> Closed:
    """Close these service days, those of one service or all; the reason is the verdicts'.

    Where it is the subscriber's own no (DECLINED), it counts as a no to each prompt that closes.
    """
    writes: list[OtherDay] = []
    effects: list[Effect] = []
    after, found = known, False
    for day, service, row in others:
        if row is None or service_id not in (None, service):
            continue
        found = found or row.grant is not None or bool(row.prompts)
        writes.append(OtherDay(day, service, None))
        for prompt in row.prompts:
            effects += refuse_waiting(
                facts, msisdn, service, prompt.provider_id, prompt.waiting, reason
            )
            if reason is Reason.DECLINED:
                after = _with_no(after, facts, day, service, prompt)
    refs = tuple(ref for ref in known.prompts if service_id not in (None, ref.service_id))
    after = subscriber(after, refs, after.days, known.province, known.last_charge)
    return Closed(found, tuple(writes), after, tuple(effects))


def _with_no(
    known: Subscriber, facts: Facts, day: int, service_id: str, prompt: OpenPrompt
) -> Subscriber:
    """The subscriber's row with a no to a service on the prompt's own day."""
    no = declined(day_of(known, day), service_id, prompt.currency)
    return with_day(known, no, facts.oldest_day())
